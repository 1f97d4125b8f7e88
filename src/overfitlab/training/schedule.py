"""The learning rate over the steps."""

import math

from overfitlab.config import Protocol


def learning_rate(protocol: Protocol, step: int, steps: int) -> float:
    """Return the learning rate of step `step` of `steps`, counted from 0 over all epochs.

    "constant", or "cosine": half a cosine from the protocol's rate down to zero (Loshchilov and Hutter, 2017,
    arXiv:1608.03983, without restarts), as Keras's `CosineDecay`.
    """
    if protocol.schedule == "constant":
        return protocol.learning_rate
    return protocol.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
