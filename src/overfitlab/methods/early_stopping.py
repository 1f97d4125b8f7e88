"""Early stopping."""

from collections.abc import Sequence
from dataclasses import dataclass

from overfitlab.methods.base import Method, hyperparameter
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset


@dataclass(frozen=True)
class EarlyStopping(Method):
    """Early stopping: training ends when the validation loss has not fallen for `patience` epochs.

    Its final weights are those of the epoch with the lowest validation loss, the onset of overfitting.
    Equation: stop after epoch t where t - onset(t) >= patience; whether it stops or not, theta = theta(onset).
    Source: Prechelt, 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3; like Keras's `EarlyStopping` with
    `restore_best_weights=True`.
    Helps: use it whenever validation loss turns upwards; it saves time, too.
    Hurts: accuracy often keeps rising after validation loss has turned, and noise can end a training too soon. The
    validation images choose the epoch, so only test images measure it fairly.
    Cost: less than none, as training is shorter; one copy of the weights.
    """

    name = "early_stopping"
    restores_onset = True
    patience: int = hyperparameter(3, low=1, search=(1, 2, 3, 5), whole=True)

    def stop(self, history: Sequence[EpochRow]) -> bool:
        """Return whether the last `patience` epochs brought no lower validation loss."""
        lowest = onset(list(history))
        return lowest is not None and history[-1].epoch - lowest.epoch >= self.patience
