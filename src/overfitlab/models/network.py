"""The parts that networks are built of, with Keras's semantics, and the builder that asks a method at every site.

Keras's semantics where PyTorch's differ: Glorot-uniform kernels and zero biases; "same" pooling, so that 7 pixels
become 4; and flattening in the order height, width, channels.
"""

import math
from collections import Counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.methods.base import Method, RandomLayer, Site
from overfitlab.randomness import Key


def glorot_uniform(shape: tuple[int, ...], fan_in: int, fan_out: int, key: Key) -> Tensor:
    """Return float32 draws from U(-limit, limit), limit = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    limit = math.sqrt(6 / (fan_in + fan_out))
    draws = key.generator().uniform(-limit, limit, size=shape)
    return torch.from_numpy(draws.astype(np.float32))


class Conv2D(nn.Module):
    """A 3x3 convolution, stride 1, zero padding "same"; weight [out, in, 3, 3]."""

    bias_trains = True

    def __init__(self, channels_in: int, channels_out: int, key: Key) -> None:
        super().__init__()
        shape = (channels_out, channels_in, 3, 3)
        self.weight = nn.Parameter(glorot_uniform(shape, 9 * channels_in, 9 * channels_out, key))
        self.bias = nn.Parameter(torch.zeros(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, H, W]."""
        bias = self.bias if self.bias_trains else self.bias.detach()
        return F.conv2d(x, self.weight, bias, padding=1)


class Dense(nn.Module):
    """A fully connected layer; weight [out, in]."""

    bias_trains = True

    def __init__(self, features_in: int, features_out: int, key: Key) -> None:
        super().__init__()
        shape = (features_out, features_in)
        self.weight = nn.Parameter(glorot_uniform(shape, features_in, features_out, key))
        self.bias = nn.Parameter(torch.zeros(features_out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, in] -> [B, out]."""
        return F.linear(x, self.weight, self.bias if self.bias_trains else self.bias.detach())


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


class Flatten(nn.Module):
    """Flatten in Keras's order: height, width, channels."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, H * W * C]; a view where x is in channels-last memory."""
        return x.permute(0, 2, 3, 1).flatten(1)


class Network(nn.Sequential):
    """Layers in a row, from standardized images [B, C, H, W] to logits [B, K]."""

    def at(self, epoch: int, step: int) -> None:
        """Tell every random layer which training step comes next."""
        for layer in self.modules():
            if isinstance(layer, RandomLayer):
                layer.at(epoch, step)

    def parameter_counts(self) -> tuple[int, int]:
        """Return how many numbers the network holds, moving statistics included, and how many of them train."""
        trained = sum(parameter.numel() for parameter in self.parameters())
        return trained + sum(buffer.numel() for buffer in self.buffers()), trained


class Builder:
    """Appends layers and keeps track of the shape; `site` asks the method what to insert.

    Initial weights are a function of the seed and the layer's name, so networks under different methods share the
    initial bits of every layer that they share.
    """

    def __init__(self, image_shape: tuple[int, int, int], method: Method, key: Key) -> None:
        self._height, self._width, self._channels = image_shape
        self._ndim = 4
        self._method = method
        self._key = key
        self._layers = Network()
        self._biased: Conv2D | Dense  # the last of them
        self._counts: Counter[str] = Counter()  # of sites too, used or not: names do not depend on the method

    def conv(self, filters: int) -> None:
        """Append a 3x3 convolution."""
        name = self._next_name("conv")
        self._biased = Conv2D(self._channels, filters, self._key / "init" / name)
        self._layers.add_module(name, self._biased)
        self._channels = filters

    def dense(self, units: int) -> None:
        """Append a fully connected layer."""
        name = self._next_name("dense")
        self._biased = Dense(self._channels, units, self._key / "init" / name)
        self._layers.add_module(name, self._biased)
        self._channels = units

    def relu(self) -> None:
        """Append the activation."""
        self._layers.add_module(self._next_name("relu"), ReLU())

    def max_pool(self) -> None:
        """Append a 2x2 max pooling."""
        self._layers.add_module(self._next_name("max_pool"), MaxPool2D())
        self._height, self._width = math.ceil(self._height / 2), math.ceil(self._width / 2)

    def flatten(self) -> None:
        """Append the step from images to vectors."""
        self._layers.add_module("flatten", Flatten())
        self._channels *= self._height * self._width
        self._ndim = 2

    def norm_site(self) -> None:
        """Let the method insert a layer between a convolution or dense layer and its activation."""
        layers = self._insert(Site("norm", self._next_name("norm"), self._channels, self._ndim))
        if any(getattr(layer, "removes_mean", False) for layer in layers):
            # the true gradient of this bias is zero: leave it at its value instead of training it on rounding errors
            self._biased.bias_trains = False

    def pool_site(self) -> None:
        """Let the method insert a layer after a pooling."""
        self._insert(Site("pool", self._next_name("pool"), self._channels, self._ndim))

    def classifier_site(self) -> None:
        """Let the method insert a layer right before the last dense layer."""
        self._insert(Site("classifier", "classifier", self._channels, self._ndim))

    def network(self) -> Network:
        """Return what was built, in channels-last memory."""
        return self._layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _insert(self, site: Site) -> nn.Sequential:
        """Insert what the methods give, each under its name and with a key of its own, alone or composed."""
        layers = nn.Sequential()
        for method in self._method.parts:
            layer = method.layer(site, self._key / "method" / method.name)
            if layer is not None:
                layers.add_module(method.name, layer)
        if len(layers):
            self._layers.add_module(site.name, layers)
        return layers

    def _next_name(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind}{self._counts[kind]}"
