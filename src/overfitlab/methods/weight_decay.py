"""Decoupled weight decay."""

from dataclasses import dataclass

from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter

KERNEL_DIMENSIONS = 2  # and more: kernels of dense layers and convolutions


@dataclass(frozen=True)
class WeightDecay(Method):
    """Decoupled weight decay: before each step all kernels shrink by a fixed fraction, whatever their gradients.

    Equation: theta -= learning rate * rate * theta, then the optimizer's step; for the kernels of convolutions and
    dense layers, not for biases and the scales of normalizations. After T steps at a constant learning rate a weight
    without a gradient has shrunk by exp(-T * learning rate * rate). The optimizer's own decay
    (`--optimizer adamw`) is added to it.
    Source: Loshchilov and Hutter, 2019, arXiv:1711.05101 (AdamW); like Keras's `AdamW`, which decays
    biases and scales too unless they are excluded.
    Helps: use it where an L2 penalty is wanted and the optimizer is Adam.
    Hurts: it is easily too weak, as its effect is proportional to the learning rate and the number of steps: at a
    learning rate of 1e-4 the usual 0.01 does nothing.
    Cost: one more pass over the weights per step.
    """

    name = "weight_decay"
    off = {"rate": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    rate: float = hyperparameter(0.1, low=0.0, search=(0.1, 1.0, 3.0, 10.0))

    def weight_decay(self, name: str, parameter: Tensor) -> float:
        """Return the rate for kernels, 0 for anything else."""
        return self.rate if is_kernel(parameter) else 0.0


def is_kernel(parameter: Tensor) -> bool:
    """Return whether a parameter is the kernel of a convolution or dense layer, no bias and no scale."""
    return parameter.ndim >= KERNEL_DIMENSIONS
