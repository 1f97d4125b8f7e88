"""How layers in a row run: what stands between two convolutions or dense layers as one fused step, the rest one by one.

A network stays a list of layers, each with a name and a forward pass of its own, which is what people read, hook and
export. Only as it runs are neighbours taken together: convolution or dense layer, normalization, ReLU, max pooling and
dropout, of which each but the first may be missing (kernels/fused.py). A layer with a hook runs alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules import module as every_module

from overfitlab.kernels import library
from overfitlab.kernels.fused import MaskLayer, Normalization, NormalizationLayer, fused
from overfitlab.models.layers import Conv2D, Dense, MaxPool2D, ReLU

Layer = TypeVar("Layer", bound=nn.Module)


@dataclass
class _Row:
    """A layer with weights, and what of the layers after it runs fused with it."""

    weighted: Conv2D | Dense
    normalization: NormalizationLayer | None = None
    relu: bool = False
    pool: bool = False
    dropping: MaskLayer | None = None
    length: int = 1

    def run(self, x: Tensor) -> Tensor:
        """Return what these layers make of [B, C, H, W] or [B, C]."""
        layer = self.normalization
        bias = self.weighted.bias
        spared = False
        if layer is None:
            x = self.weighted.product(x)  # the bias is added where the memory is touched anyway
            normalization = Normalization(beta=bias)
        else:
            normalization = layer.normalization()
            # in front of a layer that removes the mean, a bias (kept at its initial value) moves nothing but the mean
            spared = normalization.kind == "batch" and not self.weighted.bias_trains
            if normalization.kind == "affine":
                x, normalization = self.weighted.product(x), _with_bias(normalization, bias)
            else:
                x = self.weighted.product(x) if spared else self.weighted(x)
        shape = x.shape
        if self.pool:
            shape = torch.Size((*shape[:2], *((extent + 1) // 2 for extent in shape[2:])))
        mask = None if self.dropping is None or not self.dropping.training else self.dropping.mask(shape)
        output = fused(x, normalization, relu=self.relu, pool=self.pool, mask=mask)
        if layer is not None and output.mean is not None and output.variance is not None:
            layer.observe(output.mean + bias.detach() if spared and bias is not None else output.mean, output.variance)
        return output.y


def run(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Return what the layers, one after the other, make of [B, C, H, W] or [B, C].

    Each runs alone without compiled kernels, and in evaluation mode with gradients (for explanations).
    """
    position = 0
    alone = library.library() is None or _every_layer_is_hooked()
    while position < len(layers):
        layer = layers[position]
        row = None if alone else _row_at(layers, position)
        if row is None or (torch.is_grad_enabled() and not layer.training):
            x = layer(x)
            position += 1
        else:
            x = row.run(x)
            position += row.length
    return x


def _row_at(layers: Sequence[nn.Module], position: int) -> _Row | None:
    """Return the row that begins there, None where there is nothing to fuse."""
    first = layers[position]
    if not (_is(first, Conv2D) or _is(first, Dense)) or _hooked(first):
        return None
    row = _Row(first)
    for layer in layers[position + 1 :]:
        inserted = _only_layer(layer)
        if inserted is None:
            break
        if _is(inserted, NormalizationLayer) and row.length == 1:
            row.normalization = inserted
        elif _is(inserted, ReLU) and not (row.relu or row.pool):
            row.relu = True
        elif _is(inserted, MaxPool2D) and not row.pool:
            row.pool = True
        elif _is(inserted, MaskLayer):
            row.dropping = inserted
            row.length += 1
            break
        else:
            break
        row.length += 1
    return row if row.length > 1 else None


def _only_layer(layer: nn.Module) -> nn.Module | None:
    """Return the layer, or the only one that a method inserted at a site; None for anything that has to run alone."""
    if _hooked(layer):
        return None
    if type(layer) is nn.Sequential:
        return _only_layer(layer[0]) if len(layer) == 1 else None
    return layer


def _with_bias(normalization: Normalization, bias: Tensor | None) -> Normalization:
    """Return x * gamma + beta with a bias added to x before."""
    if bias is None:
        return normalization
    moved = bias if normalization.gamma is None else bias * normalization.gamma
    return replace(normalization, beta=moved if normalization.beta is None else normalization.beta + moved)


def _is(layer: nn.Module, kind: type[Layer]) -> TypeGuard[Layer]:
    """Return whether the layer runs as that kind does: it has not been given a forward pass of its own."""
    if not isinstance(layer, kind) or "forward" in vars(layer):
        return False
    if kind in (NormalizationLayer, MaskLayer):  # what says how it runs must not be older than its forward pass
        says = "normalization" if kind is NormalizationLayer else "mask"
        order = type(layer).__mro__
        written = {name: next(n for n, each in enumerate(order) if name in vars(each)) for name in (says, "forward")}
        return written[says] <= written["forward"]
    return type(layer).forward is kind.forward


def _hooked(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)


def _every_layer_is_hooked() -> bool:
    hooks = ("forward", "forward_pre", "backward", "backward_pre")
    return any(getattr(every_module, f"_global_{name}_hooks") for name in hooks)
