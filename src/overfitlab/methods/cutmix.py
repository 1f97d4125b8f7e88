"""CutMix."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class CutMix(Method):
    """CutMix: a rectangle of each image comes from another one of its batch, and the labels follow the areas.

    Equation: with probability `probability` for each image, w ~ Beta(alpha, alpha), and a rectangle with sqrt(1 - w) of
    height and width around a uniform centre, cut at the edges, shows x' from a permutation of the batch; y = s * y +
    (1 - s) * y', where s is the share of the pixels that are left of x.
    Source: Yun et al., 2019, arXiv:1905.04899; like Keras's `CutMix`.
    Helps: use it in long trainings on photographs: it hides parts and mixes labels, and keeps texture intact.
    Hurts: in short trainings; a small object may be cut away while part of its label stays.
    Cost: one more pass over the batch per step.
    """

    name = "cutmix"
    stage = 50
    off = {"probability": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    probability: float = hyperparameter(0.5, low=0.0, high=1.0, search=(0.25, 0.5, 0.75, 1.0))
    alpha: float = hyperparameter(1.0, low=1e-3, high=100.0)

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the images with their rectangles, and the labels by area."""
        if self.probability == 0:
            return x, y
        count, _, height, width = x.shape
        mixed = rng.random(count) < self.probability
        side = np.sqrt(1 - rng.beta(self.alpha, self.alpha, count)) * mixed
        partner = torch.from_numpy(rng.permutation(count))
        vertical = _span(side, height, rng)  # [B, H]
        horizontal = _span(side, width, rng)  # [B, W]
        inside = torch.from_numpy(vertical[:, :, None] & horizontal[:, None, :])
        other = x.permute(0, 2, 3, 1)[partner].permute(0, 3, 1, 2)  # gathered as it lies in memory
        kept = 1 - vertical.sum(1) * horizontal.sum(1) / (height * width)
        share = torch.from_numpy(kept).to(y.dtype)
        return torch.where(inside[:, None], other, x), torch.lerp(y[partner], y, share[:, None])


def _span(side: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return which of `length` pixels [B, length] lie in a span of `side` of it, around a uniform pixel."""
    half = np.floor(side * length / 2)
    centre = rng.integers(length, size=len(side))
    at = np.arange(length)
    inside: np.ndarray = (at >= (centre - half)[:, None]) & (at < (centre + half)[:, None])
    return inside
