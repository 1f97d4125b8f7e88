"""Networks as lists of layers, and the builder that asks a method at every site what to insert."""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from overfitlab.errors import UsageError
from overfitlab.methods.base import Method, NetworkSpec, Site
from overfitlab.models.fusion import run
from overfitlab.models.layers import (
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    Initializer,
    MaxPool2D,
    ReLU,
    glorot_uniform,
)
from overfitlab.models.model import Model
from overfitlab.models.residual import Residual
from overfitlab.models.sites import layers_by_site
from overfitlab.randomness import Key

IMAGES, VECTORS = 4, 2  # dimensions of a tensor [B, C, H, W] and [B, C]


class Network(Model, nn.Sequential):
    """Layers in a row, from standardized images [B, C, H, W] to logits [B, K]."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, K]."""
        return run(tuple(self), x)


@dataclass(frozen=True)
class _Place:
    """A site while the network is being built: an empty container, and the layer right before it, if it has a bias."""

    site: Site
    within: nn.Sequential
    biased: Conv2D | Dense | None


class Builder:
    """Appends layers and keeps track of the shape; `site` methods mark where a method may insert something.

    Initial weights are a function of the seed and the layer's name, so networks under different methods share the
    initial bits of every layer that they share. They are drawn by `initial`, which may be set before a layer is added.

    A bias right in front of a layer that removes the mean has no effect. It stays, frozen at zero, as in the notebook's
    Keras model; with `spare_biases` it is left out, as in the literature on residual networks.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        method: Method,
        key: Key,
        *,
        name: str = "this network",
        classes: int | None = None,
        warm_up: bool = False,
        spare_biases: bool = False,
    ) -> None:
        self.initial: Initializer = glorot_uniform
        self._image_shape, self._name = image_shape, name
        self._height, self._width, self._channels = image_shape
        self._ndim = IMAGES
        self._stride = 1  # from the image, or the start of the residual block, to here
        self._method, self._key = method, key
        self._narrowing, self._classes = method.network(NetworkSpec()).width, classes
        self._warm_up, self._spare_biases = warm_up, spare_biases
        self._network = Network()
        self._container: nn.Sequential = self._network  # what layers are appended to
        self._biased: Conv2D | Dense | None = None  # the layer before this point, if it is one of them
        self._last_dense: str | None = None
        self._places: list[_Place] = []
        self._counts: Counter[str] = Counter()  # of sites too, used or not: names do not depend on the method
        self._done = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape here, without the images of the batch: (height, width, channels), or (features,)."""
        return (self._height, self._width, self._channels) if self._ndim == IMAGES else (self._channels,)

    def conv(self, filters: int, *, size: int = 3, stride: int = 1, scale: float = 1.0) -> None:
        """Append a convolution with a kernel of size x size, odd; its initial weights are multiplied by `scale`.

        A method may make it narrower (`smaller_network`).
        """
        self._expect(IMAGES, "conv")
        if filters < 1 or size < 1 or size % 2 == 0 or stride < 1:
            raise UsageError(
                "convolution_impossible",
                "conv({filters}, size={size}, stride={stride}): numbers from 1, and an odd size",
                filters=filters, size=size, stride=stride,
            )  # fmt: skip
        filters = self._narrowed(filters)
        name = self._next_name("conv")
        layer = Conv2D(
            self._channels, filters, self._key / "init" / name, size=size, stride=stride, initial=self.initial
        )
        if scale != 1:
            layer.weight.data.mul_(scale)
        self._append(name, layer)
        self._biased = layer
        self._channels = filters
        self._shrink(stride)

    def dense(self, units: int) -> None:
        """Append a fully connected layer; a method may make it narrower, unless it has a unit for each class."""
        self._expect(VECTORS, "dense")
        if units < 1:
            raise UsageError("dense_without_units", "dense({units}): it needs one unit or more", units=units)
        if units != self._classes:
            units = self._narrowed(units)
        name = self._next_name("dense")
        layer = Dense(self._channels, units, self._key / "init" / name, initial=self.initial)
        self._append(name, layer)
        self._biased = layer
        self._channels, self._last_dense = units, name

    def relu(self) -> None:
        """Append the activation."""
        self._append(self._next_name("relu"), ReLU())

    def max_pool(self) -> None:
        """Append a 2x2 max pooling."""
        self._expect(IMAGES, "max_pool")
        self._append(self._next_name("max_pool"), MaxPool2D())
        self._shrink(2)

    def flatten(self) -> None:
        """Append the step from images to vectors."""
        self._expect(IMAGES, "flatten")
        self._to_vectors("flatten", Flatten(), self._height * self._width * self._channels)

    def global_average_pool(self) -> None:
        """Append the step from images to their means over the pixels, one a channel."""
        self._expect(IMAGES, "global_average_pool")
        self._to_vectors("global_average_pool", GlobalAveragePool2D(), self._channels)

    @contextlib.contextmanager
    def residual(self) -> Iterator[None]:
        """Append a block whose input is added to the output of the layers that are appended within the `with`."""
        self._expect(IMAGES, "residual")
        outside, stride, channels = self._container, self._stride, self._channels
        block = Residual()
        self._append(self._next_name("block"), block)
        self._container, self._stride = block, 1
        yield
        if self._ndim != IMAGES or self._channels < channels:
            raise UsageError(
                "residual_block_ends_otherwise",
                "a residual block of {channels} channels ends with shape {shape}; it must end with images of at least "
                "as many channels",
                channels=channels, shape=self.shape,
            )  # fmt: skip
        block.stride, block.added_channels = self._stride, self._channels - channels
        self._container, self._stride, self._biased = outside, stride * self._stride, None

    def norm_site(self) -> None:
        """Let the method insert a layer between a convolution or dense layer and its activation."""
        self._mark("norm", self._next_name("norm"))

    def pool_site(self) -> None:
        """Let the method insert a layer after a pooling."""
        self._mark("pool", self._next_name("pool"))

    def classifier_site(self) -> None:
        """Let the method insert a layer right before the last dense layer."""
        if any(place.site.kind == "classifier" for place in self._places):
            raise UsageError(
                "two_classifier_sites", "a network has one classifier_site, right before its last dense layer"
            )
        self._mark("classifier", "classifier")

    def network(self) -> Network:
        """Return what was built, in channels-last memory.

        Raises `UsageError` where the method needs a kind of site that was not marked.
        """
        if not self._done:
            self._fill_places()
            self._done = True
        return self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _fill_places(self) -> None:
        sites = [place.site for place in self._places]
        inserted = layers_by_site(self._method, sites, self._key, self._name)
        for place in self._places:
            layers = inserted.get(place.site.name)
            if layers is None:
                delattr(place.within, place.site.name)
                continue
            setattr(place.within, place.site.name, layers)
            if place.biased is not None and any(getattr(layer, "removes_mean", False) for layer in layers):
                # the true gradient of this bias is zero: it keeps its value, and is not trained on rounding errors
                place.biased.bias_trains = False
                if self._spare_biases:
                    place.biased.bias = None
        self._network.name, self._network.image_shape = self._name, self._image_shape
        self._network.sites, self._network.last_dense = tuple(sites), self._last_dense

    def _mark(self, kind: Literal["norm", "pool", "classifier"], name: str) -> None:
        site = Site(kind, name, self._channels, self._ndim, self._warm_up)
        biased = self._biased
        self._append(name, nn.Sequential())  # holds the place until the whole network is known
        self._places.append(_Place(site, self._container, biased))

    def _append(self, name: str, layer: nn.Module) -> None:
        self._container.add_module(name, layer)
        self._biased = None

    def _narrowed(self, width: int) -> int:
        return max(1, round(self._narrowing * width))

    def _to_vectors(self, name: str, layer: nn.Module, features: int) -> None:
        self._append(name, layer)
        self._channels, self._ndim = features, VECTORS

    def _shrink(self, stride: int) -> None:
        self._height, self._width = math.ceil(self._height / stride), math.ceil(self._width / stride)
        self._stride *= stride

    def _expect(self, ndim: int, what: str) -> None:
        if self._ndim == ndim:
            return
        if ndim == IMAGES:
            raise UsageError("layer_needs_images", "{layer} needs images: it comes before flatten", layer=what)
        raise UsageError("layer_needs_vectors", "{layer} needs vectors: flatten the images first", layer=what)

    def _next_name(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind}{self._counts[kind]}"
