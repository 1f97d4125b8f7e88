"""L2 penalty."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class L2(Method):
    """L2 penalty: the sum of the squared weights of all kernels, times `rate`, is added to the loss.

    Equation: loss = cross-entropy + rate * sum w^2, over the kernels of convolutions and dense layers, not over biases
    and the scales of normalizations. `loss` in the log includes it, as in Keras; `val_loss` does not.
    Source: Hoerl and Kennard, 1970, Technometrics 12:55-67 (ridge regression); like Keras's `regularizers.L2`, without
    the factor 1/2 that some texts have.
    Helps: use it when weights grow large, as they do when memorizing images.
    Hurts: with Adam it is not weight decay: where gradients are large, the penalty hardly counts (see `weight_decay`).
    Before a normalization layer the size of the weights does not change the output, only the size of the steps.
    Cost: one more pass over the weights per step, forward and backward.
    """

    name = "l2"
    off = {"rate": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    rate: float = hyperparameter(1e-3, low=0.0, search=(1e-4, 1e-3, 3e-3, 1e-2))

    def penalty(self, kernels: Mapping[str, Tensor]) -> Tensor | None:
        """Return rate * sum w^2."""
        if self.rate == 0 or not kernels:
            return None
        first, *rest = (kernel.square().sum() for kernel in kernels.values())
        return sum(rest, first) * self.rate
