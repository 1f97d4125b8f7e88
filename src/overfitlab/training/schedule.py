"""The learning rate over the steps."""

from functools import cache

from overfitlab import optimization
from overfitlab.config import Protocol


def learning_rate(protocol: Protocol, step: int, steps: int) -> float:
    """Return the learning rate of step `step` of `steps`, counted from 0 over all epochs of the protocol."""
    return protocol.learning_rate * _schedule(protocol.schedule).share(step, steps, protocol.epochs)


_schedule = cache(optimization.schedule)  # it is asked for at every step
