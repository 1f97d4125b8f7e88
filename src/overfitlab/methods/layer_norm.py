"""Layer normalization."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.kernels.fused import Normalization, NormalizationLayer
from overfitlab.methods.base import Method, Site, hyperparameter
from overfitlab.randomness import Key


@dataclass(frozen=True)
class LayerNorm(Method):
    """Layer normalization after every convolution and hidden dense layer, before the activation.

    Equation: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, over the channels of one image at one pixel;
    gamma and beta per channel. Training and evaluation are the same.
    Source: Ba et al., 2016, arXiv:1607.06450; over the channels only, like Keras's `LayerNormalization` (over the whole
    image too it is `group_norm:groups=1`).
    Helps: use it to steady training with batches of any size, a single image included.
    Hurts: it regularizes less, as it lacks the noise of batch statistics, and later layers no longer see brightness.
    Cost: two more passes over the activations per step; 2 numbers per channel.
    """

    name = "layer_norm"
    exclusive = "normalization"
    sites = ("norm",)
    epsilon: float = hyperparameter(1e-3, low=1e-12, high=1.0)

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a layer normalization for a `norm` site."""
        return LayerNormLayer(site.channels, self.epsilon) if site.kind in self.sites else None


class LayerNormLayer(NormalizationLayer):
    """Normalizes [B, C] or [B, C, H, W] over the channels; see the card of `LayerNorm`."""

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized, in its own shape and dtype."""
        last = x.movedim(1, -1)  # [B, H, W, C]: how the numbers lie in channels-last memory
        y = F.layer_norm(last, self.gamma.shape, self.gamma, self.beta, self.epsilon)
        return y.to(x.dtype).movedim(-1, 1)

    def normalization(self) -> Normalization:
        """Return what it does, in training and evaluation."""
        return Normalization("layer", self.gamma, self.beta, self.epsilon)
