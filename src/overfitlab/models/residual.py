"""The residual block."""

from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.models.fusion import run


class Residual(nn.Sequential):
    """Its layers in a row, plus the input itself (He et al., 2015, arXiv:1512.03385).

    Where the layers shrink the image by a stride or add channels, the input takes every stride-th pixel and is filled
    up with channels of zeros: the paper's option A, without parameters.
    """

    stride = 1
    added_channels = 0

    def forward(self, x: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, in + added, ceil(H/stride), ceil(W/stride)]."""
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.added_channels:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.added_channels))
        return run(tuple(self), x) + shortcut
