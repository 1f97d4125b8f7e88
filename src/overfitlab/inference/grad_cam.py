"""Grad-CAM: where in an image the evidence for a class lies (Selvaraju et al., 2017, arXiv:1610.02391).

For feature maps A [C, h, w] of a convolutional layer and the logit y of a class, a channel weighs as much as the mean
of dy/dA over its pixels, and the map is ReLU(sum of weight * A over the channels). For a network that ends in global
average pooling and one dense layer this is CAM (Zhou et al., 2016): the weights are those of the dense layer / (h w).
"""

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.errors import UsageError

Hook = Callable[[nn.Module, object, object], Tensor | None]


@dataclass(frozen=True)
class FeatureMaps:
    """A layer whose output [B, C, h, w] keeps places apart."""

    name: str
    shape: tuple[int, int, int]  # channels, height, width
    convolution: bool
    mixed: bool = False  # a dense layer behind it treats many places at once, as transformers do


def feature_layers(model: nn.Module, x: Tensor) -> list[FeatureMaps]:
    """Return the layers with feature maps of more than one pixel, in the order in which they finish.

    `x` is an input [B, C, H, W]; one image is enough.
    """
    found: list[FeatureMaps] = []

    def note(name: str) -> Hook:
        def hook(layer: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor):
                return
            weight = getattr(layer, "weight", None)
            if isinstance(weight, Tensor) and weight.ndim == 2 and output.ndim > 2:
                found[:] = [replace(earlier, mixed=True) for earlier in found]
            elif output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
                _, channels, height, width = output.shape
                convolution = isinstance(weight, Tensor) and weight.ndim == 4
                found.append(FeatureMaps(name, (channels, height, width), convolution))

        return hook

    hooks = {name: note(name) for name, _ in model.named_modules() if name}
    with _hooked(model, hooks), torch.inference_mode():
        model(x)
    return found


def choose_layer(layers: list[FeatureMaps], name: str | None) -> FeatureMaps:
    """Return the layer with that name, or the one that Grad-CAM is usually drawn for.

    That is the last layer with as many pixels as the last convolution's output: after its normalization and activation,
    and before any pooling. A convolution of a single pixel, as in squeeze-and-excitation, does not count. Raises
    `UsageError` for an unknown name, and where no layer keeps places apart.
    """
    usable = [layer for layer in layers if not layer.mixed]
    if name is not None:
        if name not in {layer.name for layer in usable}:
            raise _unknown_layer(name, usable)
        return next(layer for layer in reversed(usable) if layer.name == name)
    pixels = next((layer.shape[1:] for layer in reversed(layers) if layer.convolution), None)
    found = next((layer for layer in reversed(usable) if layer.shape[1:] == pixels), None)
    if found is None:
        raise UsageError(
            "no_layer_with_places",
            "this network has no convolution that keeps positions in the image apart, so Grad-CAM has nothing to show",
        )
    return found


def _unknown_layer(name: str, usable: list[FeatureMaps]) -> UsageError:
    """Return the error with the nearest name, or the last ones: networks can have hundreds of layers."""
    names = list(dict.fromkeys(layer.name for layer in usable))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return UsageError(
            "unknown_layer_like", "unknown layer {name!r}; did you mean {near!r}?", name=name, near=near[0]
        )
    return UsageError(
        "unknown_layer", "unknown layer {name!r}; the last layers are {last}",
        name=name, last=", ".join(names[-6:]),
    )  # fmt: skip


def grad_cam(model: nn.Module, x: Tensor, layer: str, classes: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the maps [B, h, w], not negative, in units of the logit per pixel of the layer, and the logits [B, K].

    Args:
        model: in evaluation mode, so that an image's map does not depend on the others of its batch.
        x: standardized images [B, C, H, W].
        layer: the name of the layer, of those of `feature_layers`.
        classes: whose logits are explained, int64 [B]; None for the most probable ones.
    """
    captured: list[Tensor] = []

    def cut(_layer: nn.Module, _inputs: object, output: object) -> Tensor:
        assert isinstance(output, Tensor)  # noqa: S101 - feature_layers lists no others
        maps = output.detach().requires_grad_()  # what lies before the layer needs no gradient
        captured.append(maps)
        return maps.clone()  # a layer behind it may change it in place

    with _hooked(model, {layer: cut}), torch.enable_grad():
        logits: Tensor = model(x)
        chosen = logits.argmax(1) if classes is None else classes
        maps = captured[-1]
        (slopes,) = torch.autograd.grad(logits.gather(1, chosen[:, None]).sum(), maps)
    weights = slopes.mean(dim=(2, 3), keepdim=True)  # [B, C, 1, 1]
    return F.relu((weights * maps).sum(1)).detach(), logits.detach()


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return maps [B, h, w] at another size (height, width), bilinearly: [B, height, width]."""
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


@contextmanager
def _hooked(model: nn.Module, hooks: dict[str, Hook]) -> Iterator[None]:
    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
