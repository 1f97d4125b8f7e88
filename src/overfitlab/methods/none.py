"""No regularization."""

from dataclasses import dataclass

from overfitlab.methods.base import Method


@dataclass(frozen=True)
class NoMethod(Method):
    """No regularization at all: the baseline that every other method is compared with.

    Equation: the network as it is, trained on the cross-entropy alone.
    Source: the notebook's network without its batch normalization.
    Helps: use it as the baseline: it shows how much the network overfits by itself.
    Hurts: on little data, where the network soon memorizes its training images.
    Cost: none.
    """

    name = "none"
