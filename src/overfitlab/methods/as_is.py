"""A network with the regularization that it brings."""

from dataclasses import dataclass

from overfitlab.methods.base import Method


@dataclass(frozen=True)
class AsIs(Method):
    """The network as it is: with its own normalization and dropout, which `--bare` removes.

    It is only for `--bare`: there `none` is the network without them, and `as_is` the one that you wrote.
    Equation: that of the network's own layers.
    Source: yours.
    Helps: use it to measure what the regularization already in a network does for it.
    Hurts: where its own layers hurt.
    Cost: that of its own layers.
    """

    name = "as_is"
    keeps_own = True
