"""Early stopping."""

from collections.abc import Sequence
from dataclasses import dataclass

from overfitlab.methods.base import Method, hyperparameter
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset


@dataclass(frozen=True)
class EarlyStopping(Method):
    """Early stopping: training ends when the validation loss has not fallen for `patience` epochs.

    The weights that it hands over are those of the epoch with the lowest validation loss, the onset of overfitting.
    Equation: stop after epoch t where t - onset(t) >= patience; whether it stops or not, theta = theta(onset).
    Source: Prechelt, 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3; as Keras's `EarlyStopping` with
    `restore_best_weights=True`.
    Helps: whenever validation loss turns; and it saves time.
    Hurts: accuracy often goes on rising while the validation loss has turned; a wiggle can end a training too soon; and
    the validation images have had a part in the choice, so only test images are an honest measure of it.
    Cost: less than none, a shorter training; a copy of the weights.
    """

    name = "early_stopping"
    restores_onset = True
    patience: int = hyperparameter(3, low=1, search=(1, 2, 3, 5), whole=True)

    def stop(self, history: Sequence[EpochRow]) -> bool:
        """Return whether the last `patience` epochs brought no lower validation loss."""
        lowest = onset(list(history))
        return lowest is not None and history[-1].epoch - lowest.epoch >= self.patience
