"""Averaging of the weights over the steps."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from overfitlab.errors import UsageError
from overfitlab.methods.base import Method, hyperparameter
from overfitlab.methods.tracking import Tracker


@dataclass(frozen=True)
class WeightAveraging(Method):
    """Weight averaging: a moving average of the weights is measured and kept instead of the weights themselves.

    Equation: average = d * average + (1 - d) * theta after step t, with d = min(decay, (1 + t) / (10 + t)), so that the
    start is soon forgotten; buffers, such as the moving statistics of batch normalization, are averaged too. Training
    itself is not changed; `val_loss` and `val_acc` are those of the average.
    Source: Polyak and Juditsky, 1992, SIAM J. Control Optim. 30:838-855; the warm-up is that of TensorFlow's
    `ExponentialMovingAverage`.
    Helps: use it at a constant learning rate: it averages out the noise of the last steps.
    Hurts: in short trainings, where the average lags behind. If the learning rate falls to zero, it has little effect.
    Cost: one more pass over the weights per step, and a second copy of them.
    """

    name = "weight_averaging"
    off = {"decay": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    decay: float = hyperparameter(0.995, low=0.0, high=0.99999, search=(0.9, 0.98, 0.995))

    def tracker(self, model: nn.Module) -> Tracker | None:
        """Return who averages the weights of `model`."""
        return AverageTracker(model, self.decay) if self.decay else None


class AverageTracker(Tracker):
    """Keeps a copy of a model that holds the average of its weights; see the card of `WeightAveraging`."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay, self._steps = decay, 0
        try:
            self._average = copy.deepcopy(model).requires_grad_(False)
        except Exception as error:  # whatever somebody's network holds
            raise UsageError(
                "network_cannot_be_copied",
                "weight_averaging needs a copy of the network, which cannot be made: {reason}",
                reason=error,
            ) from error
        now, averaged = ([*module.parameters(), *module.buffers()] for module in (model, self._average))
        pairs = list(zip(averaged, now, strict=True))
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]  # counters

    @torch.no_grad()
    def after_step(self) -> None:
        """Let the average follow the model."""
        self._steps += 1
        kept = min(self._decay, (1 + self._steps) / (10 + self._steps))
        averages, values = zip(*self._averaged, strict=True)
        torch._foreach_lerp_(averages, values, 1 - kept)
        for copied, value in self._copied:
            copied.copy_(value)

    def evaluation_model(self) -> nn.Module:
        """Return the model with the averaged weights."""
        return self._average

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages and the number of steps."""
        averages = {name: value.clone() for name, value in self._average.state_dict().items()}
        return {f"average.{name}": value.contiguous() for name, value in averages.items()} | {
            "steps": torch.tensor(self._steps)
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from those averages."""
        self._steps = int(state["steps"])
        prefix = "average."
        self._average.load_state_dict(
            {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        )
