"""Group normalization."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from overfitlab.kernels.fused import Normalization, NormalizationLayer
from overfitlab.methods.base import Method, Site, hyperparameter
from overfitlab.randomness import Key

IMAGES = 4  # dimensions of [B, C, H, W]


@dataclass(frozen=True)
class GroupNorm(Method):
    """Group normalization after every convolution and hidden dense layer, before the activation.

    Equation: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, over one image's pixels in a group of channels;
    gamma and beta per channel. Training and evaluation are the same. The number of groups is the largest divisor of the
    channels that is at most `groups`; on vectors a group has at least two channels, as
    a single value would always become 0.
    Source: Wu and He, 2018, arXiv:1803.08494; like Keras's `GroupNormalization`.
    Helps: use it instead of batch normalization when batches are small; it works with a single image, too.
    Hurts: it regularizes less, as it lacks the noise of batch statistics.
    Cost: two more passes over the activations per step; 2 numbers per channel.
    """

    name = "group_norm"
    exclusive = "normalization"
    sites = ("norm",)
    groups: int = hyperparameter(16, low=1, search=(1, 4, 8, 16), whole=True)
    epsilon: float = hyperparameter(1e-3, low=1e-12, high=1.0)

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a group normalization for a `norm` site."""
        if site.kind not in self.sites:
            return None
        most = self.groups if site.ndim == IMAGES else min(self.groups, max(1, site.channels // 2))
        groups = next(count for count in range(min(most, site.channels), 0, -1) if site.channels % count == 0)
        return GroupNormLayer(site.channels, groups, self.epsilon)


class GroupNormLayer(NormalizationLayer):
    """Normalizes [B, C] or [B, C, H, W] in groups of channels; see the card of `GroupNorm`."""

    def __init__(self, channels: int, groups: int, epsilon: float) -> None:
        super().__init__()
        self.groups, self.epsilon = groups, epsilon
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized, in its own shape and dtype."""
        # not F.group_norm, which refuses a group of one value: what is left of it is beta
        return torch.group_norm(x, self.groups, self.gamma, self.beta, self.epsilon).to(x.dtype)

    def normalization(self) -> Normalization:
        """Return what it does, in training and evaluation."""
        return Normalization("group", self.gamma, self.beta, self.epsilon, self.groups)
