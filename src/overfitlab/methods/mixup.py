"""Mixup."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class Mixup(Method):
    """Mixup: each image is blended with another one of its batch, and so are their labels.

    Equation: x = w * x + (1 - w) * x', y = w * y + (1 - w) * y', with w ~ Beta(alpha, alpha) for each image, and x', y'
    from a permutation of the batch.
    Source: Zhang et al., 2018, arXiv:1710.09412; like Keras's `MixUp`.
    Helps: use it against overconfidence and wrong labels, in trainings that are long enough.
    Hurts: in short trainings; real images are never blends.
    Cost: one more pass over the batch per step.
    """

    name = "mixup"
    stage = 40
    off = {"alpha": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    alpha: float = hyperparameter(0.4, low=0.0, high=100.0, search=(0.1, 0.2, 0.4, 1.0))

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the blended images and labels."""
        if self.alpha == 0:
            return x, y
        weight = torch.from_numpy(rng.beta(self.alpha, self.alpha, len(x))).to(x.dtype)
        partner = torch.from_numpy(rng.permutation(len(x)))
        other = x.permute(0, 2, 3, 1)[partner].permute(0, 3, 1, 2)  # gathered as it lies in memory
        return torch.lerp(other, x, weight[:, None, None, None]), torch.lerp(y[partner], y, weight[:, None])
