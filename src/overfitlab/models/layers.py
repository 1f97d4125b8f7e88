"""The parts that networks are built of, with Keras's semantics.

Keras's semantics where PyTorch's differ: zero biases; "same" pooling, so that 7 pixels become 4; and flattening in
the order height, width, channels. A 3x3 convolution with stride 2 pads one pixel on each side, as He et al. do.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.kernels.convolution import conv2d
from overfitlab.randomness import Key

# shape of the kernel, fan-in, fan-out, key -> float32 draws of that shape
Initializer = Callable[[tuple[int, ...], int, int, Key], Tensor]


def glorot_uniform(shape: tuple[int, ...], fan_in: int, fan_out: int, key: Key) -> Tensor:
    """Return float32 draws from U(-limit, limit), limit = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    limit = math.sqrt(6 / (fan_in + fan_out))
    draws = key.generator().uniform(-limit, limit, size=shape)
    return torch.from_numpy(draws.astype(np.float32))


def he_normal(shape: tuple[int, ...], fan_in: int, fan_out: int, key: Key) -> Tensor:
    """Return float32 draws from N(0, 2 / fan_in), which keeps the scale through ReLUs (He et al., arXiv:1502.01852)."""
    draws = key.generator().normal(0, math.sqrt(2 / fan_in), size=shape)
    return torch.from_numpy(draws.astype(np.float32))


class Conv2D(nn.Module):
    """A square convolution with an odd kernel, padded by half of it; weight [out, in, size, size]."""

    bias: nn.Parameter | None
    bias_trains = True

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        key: Key,
        *,
        size: int = 3,
        stride: int = 1,
        initial: Initializer = glorot_uniform,
    ) -> None:
        super().__init__()
        self._stride, self._padding = stride, size // 2
        shape, area = (channels_out, channels_in, size, size), size * size
        self.weight = nn.Parameter(initial(shape, area * channels_in, area * channels_out, key))
        self.bias = nn.Parameter(torch.zeros(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, ceil(H/stride), ceil(W/stride)]."""
        bias = self.bias if self.bias_trains or self.bias is None else self.bias.detach()
        return conv2d(x, self.weight, bias, stride=self._stride, padding=self._padding)

    def product(self, x: Tensor) -> Tensor:
        """Do the same without the bias."""
        return conv2d(x, self.weight, None, stride=self._stride, padding=self._padding)


class Dense(nn.Module):
    """A fully connected layer; weight [out, in]."""

    bias: nn.Parameter | None
    bias_trains = True

    def __init__(self, features_in: int, features_out: int, key: Key, *, initial: Initializer = glorot_uniform) -> None:
        super().__init__()
        shape = (features_out, features_in)
        self.weight = nn.Parameter(initial(shape, features_in, features_out, key))
        self.bias = nn.Parameter(torch.zeros(features_out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, in] -> [B, out]."""
        bias = self.bias if self.bias_trains or self.bias is None else self.bias.detach()
        return F.linear(x, self.weight, bias)

    def product(self, x: Tensor) -> Tensor:
        """Do the same without the bias."""
        return F.linear(x, self.weight)


class ReLU(nn.Module):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x without what is below zero, in the same shape."""
        return F.relu(x)


class MaxPool2D(nn.Module):
    """2x2 max pooling, stride 2, "same": an odd edge is pooled on its own."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, ceil(H/2), ceil(W/2)]."""
        return F.max_pool2d(x, 2, ceil_mode=True)


class GlobalAveragePool2D(nn.Module):
    """The mean over each channel's image."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C]."""
        return x.mean((2, 3))


class Flatten(nn.Module):
    """Flatten in Keras's order: height, width, channels."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, H * W * C]; a view where x is in channels-last memory."""
        return x.permute(0, 2, 3, 1).flatten(1)
