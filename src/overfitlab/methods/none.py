"""No regularization."""

from dataclasses import dataclass

from overfitlab.methods.base import Method


@dataclass(frozen=True)
class NoMethod(Method):
    """No regularization at all: the baseline that every other method is compared with.

    Equation: the network as it is, trained on the cross-entropy alone.
    Source: the notebook's network without its batch normalization.
    Helps: never; it shows how much the network overfits when left alone.
    Hurts: on little data, where the training images are soon learned by heart.
    Cost: none.
    """

    name = "none"
