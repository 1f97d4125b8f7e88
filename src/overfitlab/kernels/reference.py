"""What the compiled kernels compute, in plain PyTorch: the fallback for any dtype and device, and the tests' oracle."""

import torch
from torch import Tensor
from torch.nn import functional as F

from overfitlab.kernels.fused import Mask, Normalization, Output


def fused(x: Tensor, normalization: Normalization, *, relu: bool, pool: bool, mask: Mask | None) -> Output:
    """See `overfitlab.kernels.fused.fused`; differentiable with respect to gamma in any case."""
    y, mean, variance = _normalized(x, normalization)
    if relu:
        y = F.relu(y)
    if pool:
        y = F.max_pool2d(y, 2, ceil_mode=True)
    if mask is not None:
        y = y * _kept(mask, y) * mask.scale
    return Output(y, mean, variance)


def _normalized(x: Tensor, normalization: Normalization) -> tuple[Tensor, Tensor | None, Tensor | None]:
    gamma, beta, epsilon = normalization.gamma, normalization.beta, normalization.epsilon
    if normalization.kind == "affine":
        y = x if gamma is None else x * _by_channel(gamma, x)
        return (y if beta is None else y + _by_channel(beta, y)).to(x.dtype), None, None
    if normalization.kind == "batch":
        axes = [axis for axis in range(x.ndim) if axis != 1]
        wide = x if x.dtype == torch.float64 else x.float()
        mean = wide.mean(axes, keepdim=True)
        variance = (wide - mean).square().mean(axes, keepdim=True)
        y = (wide - mean) * (variance + epsilon).rsqrt()
        if gamma is not None and beta is not None:
            y = y * _by_channel(gamma, y) + _by_channel(beta, y)
        return y.to(x.dtype), mean.detach().flatten(), variance.detach().flatten()
    if normalization.kind == "group":
        # not F.group_norm, which refuses a group of one value: what is left of it is beta
        return torch.group_norm(x, normalization.groups, gamma, beta, epsilon).to(x.dtype), None, None
    last = x.movedim(1, -1)  # [B, H, W, C]
    return F.layer_norm(last, last.shape[-1:], gamma, beta, epsilon).to(x.dtype).movedim(-1, 1), None, None


def _by_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def _kept(mask: Mask, y: Tensor) -> Tensor:
    """Return a tensor of zeros and ones that can be multiplied with y."""
    kept = torch.from_numpy(mask.levels.numpy() >= mask.dropped).to(y.device)  # PyTorch does not compare uint16
    return kept.movedim(-1, 1) if kept.ndim == y.ndim else kept.reshape(*kept.shape, *(1,) * (y.ndim - kept.ndim))
