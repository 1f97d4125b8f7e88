"""What follows a convolution or dense layer, in one pass over memory: normalization, ReLU, 2x2 max pooling, dropout.

`fused` takes the compiled kernels (library.py) where they are there, for float32 and bfloat16 on the CPU, and plain
PyTorch (reference.py) otherwise.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

LEVELS = 2**16  # a mask is drawn as 16-bit integers, a quarter of the time of floating-point numbers

Kind = Literal["affine", "batch", "group", "layer"]
KINDS: tuple[Kind, ...] = ("affine", "batch", "group", "layer")  # as fused.h numbers them


@dataclass(frozen=True)
class Normalization:
    """y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, with the biased variance.

    Mean and variance are those of a channel over the batch and its pixels (`batch`), of a group of channels over one
    image's pixels (`group`), of one pixel over its channels (`layer`); `affine` has neither: y = x * gamma + beta, and
    both may be missing. gamma and beta are float32 [C].
    """

    kind: Kind = "affine"
    gamma: Tensor | None = None  # it gets no gradient where the kind is `affine`
    beta: Tensor | None = None
    epsilon: float = 0.0
    groups: int = 1


@dataclass(frozen=True)
class Mask:
    """What dropout keeps: where `levels` is at least `dropped`, elements are multiplied by `scale`; others become zero.

    `levels` is uint16 in the shape of the output with the channels last, [B, H, W, C] or [B, C], or [B, C] for an
    output [B, C, H, W] of which whole channels are dropped.
    """

    levels: Tensor
    dropped: int  # of LEVELS
    scale: float


@dataclass(frozen=True)
class Output:
    """What comes out, and the statistics [C] of the batch where the normalization is `batch`."""

    y: Tensor
    mean: Tensor | None = None
    variance: Tensor | None = None


class NormalizationLayer(nn.Module):
    """A layer that normalizes, and can say how: then it runs fused with what follows it."""

    def normalization(self) -> Normalization:
        """Return what it does in the mode that it is in."""
        raise NotImplementedError

    def observe(self, mean: Tensor, variance: Tensor) -> None:
        """Take note of a batch's statistics [C]; called in training, where the kind is `batch`."""


class MaskLayer(nn.Module):
    """A layer that drops elements while it trains, and can say which: then it runs fused with what precedes it."""

    def mask(self, shape: torch.Size) -> Mask:
        """Return the mask of this training step for an input [B, C, H, W] or [B, C] of that shape."""
        raise NotImplementedError


def fused(
    x: Tensor, normalization: Normalization, *, relu: bool = True, pool: bool = False, mask: Mask | None = None
) -> Output:
    """Return x [B, C, H, W] or [B, C], normalized, through ReLU, 2x2 max pooling with stride 2, and dropout.

    Pooling is "same": an odd edge is pooled on its own. Gradients reach x, beta, and gamma unless it is `affine`.
    Rounding apart, the result does not depend on which kernels computed it; with the compiled ones it does not depend
    on the number of threads, to the bit.
    """
    from overfitlab.kernels import operators, reference

    run = operators.fused if operators.fits(x, normalization) else reference.fused
    return run(x, normalization, relu=relu, pool=pool, mask=mask)
