"""Label smoothing."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class LabelSmoothing(Method):
    """Label smoothing: a part of each label's probability is spread evenly over all classes.

    Equation: y = (1 - smoothing) * y + smoothing / K, for K classes.
    Source: Szegedy et al., 2016, arXiv:1512.00567; as in Keras's `CategoricalCrossentropy`.
    Helps: use it against overconfidence, when validation loss soars while accuracy holds; wrong labels do less harm.
    Hurts: where it is strong, probabilities are too cautious and no longer calibrated. Training loss cannot reach
    zero.
    Cost: next to nothing.
    """

    name = "label_smoothing"
    stage = 60
    off = {"smoothing": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    smoothing: float = hyperparameter(0.1, low=0.0, high=0.99, search=(0.05, 0.1, 0.2, 0.4))

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the images as they are, and the smoothed labels."""
        if self.smoothing == 0:
            return x, y
        return x, y.mul_(1 - self.smoothing).add_(self.smoothing / y.shape[1])
