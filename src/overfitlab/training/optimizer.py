"""Optimizers: Adam and AdamW as Keras computes them, gradient descent as PyTorch does."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from overfitlab import optimization
from overfitlab.methods.weight_decay import is_kernel

FUSED = ("cpu", "cuda")  # devices for which PyTorch has a fused step


class Optimizer(ABC):
    """Moves the weights of a network by their gradients; a parameter without a gradient stays as it is.

    Decoupled weight decay (Loshchilov and Hutter, 2019, arXiv:1711.05101) comes before the step, for the parameters in
    `weight_decays`, by name: theta -= lr * d * theta.
    """

    def __init__(self, model: nn.Module, weight_decays: Mapping[str, float] | None = None) -> None:
        self._parameters = dict(model.named_parameters())
        self._weight_decays = dict(weight_decays or {})

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Apply the gradients, and forget them."""
        trained = {name: value for name, value in self._parameters.items() if value.grad is not None}
        for decay, parameters in self._by(self._weight_decays, trained).items():
            if decay:
                torch._foreach_mul_(parameters, 1 - learning_rate * decay)
        self._move(trained, learning_rate)
        for value in trained.values():
            value.grad = None

    @abstractmethod
    def _move(self, trained: dict[str, nn.Parameter], learning_rate: float) -> None:
        """Take the step, for the parameters that have a gradient."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return what it knows of the parameters that have been trained, by their names."""

    @abstractmethod
    def load_state(self, state: dict[str, Tensor], steps: int) -> None:
        """Go on from what `state` returned after that many steps."""

    @staticmethod
    def _by(decays: Mapping[str, float], trained: Mapping[str, Tensor]) -> dict[float, list[Tensor]]:
        """Return the parameters of this step by their decay."""
        found: dict[float, list[Tensor]] = {}
        for name, parameter in trained.items():
            found.setdefault(decays.get(name, 0.0), []).append(parameter)
        return found


@dataclass
class _State:
    """Of one parameter: first and second moment, and the steps taken so far (as a scalar tensor, for PyTorch)."""

    m: Tensor
    v: Tensor
    steps: Tensor
    last: int  # the same number; it falls behind where a step leaves the parameter out


class KerasAdam(Optimizer):
    """Adam (Kingma and Ba, 2015, arXiv:1412.6980) with Keras's epsilon, on PyTorch's fused implementation.

    Keras: theta -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + 1e-7). PyTorch divides sqrt(v) by
    sqrt(1 - b2^t) before it adds its epsilon, so it is the same with the epsilon 1e-7 / sqrt(1 - b2^t) at step t.
    To leave out a parameter without a gradient is what Adam does with a gradient that is always zero.
    """

    def __init__(
        self,
        model: nn.Module,
        weight_decays: Mapping[str, float] | None = None,
        settings: optimization.Adam | optimization.AdamW | None = None,
    ) -> None:
        super().__init__(model, weight_decays)
        self._settings = settings or optimization.Adam()
        self._state: dict[str, _State] = {}  # by the parameter's name, from its first gradient on
        self._steps = 0

    def _move(self, trained: dict[str, nn.Parameter], learning_rate: float) -> None:
        self._steps += 1
        for name, parameter in trained.items():
            if name not in self._state:
                zeros = torch.zeros_like(parameter)
                self._state[name] = _State(m=zeros, v=zeros.clone(), steps=_steps(0, parameter), last=0)
        states = [self._state[name] for name in trained]
        for state in states:
            if state.last != self._steps - 1:  # Adam's t counts all steps, as after a resume
                state.steps.fill_(self._steps - 1)
            state.last = self._steps
        settings = self._settings
        # the function, not the class torch.optim.Adam, whose constructor takes a second to import a compiler
        adam(
            list(trained.values()),
            [value.grad for value in trained.values() if value.grad is not None],
            [state.m for state in states],
            [state.v for state in states],
            [],
            [state.steps for state in states],
            fused=_can_be_fused(trained),
            amsgrad=False,
            beta1=settings.beta_1,
            beta2=settings.beta_2,
            lr=learning_rate,
            weight_decay=0.0,
            eps=settings.epsilon / math.sqrt(1 - settings.beta_2**self._steps),
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Return the moments as `NAME.m` and `NAME.v`, for the parameters that have been trained."""
        moments = {}
        for name, state in self._state.items():
            moments[f"{name}.m"] = state.m
            moments[f"{name}.v"] = state.v
        return moments

    def load_state(self, state: dict[str, Tensor], steps: int) -> None:
        """Go on from those moments after that many steps."""
        self._steps = steps
        self._state = {
            name: _State(
                m=_like(state[f"{name}.m"], parameter),
                v=_like(state[f"{name}.v"], parameter),
                steps=_steps(steps, parameter),
                last=steps,
            )
            for name, parameter in self._parameters.items()
            if f"{name}.m" in state
        }


class GradientDescent(Optimizer):
    """Stochastic gradient descent on PyTorch's fused implementation, with its momentum and its weight decay.

    b = momentum * b + g, from b = 0 on, and theta -= lr * b; with Nesterov's momentum theta -= lr * (g + momentum * b).
    Here g is the gradient, of a kernel plus weight_decay * theta. Keras keeps lr * b instead of b: at a constant
    learning rate the two are the same, and where it falls Keras's steps lag behind.
    """

    def __init__(
        self,
        model: nn.Module,
        weight_decays: Mapping[str, float] | None = None,
        settings: optimization.Sgd | None = None,
    ) -> None:
        super().__init__(model, weight_decays)
        self._settings = settings or optimization.Sgd()
        self._added = _decays_of_kernels(self._parameters, self._settings.weight_decay)
        self._momenta: dict[str, Tensor] = {}  # by the parameter's name, from its first gradient on

    def _move(self, trained: dict[str, nn.Parameter], learning_rate: float) -> None:
        settings = self._settings
        if settings.momentum:
            for name, parameter in trained.items():
                if name not in self._momenta:
                    self._momenta[name] = torch.zeros_like(parameter)
        quick = _can_be_fused(trained)
        for decay in sorted({self._added.get(name, 0.0) for name in trained}):
            names = [name for name in trained if self._added.get(name, 0.0) == decay]
            sgd(
                [trained[name] for name in names],
                [gradient for name in names if (gradient := trained[name].grad) is not None],
                [self._momenta.get(name) for name in names],
                fused=quick and settings.momentum > 0,
                foreach=quick and settings.momentum == 0,  # one addition, which is no faster fused
                lr=learning_rate,
                momentum=settings.momentum,
                nesterov=settings.nesterov,
                weight_decay=decay,
                dampening=0.0,
                maximize=False,
            )

    def state(self) -> dict[str, Tensor]:
        """Return the momenta as `NAME.momentum`, for the parameters that have been trained."""
        return {f"{name}.momentum": value for name, value in self._momenta.items()}

    def load_state(self, state: dict[str, Tensor], steps: int) -> None:
        """Go on from those momenta; the number of steps has no part in it."""
        self._momenta = {
            name: _like(state[f"{name}.momentum"], parameter)
            for name, parameter in self._parameters.items()
            if f"{name}.momentum" in state
        }


def optimizer_for(asked: str, model: nn.Module, weight_decays: Mapping[str, float]) -> Optimizer:
    """Return the optimizer that a protocol asks for; `weight_decays` are decoupled ones of a method, by parameter.

    The decay of AdamW is added to those, for kernels: biases and the scales of normalizations keep their size.
    """
    settings = optimization.optimizer(asked)
    if isinstance(settings, optimization.Sgd):
        return GradientDescent(model, weight_decays, settings)
    if isinstance(settings, optimization.AdamW):
        own = _decays_of_kernels(dict(model.named_parameters()), settings.weight_decay)
        both = {name: weight_decays.get(name, 0.0) + own.get(name, 0.0) for name in {**weight_decays, **own}}
        return KerasAdam(model, both, settings)
    if isinstance(settings, optimization.Adam):
        return KerasAdam(model, weight_decays, settings)
    raise TypeError(f"no optimizer moves weights by {type(settings).__name__}")


def _decays_of_kernels(parameters: Mapping[str, Tensor], decay: float) -> dict[str, float]:
    return {name: decay for name, value in parameters.items() if is_kernel(value)} if decay else {}


def _can_be_fused(trained: Mapping[str, Tensor]) -> bool:
    return all(value.device.type in FUSED for value in trained.values())


def _steps(count: int, parameter: Tensor) -> Tensor:
    """Return the count as PyTorch wants it: where the parameter is for its fused step, else on the CPU."""
    return torch.tensor(float(count), device=parameter.device if parameter.device.type in FUSED else "cpu")


def _like(content: Tensor, parameter: Tensor) -> Tensor:
    """Return a copy in the memory layout of the parameter, which the fused step relies on."""
    return torch.empty_like(parameter, requires_grad=False).copy_(content)
