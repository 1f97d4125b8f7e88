"""Who follows the weights through a training."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Tracker(ABC):
    """Follows the weights of a model through its training, and says which weights to measure and to hand over."""

    @abstractmethod
    def after_step(self) -> None:
        """The model has taken a step."""

    @abstractmethod
    def evaluation_model(self) -> nn.Module:
        """Return a model of the same kind with the weights that stand for it now; the next step may change it."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Return all that a resumed run needs, contiguous, each tensor in memory of its own."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state_dict` returned."""
