"""Batch normalization."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.kernels.fused import Normalization, NormalizationLayer
from overfitlab.methods.base import Method, Site, hyperparameter
from overfitlab.randomness import Key


@dataclass(frozen=True)
class BatchNorm(Method):
    """Batch normalization after every convolution and hidden dense layer, before the activation.

    Equation: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel, over the batch and the image;
    in evaluation with the moving mean and variance: moving = momentum * moving + (1 - momentum) * batch. Where the
    protocol warms them up, the t-th batch weighs max(1 - momentum, 1/t), so that they start from the first batch.
    Source: Ioffe and Szegedy, 2015, arXiv:1502.03167. Semantics of Keras: the variance is the biased one, in the
    moving variance too, and a batch of one image is allowed.
    Helps: use it to train faster and at higher learning rates; the noise of batch statistics regularizes a little.
    Hurts: with small batches, and in short trainings, whose moving averages have not caught up yet.
    Cost: two more passes over the activations per step; 4 numbers per channel, 2 of them trained.
    """

    name = "batch_norm"
    exclusive = "normalization"
    sites = ("norm",)
    momentum: float = hyperparameter(0.99, low=0.0, high=1.0)
    epsilon: float = hyperparameter(1e-3, low=1e-12, high=1.0)

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a batch normalization for a `norm` site."""
        if site.kind not in self.sites:
            return None
        return BatchNormLayer(site.channels, self.momentum, self.epsilon, warm_up=site.warm_up)


class BatchNormLayer(NormalizationLayer):
    """Normalizes [B, C] or [B, C, H, W] per channel; see the card of `BatchNorm`."""

    removes_mean = True  # so a constant added in front of it has no effect and no gradient
    moving_mean: Tensor
    moving_variance: Tensor
    batches: Tensor | None  # how many batches the moving statistics have seen, where they warm up

    def __init__(self, channels: int, momentum: float, epsilon: float, *, warm_up: bool = False) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("moving_mean", torch.zeros(channels))
        self.register_buffer("moving_variance", torch.ones(channels))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64) if warm_up else None)

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized, in its own shape and dtype."""
        if not self.training:
            return F.batch_norm(x, self.moving_mean, self.moving_variance, self.gamma, self.beta, eps=self.epsilon)
        # the primitive below F.batch_norm: it hands out the batch statistics, and takes a batch of one
        y, mean, inverse_std = torch.native_batch_norm(x, self.gamma, self.beta, None, None, True, 0.0, self.epsilon)
        with torch.no_grad():
            self.observe(mean, (inverse_std.pow(-2) - self.epsilon).clamp_min_(0))  # rounding can fall just below zero
        return y

    def normalization(self) -> Normalization:
        """Return what it does: with the batch's statistics, or in evaluation with the moving ones."""
        if self.training:
            return Normalization("batch", self.gamma, self.beta, self.epsilon)
        factor = self.gamma * (self.moving_variance + self.epsilon).rsqrt()
        return Normalization(gamma=factor, beta=self.beta - self.moving_mean * factor)

    @torch.no_grad()
    def observe(self, mean: Tensor, variance: Tensor) -> None:
        """Let the moving statistics follow those of a batch, [C] each."""
        kept = self._kept()
        self.moving_mean.mul_(kept).add_(mean, alpha=1 - kept)
        self.moving_variance.mul_(kept).add_(variance, alpha=1 - kept)

    def _kept(self) -> float:
        """Return how much of the moving statistics stays as this batch comes in."""
        if self.batches is None:
            return self.momentum
        self.batches += 1
        return min(self.momentum, 1 - 1 / int(self.batches))
