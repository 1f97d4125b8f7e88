"""The compiled kernels as PyTorch operators, `torch.ops.overfitlab.fused` and its backward pass, with gradients."""

import ctypes
import functools
import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from overfitlab.kernels import library
from overfitlab.kernels.fused import KINDS, Mask, Normalization, Output

DTYPES = (torch.float32, torch.bfloat16)
IMAGES = 4  # dimensions of [B, C, H, W]
NOTHING, ELEMENTS, CHANNELS = range(3)  # what a mask drops: `dropout` in native/fused.h

_definitions = torch.library.Library("overfitlab", "DEF")
_definitions.define(
    "fused(Tensor x, Tensor? gamma, Tensor? beta, Tensor? levels, int kind, int groups, float epsilon, bool relu, "
    "bool pool, int dropped, float scale, bool keep) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_definitions.define(
    "fused_backward(Tensor gradient, Tensor x, Tensor winners, Tensor? gamma, Tensor mean, Tensor rstd, int kind, "
    "int groups, float epsilon, bool relu, bool pool, float scale, bool beta) -> (Tensor, Tensor, Tensor)"
)


def fits(x: Tensor, normalization: Normalization) -> bool:
    """Return whether the compiled kernels are there, and take these."""
    given = [value for value in (normalization.gamma, normalization.beta) if value is not None]
    return (
        x.device.type == "cpu"
        and x.dtype in DTYPES
        and x.numel() > 0
        and all(_is_table(value, x) for value in given)
        and x.shape[1] % normalization.groups == 0
        and (normalization.kind == "affine" or len(given) == 2)
        and not (normalization.kind == "affine" and normalization.gamma is not None and _trains(normalization.gamma))
        and library.library() is not None
    )


def _is_table(value: Tensor, x: Tensor) -> bool:
    return (
        value.dtype == torch.float32
        and value.device == x.device
        and value.shape == x.shape[1:2]
        and value.is_contiguous()
    )


def _trains(value: Tensor) -> bool:
    return torch.is_grad_enabled() and value.requires_grad


def fused(x: Tensor, normalization: Normalization, *, relu: bool, pool: bool, mask: Mask | None) -> Output:
    """See `overfitlab.kernels.fused.fused`."""
    y, _winners, mean, _rstd, variance = torch.ops.overfitlab.fused.default(
        x,
        normalization.gamma,
        normalization.beta,
        None if mask is None else mask.levels,
        KINDS.index(normalization.kind),
        normalization.groups,
        normalization.epsilon,
        relu,
        pool,
        0 if mask is None else mask.dropped,
        1.0 if mask is None else mask.scale,
        torch.is_grad_enabled(),
    )
    return Output(y, mean, variance) if normalization.kind == "batch" else Output(y)


@functools.lru_cache(maxsize=1024)
def _prepared(
    shape: torch.Size, bfloat16: bool, threads: int, kind: int, groups: int, epsilon: float, relu: bool, pool: bool,
    dropout: int, dropped: int, scale: float,
) -> tuple[Any, int]:  # fmt: skip
    """Return a reference to the description of a call, and how many floats of scratch memory it needs."""
    batch, channels, *pixels = shape
    if not pixels and KINDS[kind] != "group":  # vectors as the pixels of one image, so that the threads share them
        batch, pixels = 1, [batch, 1]
    height, width = pixels or (1, 1)
    call = ctypes.byref(
        library.Call(
            batch, height, width, channels, kind, groups, relu, pool, bfloat16, threads, dropout, dropped, scale,
            epsilon,
        )
    )  # fmt: skip
    return call, _functions().overfitlab_scratch(call)


def _functions() -> ctypes.CDLL:
    found = library.library()
    if found is None:
        raise RuntimeError("the compiled kernels are not there")
    return found.functions


def _output_shape(x: Tensor, pool: bool) -> tuple[int, ...]:
    batch, channels, *pixels = x.shape
    return (batch, channels, *(math.ceil(extent / 2) if pool else extent for extent in pixels))


def _in_memory(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == IMAGES else x.contiguous()


def _empty(x: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    layout = torch.channels_last if len(shape) == IMAGES else torch.contiguous_format
    return torch.empty(shape, dtype=dtype, device=x.device, memory_format=layout)


def _statistics_shape(x: Tensor, kind: int, groups: int) -> tuple[int, ...]:
    batch, channels, *pixels = x.shape
    return {"affine": (0,), "batch": (channels,), "group": (batch, groups), "layer": (batch, *pixels)}[KINDS[kind]]


def _forward_outputs(x: Tensor, kind: int, groups: int, pool: bool, keep: bool) -> tuple[Tensor, ...]:
    shape = _output_shape(x, pool)
    statistics = _statistics_shape(x, kind, groups)
    return (
        _empty(x, shape, x.dtype),
        _empty(x, shape if keep else (0,), torch.uint8),
        x.new_empty(statistics, dtype=torch.float32),
        x.new_empty(statistics, dtype=torch.float32),
        x.new_empty(statistics if KINDS[kind] == "batch" else (0,), dtype=torch.float32),
    )


def _forward(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, levels: Tensor | None, kind: int, groups: int,
    epsilon: float, relu: bool, pool: bool, dropped: int, scale: float, keep: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    x = _in_memory(x)
    outputs = _forward_outputs(x, kind, groups, pool, keep)
    y, winners, mean, rstd, variance = outputs
    dropout = NOTHING if levels is None else ELEMENTS if levels.ndim == x.ndim else CHANNELS
    call, floats = _prepared(
        x.shape, x.dtype == torch.bfloat16, torch.get_num_threads(), kind, groups, epsilon, relu, pool, dropout,
        dropped, scale,
    )  # fmt: skip
    scratch = torch.empty(floats, dtype=torch.float32, device="cpu")  # whatever the process has as its defaults
    _functions().overfitlab_forward(
        call, x.data_ptr(), _pointer(gamma), _pointer(beta), _pointer(levels), y.data_ptr(),
        winners.data_ptr() if keep else None, mean.data_ptr(), rstd.data_ptr(), variance.data_ptr(),
        scratch.data_ptr(),
    )  # fmt: skip
    return outputs


def _backward_outputs(x: Tensor, kind: int, beta: bool) -> tuple[Tensor, Tensor, Tensor]:
    channels = x.shape[1]
    return (
        _empty(x, tuple(x.shape), x.dtype),
        x.new_empty(channels if KINDS[kind] != "affine" else 0, dtype=torch.float32),
        x.new_empty(channels if beta or KINDS[kind] != "affine" else 0, dtype=torch.float32),
    )


def _backward(
    gradient: Tensor, x: Tensor, winners: Tensor, gamma: Tensor | None, mean: Tensor, rstd: Tensor, kind: int,
    groups: int, epsilon: float, relu: bool, pool: bool, scale: float, beta: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    if winners.shape != gradient.shape:
        raise RuntimeError("the forward pass did not keep what its backward pass needs")
    x, gradient = _in_memory(x), _in_memory(gradient)
    dx, dgamma, dbeta = _backward_outputs(x, kind, beta)
    call, floats = _prepared(
        x.shape, x.dtype == torch.bfloat16, torch.get_num_threads(), kind, groups, epsilon, relu, pool, NOTHING, 0,
        scale,
    )  # fmt: skip
    scratch = torch.empty(floats, dtype=torch.float32, device="cpu")  # whatever the process has as its defaults
    _functions().overfitlab_backward(
        call, gradient.data_ptr(), x.data_ptr(), winners.data_ptr(), _pointer(gamma), mean.data_ptr(),
        rstd.data_ptr(), dx.data_ptr(), dgamma.data_ptr(), dbeta.data_ptr() if dbeta.numel() else None,
        scratch.data_ptr(),
    )  # fmt: skip
    return dx, dgamma, dbeta


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


class _Fused(torch.autograd.Function):
    """The gradient; written as a function because `torch.library.register_autograd` costs 15 microseconds a call."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, ...]:
        x, gamma, beta, _levels, kind, groups, epsilon, relu, pool, _dropped, scale, _keep = arguments
        with torch._C._AutoDispatchBelowAutograd():  # to the kernel, or to shapes alone while something is compiled
            y, winners, mean, rstd, variance = torch.ops.overfitlab.fused.default(*arguments)
        ctx.save_for_backward(x, gamma, winners, mean, rstd)
        ctx.settings = (kind, groups, epsilon, relu, pool, scale, beta is not None and beta.requires_grad)
        ctx.set_materialize_grads(False)  # zeros for outputs that have no gradient, which nobody would read
        ctx.mark_non_differentiable(winners, mean, rstd, variance)
        return y, winners, mean, rstd, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if gradients[0] is None:
            return (None,) * 12
        x, gamma, winners, mean, rstd = ctx.saved_tensors
        dx, dgamma, dbeta = torch.ops.overfitlab.fused_backward.default(
            gradients[0], x, winners, gamma, mean, rstd, *ctx.settings
        )
        return (
            dx if ctx.needs_input_grad[0] else None,
            dgamma if ctx.needs_input_grad[1] else None,
            dbeta if ctx.needs_input_grad[2] else None,
            *(None,) * 9,
        )


def _forward_shapes(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, levels: Tensor | None, kind: int, groups: int,
    epsilon: float, relu: bool, pool: bool, dropped: int, scale: float, keep: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    return _forward_outputs(x, kind, groups, pool, keep)


def _backward_shapes(
    gradient: Tensor, x: Tensor, winners: Tensor, gamma: Tensor | None, mean: Tensor, rstd: Tensor, kind: int,
    groups: int, epsilon: float, relu: bool, pool: bool, scale: float, beta: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return _backward_outputs(x, kind, beta)


_definitions.impl("fused", _forward, "CPU")
_definitions.impl("fused", _Fused.apply, "AutogradCPU")
_definitions.impl("fused_backward", _backward, "CPU")
torch.library.register_fake("overfitlab::fused", _forward_shapes)
torch.library.register_fake("overfitlab::fused_backward", _backward_shapes)
