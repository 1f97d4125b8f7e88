"""Gaussian noise."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class GaussianNoise(Method):
    """Gaussian noise on the images: every value of every image gets its own normal draw while training.

    Equation: x + std * n, n ~ N(0, 1), on standardized images, so `std` is a fraction of the images' own deviation; in
    evaluation nothing is added.
    Source: Bishop, 1995, Neural Computation 7:108-116 (training with noise is Tikhonov regularization); like Keras's
    `GaussianNoise` after the input.
    Helps: use it when images are noisy, or when the network relies on single pixels.
    Hurts: when classes differ in fine texture, which the noise hides.
    Cost: one normal draw and one addition for each value of the batch per step.
    """

    name = "gaussian_noise"
    stage = 20
    off = {"std": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    std: float = hyperparameter(0.05, low=0.0, search=(0.05, 0.1, 0.2, 0.4))

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the images with noise, and the labels as they are."""
        if self.std == 0:
            return x, y
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))  # PyTorch draws normal numbers faster
        batch, channels, height, width = x.shape
        noise = torch.randn(batch, height, width, channels, generator=generator, dtype=x.dtype)
        return x.add_(noise.permute(0, 3, 1, 2), alpha=self.std), y
