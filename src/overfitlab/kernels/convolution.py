"""3x3 convolutions in float32 with 2.25 to 4 times fewer multiplications (Lavin and Gray, 2015, arXiv:1509.09308).

`conv2d` takes them where they win (docs/performance.md): on processors with AVX2 or AVX-512, for 16 channels or more.
Everything else is PyTorch's convolution: bfloat16, where the processor has instructions for it, is faster still.
"""

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from overfitlab.kernels import library

IMAGES = 4
FEWEST_CHANNELS = 16
MEASURED = ("avx512bf16", "avx512", "avx2")  # the instructions with which they have been seen to win

_definitions = torch.library.Library("overfitlab", "FRAGMENT")
_definitions.define("conv3x3(Tensor x, Tensor weight) -> Tensor")
_definitions.define("conv3x3_input_gradient(Tensor gradient, Tensor weight) -> Tensor")
_definitions.define("conv3x3_weight_gradient(Tensor x, Tensor gradient, Tensor weight) -> Tensor")


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, *, stride: int, padding: int) -> Tensor:
    """[B, in, H, W], [out, in, size, size] -> [B, out, ceil(H/stride), ceil(W/stride)], as `F.conv2d`.

    Rounding apart: the error of these kernels is about twice that of a direct convolution in float32.
    """
    if not _fits(x, weight, stride, padding):
        return F.conv2d(x, weight, bias, stride=stride, padding=padding)
    y: Tensor = torch.ops.overfitlab.conv3x3.default(x, weight)
    return y if bias is None else y + bias[:, None, None]


def _fits(x: Tensor, weight: Tensor, stride: int, padding: int) -> bool:
    found = library.library()
    return (
        found is not None
        and found.instructions in MEASURED
        and stride == 1
        and padding == 1
        and weight.shape[2:] == (3, 3)
        and min(weight.shape[:2]) >= FEWEST_CHANNELS
        and x.ndim == IMAGES
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and _pays(x.shape)
    )


def _pays(shape: torch.Size) -> bool:
    """Return whether tiles of 4x4 pixels cover the images with little waste; at half their pixels nothing is won."""
    height, width = shape[2:]
    return shape.numel() > 0 and 8 * (-(-height // 4)) * (-(-width // 4)) <= height * width


def _in_memory(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _images(x: Tensor, channels: int) -> Tensor:
    shape = (x.shape[0], channels, *x.shape[2:])
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


def _called(function: str, scratch: str, x: Tensor, weight: Tensor, *, turned: bool = False) -> Any:
    """Return the function as a callable of its pointers, and the arguments after them, with scratch memory."""
    found = library.library()
    if found is None:
        raise RuntimeError("the compiled kernels are not there")
    batch, _, height, width = x.shape
    sides = weight.shape[1], weight.shape[0]
    threads = torch.get_num_threads()
    floats = found.winograd(scratch)(batch, height, width, *(sides[::-1] if turned else sides), threads)
    memory = torch.empty(floats, dtype=torch.float32, device="cpu")  # whatever the process has as its defaults
    return found.winograd(function), (batch, height, width, *sides, threads, memory.data_ptr()), memory


def _strides(weight: Tensor) -> Any:
    return (ctypes.c_long * 4)(*weight.stride())


def _forward(x: Tensor, weight: Tensor) -> Tensor:
    x = _in_memory(x)
    y = _images(x, weight.shape[0])
    run, rest, _memory = _called("forward", "scratch", x, weight)
    run(x.data_ptr(), weight.data_ptr(), _strides(weight), None, y.data_ptr(), *rest)
    return y


def _input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    gradient = _in_memory(gradient)
    dx = _images(gradient, weight.shape[1])
    run, rest, _memory = _called("input_gradient", "scratch", gradient, weight, turned=True)
    run(gradient.data_ptr(), weight.data_ptr(), _strides(weight), dx.data_ptr(), *rest)
    return dx


def _weight_gradient(x: Tensor, gradient: Tensor, weight: Tensor) -> Tensor:
    x, gradient = _in_memory(x), _in_memory(gradient)
    dw = torch.empty_like(weight)
    run, rest, _memory = _called("weight_gradient", "weight_scratch", x, weight)
    run(x.data_ptr(), gradient.data_ptr(), dw.data_ptr(), _strides(dw), *rest)
    return dw


class _Conv3x3(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        with torch._C._AutoDispatchBelowAutograd():
            y: Tensor = torch.ops.overfitlab.conv3x3.default(x, weight)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        operators, [gradient] = torch.ops.overfitlab, gradients
        for_x, for_weight = ctx.needs_input_grad
        return (
            operators.conv3x3_input_gradient.default(gradient, weight) if for_x else None,
            operators.conv3x3_weight_gradient.default(x, gradient, weight) if for_weight else None,
        )


_definitions.impl("conv3x3", _forward, "CPU")
_definitions.impl("conv3x3", _Conv3x3.apply, "AutogradCPU")
_definitions.impl("conv3x3_input_gradient", _input_gradient, "CPU")
_definitions.impl("conv3x3_weight_gradient", _weight_gradient, "CPU")
torch.library.register_fake("overfitlab::conv3x3", lambda x, weight: _images(x, weight.shape[0]))
torch.library.register_fake(
    "overfitlab::conv3x3_input_gradient", lambda gradient, weight: _images(gradient, weight.shape[1])
)
torch.library.register_fake("overfitlab::conv3x3_weight_gradient", lambda x, gradient, weight: torch.empty_like(weight))
