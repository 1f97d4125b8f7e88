"""Dropout."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from overfitlab.kernels.fused import LEVELS, Mask, MaskLayer
from overfitlab.methods.base import Method, RandomLayer, Site, hyperparameter
from overfitlab.randomness import Key


@dataclass(frozen=True)
class Dropout(Method):
    """Dropout after every pooling: each activation is set to zero with probability `rate` while training.

    In a network without pooling it acts once, right before the last dense layer.
    Equation: y = x * mask / (1 - rate), mask ~ Bernoulli(1 - rate), drawn for every element of every image; in
    evaluation y = x. The rate is rounded to a multiple of 1/65536, mask and scale alike.
    Source: Srivastava et al., 2014, JMLR 15:1929-1958, in the "inverted" form that Keras and PyTorch use.
    Helps: use it with large dense layers and little data: it keeps units from relying on each other.
    Hurts: learning is slower, and in front of a batch normalization it shifts the variance between training and
    evaluation (Li et al., 2018, arXiv:1801.05134).
    Cost: drawing and applying a mask in every step; no parameters.
    """

    name = "dropout"
    off = {"rate": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    sites = ("pool", "classifier")
    rate: float = hyperparameter(0.2, low=0.0, high=0.99, search=(0.1, 0.2, 0.3, 0.4, 0.5))

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a dropout layer for a `pool` or `classifier` site."""
        if site.kind not in self.sites or self.rate == 0:
            return None
        return DropoutLayer(self.rate, key / site.name)


class DropoutLayer(RandomLayer, MaskLayer):
    """Zeroes elements of [B, C] or [B, C, H, W]; see the card of `Dropout`."""

    def __init__(self, rate: float, key: Key) -> None:
        super().__init__(key)
        self._dropped_levels = round(rate * LEVELS)

    def forward(self, x: Tensor) -> Tensor:
        """Return x with a fresh mask while training, x itself in evaluation."""
        if not self.training:
            return x
        mask = self.mask(x.shape)
        kept = torch.from_numpy(mask.levels.numpy() >= mask.dropped).movedim(-1, 1)
        return x * kept.to(x.device) * mask.scale

    def mask(self, shape: torch.Size) -> Mask:
        """Return this step's mask, with the channels last: how the numbers lie."""
        in_memory = (shape[0], *shape[2:], shape[1])
        # the 16-bit integers that Generator.integers would draw, in a third of the time
        words = self.generator().bit_generator.random_raw(-(-math.prod(in_memory) // 4))
        levels = words.astype("<u8", copy=False).view("<u2")[: math.prod(in_memory)]
        return Mask(
            torch.from_numpy(levels.reshape(in_memory)),
            self._dropped_levels,
            LEVELS / (LEVELS - self._dropped_levels),
        )
