"""Spatial dropout."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from overfitlab.kernels.fused import LEVELS, Mask, MaskLayer
from overfitlab.methods.base import Method, RandomLayer, Site, hyperparameter
from overfitlab.randomness import Key


@dataclass(frozen=True)
class SpatialDropout(Method):
    """Spatial dropout after every pooling: whole channels are set to zero with probability `rate` while training.

    Equation: y[b, c, :, :] = x[b, c, :, :] * mask[b, c] / (1 - rate), mask ~ Bernoulli(1 - rate); in evaluation y = x.
    Source: Tompson et al., 2015, arXiv:1411.4280; like Keras's `SpatialDropout2D`.
    Helps: use it in convolutional layers, where neighbours are so alike that dropping one hides nothing.
    Hurts: narrow layers, which lose whole features; it is stronger than `dropout` at the same rate.
    Cost: drawing a mask with one number per channel, and one pass over the activations per step; no parameters.
    """

    name = "spatial_dropout"
    off = {"rate": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    sites = ("pool",)
    rate: float = hyperparameter(0.2, low=0.0, high=0.99, search=(0.05, 0.1, 0.2, 0.3))

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a spatial dropout layer for a `pool` site."""
        if site.kind not in self.sites or self.rate == 0:
            return None
        return SpatialDropoutLayer(self.rate, key / site.name)


class SpatialDropoutLayer(RandomLayer, MaskLayer):
    """Zeroes channels of [B, C, H, W]; see the card of `SpatialDropout`."""

    def __init__(self, rate: float, key: Key) -> None:
        super().__init__(key)
        self._rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return x with fresh channels missing while training, x itself in evaluation."""
        if not self.training:
            return x
        mask = self.mask(x.shape)
        kept = torch.from_numpy(mask.levels.numpy() >= mask.dropped)  # [B, C]
        return x * kept.to(x.device).reshape(*kept.shape, *(1,) * (x.ndim - kept.ndim)) * mask.scale

    def mask(self, shape: torch.Size) -> Mask:
        """Return this step's mask, a level for each channel of each image."""
        kept = self.generator().random(shape[:2]) >= self._rate
        return Mask(torch.from_numpy(np.where(kept, LEVELS - 1, 0).astype(np.uint16)), 1, 1 / (1 - self._rate))
