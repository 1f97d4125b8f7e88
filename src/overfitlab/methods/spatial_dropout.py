"""Spatial dropout."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from overfitlab.methods.base import Method, RandomLayer, Site, hyperparameter
from overfitlab.randomness import Key


@dataclass(frozen=True)
class SpatialDropout(Method):
    """Spatial dropout after every pooling: whole channels are set to zero with probability `rate` while training.

    Equation: y[b, c, :, :] = x[b, c, :, :] * mask[b, c] / (1 - rate), mask ~ Bernoulli(1 - rate); in evaluation y = x.
    Source: Tompson et al., 2015, arXiv:1411.4280; as Keras's `SpatialDropout2D`.
    Helps: in convolutional layers, where neighbouring pixels are so alike that dropping one of them hides nothing.
    Hurts: narrow layers, of which it takes whole features; more than `dropout` at the same rate.
    Cost: a mask of one number a channel to draw, one pass over the activations a step; no parameters.
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


class SpatialDropoutLayer(RandomLayer):
    """Zeroes channels of [B, C, H, W]; see the card of `SpatialDropout`."""

    def __init__(self, rate: float, key: Key) -> None:
        super().__init__(key)
        self._rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return x with fresh channels missing while training, x itself in evaluation."""
        if not self.training:
            return x
        kept = torch.from_numpy(self.generator().random(x.shape[:2]) >= self._rate)  # [B, C]
        return x * kept.reshape(*kept.shape, *(1,) * (x.ndim - kept.ndim)) * (1 / (1 - self._rate))
