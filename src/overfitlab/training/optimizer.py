"""Adam as Keras computes it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

FUSED = ("cpu", "cuda")  # devices for which PyTorch has a fused step


@dataclass
class _State:
    """Of one parameter: first and second moment, and the steps taken so far (as a scalar tensor, for PyTorch)."""

    m: Tensor
    v: Tensor
    steps: Tensor
    last: int  # the same number; it falls behind where a step leaves the parameter out


class KerasAdam:
    """Adam (Kingma and Ba, 2015, arXiv:1412.6980) with Keras's epsilon, on PyTorch's fused implementation.

    Keras: theta -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + 1e-7). PyTorch divides sqrt(v) by
    sqrt(1 - b2^t) before it adds its epsilon, so it is the same with the epsilon 1e-7 / sqrt(1 - b2^t) at step t.
    A parameter without a gradient stays as it is, which is what Adam does with a gradient that is always zero.

    Decoupled weight decay (Loshchilov and Hutter, 2019, arXiv:1711.05101) comes before the step, for the parameters in
    `weight_decays`, by name: theta -= lr * d * theta.
    """

    EPSILON = 1e-7
    BETA1, BETA2 = 0.9, 0.999

    def __init__(self, model: nn.Module, weight_decays: Mapping[str, float] | None = None) -> None:
        self._parameters = dict(model.named_parameters())
        self._weight_decays = dict(weight_decays or {})
        self._state: dict[str, _State] = {}  # by the parameter's name, from its first gradient on
        self._steps = 0

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Apply the gradients, and forget them."""
        self._steps += 1
        trained = {name: value for name, value in self._parameters.items() if value.grad is not None}
        for name, parameter in trained.items():
            if name not in self._state:
                zeros = torch.zeros_like(parameter)
                self._state[name] = _State(m=zeros, v=zeros.clone(), steps=_steps(0, parameter), last=0)
        states = [self._state[name] for name in trained]
        for state in states:
            if state.last != self._steps - 1:  # Adam's t counts all steps, as after a resume
                state.steps.fill_(self._steps - 1)
            state.last = self._steps
        for decay, parameters in self._decaying(trained).items():
            torch._foreach_mul_(parameters, 1 - learning_rate * decay)
        # the function, not the class torch.optim.Adam, whose constructor takes a second to import a compiler
        adam(
            list(trained.values()),
            [value.grad for value in trained.values() if value.grad is not None],
            [state.m for state in states],
            [state.v for state in states],
            [],
            [state.steps for state in states],
            fused=all(value.device.type in FUSED for value in trained.values()),
            amsgrad=False,
            beta1=self.BETA1,
            beta2=self.BETA2,
            lr=learning_rate,
            weight_decay=0.0,
            eps=self.EPSILON / math.sqrt(1 - self.BETA2**self._steps),
            maximize=False,
        )
        for value in trained.values():
            value.grad = None

    def _decaying(self, trained: Mapping[str, Tensor]) -> dict[float, list[Tensor]]:
        """Return the parameters of this step by their decay, without those that have none."""
        found: dict[float, list[Tensor]] = {}
        for name, parameter in trained.items():
            if decay := self._weight_decays.get(name):
                found.setdefault(decay, []).append(parameter)
        return found

    def state(self) -> dict[str, Tensor]:
        """Return the moments as `NAME.m` and `NAME.v`, for the parameters that have been trained."""
        moments = {}
        for name, state in self._state.items():
            moments[f"{name}.m"] = state.m
            moments[f"{name}.v"] = state.v
        return moments

    def load_state(self, moments: dict[str, Tensor], steps: int) -> None:
        """Go on from `moments` after that many steps."""
        self._steps = steps
        self._state = {
            name: _State(
                m=_like(moments[f"{name}.m"], parameter),
                v=_like(moments[f"{name}.v"], parameter),
                steps=_steps(steps, parameter),
                last=steps,
            )
            for name, parameter in self._parameters.items()
            if f"{name}.m" in moments
        }


def _steps(count: int, parameter: Tensor) -> Tensor:
    """Return the count as PyTorch wants it: where the parameter is for its fused step, else on the CPU."""
    return torch.tensor(float(count), device=parameter.device if parameter.device.type in FUSED else "cpu")


def _like(content: Tensor, parameter: Tensor) -> Tensor:
    """Return a copy in the memory layout of the parameter, which the fused step relies on."""
    return torch.empty_like(parameter, requires_grad=False).copy_(content)
