"""Adam as Keras computes it."""

import math

import torch
from torch import Tensor, nn


class KerasAdam:
    """Adam (Kingma and Ba, 2015, arXiv:1412.6980) with Keras's epsilon, on PyTorch's fused implementation.

    Keras: theta -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + 1e-7). PyTorch divides sqrt(v) by
    sqrt(1 - b2^t) before it adds its epsilon, so it is the same with the epsilon 1e-7 / sqrt(1 - b2^t) at step t.
    A parameter without a gradient stays as it is, which is what Adam does with a gradient that is always zero.
    """

    EPSILON = 1e-7
    BETA1, BETA2 = 0.9, 0.999

    def __init__(self, model: nn.Module, learning_rate: float) -> None:
        self._parameters = dict(model.named_parameters())
        self._adam = torch.optim.Adam(
            self._parameters.values(), lr=learning_rate, betas=(self.BETA1, self.BETA2), fused=True
        )
        self._steps = 0

    def step(self) -> None:
        """Apply the gradients, and forget them."""
        self._steps += 1
        self._adam.param_groups[0]["eps"] = self.EPSILON / math.sqrt(1 - self.BETA2**self._steps)
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Return the moments as `NAME.m` and `NAME.v`, for the parameters that have been trained."""
        moments = {}
        for name, parameter in self._parameters.items():
            if parameter in self._adam.state:
                moments[f"{name}.m"] = self._adam.state[parameter]["exp_avg"]
                moments[f"{name}.v"] = self._adam.state[parameter]["exp_avg_sq"]
        return moments

    def load_state(self, moments: dict[str, Tensor], steps: int) -> None:
        """Go on from `moments` after that many steps."""
        self._steps = steps
        for name, parameter in self._parameters.items():
            if f"{name}.m" in moments:
                self._adam.state[parameter] = {
                    "step": torch.tensor(float(steps), dtype=torch.float32),
                    "exp_avg": _like(moments[f"{name}.m"], parameter),
                    "exp_avg_sq": _like(moments[f"{name}.v"], parameter),
                }


def _like(content: Tensor, parameter: Tensor) -> Tensor:
    """Return a copy in the memory layout of the parameter, which the fused step relies on."""
    return torch.empty_like(parameter, requires_grad=False).copy_(content)
