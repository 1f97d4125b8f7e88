"""A method at work in one training: everything that it does around the network."""

from dataclasses import dataclass

from torch import Tensor

from overfitlab.methods.base import Method
from overfitlab.methods.tracking import Tracker
from overfitlab.models.model import Model
from overfitlab.randomness import Key
from overfitlab.results.history import EpochRow


@dataclass(frozen=True)
class _Transform:
    """A method that changes batches, and the key that its draws begin with."""

    method: Method
    key: Key


class Regularization:
    """What the parts of a method do with batches, loss, weights and the end of a training.

    What they insert into the network is there already; hooks that a method does not override cost nothing.
    """

    def __init__(self, method: Method, model: Model, key: Key) -> None:
        self._method = method
        self._transforms = [
            _Transform(part, key / "method" / part.name / "batch")
            for part in method.parts
            if type(part).batch is not Method.batch
        ]
        trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
        self._kernels = {name: value for name, value in trained.items() if value.ndim >= 2}
        self.weight_decays: dict[str, float] = {
            name: decay for name, value in trained.items() if (decay := method.weight_decay(name, value))
        }
        self.tracker: Tracker | None = method.tracker(model)
        self.restores_onset = any(part.restores_onset for part in method.parts)

    def batch(self, x: Tensor, y: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """Return what to train on instead of images [B, C, H, W] and label probabilities [B, K]."""
        for transform in self._transforms:
            x, y = transform.method.batch(x, y, (transform.key / epoch / step).generator())
        return x, y

    def penalty(self) -> Tensor | None:
        """Return what to add to the loss, a scalar, or None."""
        return self._method.penalty(self._kernels)

    def after_step(self) -> None:
        """Let the tracker see the weights after a step."""
        if self.tracker is not None:
            self.tracker.after_step()

    def stops(self, rows: list[EpochRow]) -> bool:
        """Return whether training ends after these epochs."""
        return bool(rows) and self._method.stop(rows)

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed run needs of the tracker."""
        return {} if self.tracker is None else self.tracker.state_dict()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        if self.tracker is not None:
            self.tracker.load_state_dict(state)


def evaluated(model: Model, regularization: Regularization) -> Model:
    """Return the network that is measured and handed over: the tracker's, where the method has one."""
    if regularization.tracker is None:
        return model
    tracked = regularization.tracker.evaluation_model()
    if not isinstance(tracked, Model):
        raise TypeError(f"the tracker's evaluation model must be a Model, as what it tracks is, not {type(tracked)}")
    return tracked
