"""L1 penalty."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class L1(Method):
    """L1 penalty: the sum of the absolute weights of all kernels, times `rate`, is added to the loss.

    Equation: loss = cross-entropy + rate * sum |w|, over the kernels of convolutions and dense layers, not over biases
    and the scales of normalizations. `loss` in the log includes it, as in Keras; `val_loss` does not.
    Source: Tibshirani, 1996, JRSS B 58:267-288 (the lasso); like Keras's `regularizers.L1`.
    Helps: use it when few inputs matter: it pushes small weights to zero.
    Hurts: it easily becomes too strong, because it pulls on small and large weights alike. With Adam, whose steps all
    have about the same size, weights hover around zero instead of reaching it.
    Cost: one more pass over the weights per step, forward and backward.
    """

    name = "l1"
    off = {"rate": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    rate: float = hyperparameter(1e-5, low=0.0, search=(1e-6, 1e-5, 3e-5, 1e-4))

    def penalty(self, kernels: Mapping[str, Tensor]) -> Tensor | None:
        """Return rate * sum |w|."""
        if self.rate == 0 or not kernels:
            return None
        first, *rest = (kernel.abs().sum() for kernel in kernels.values())
        return sum(rest, first) * self.rate
