"""The regularization that a network brings of its own, and the same network without it (`--bare`)."""

from collections.abc import Mapping

import torch
from torch import nn

from overfitlab.models.finding_sites import Found
from overfitlab.reasons import Reason, reason

DRAWING = (nn.MultiheadAttention, nn.RNNBase)  # layers with a rate of dropout of their own, `dropout`


def take_out(network: nn.Module, found: Found) -> nn.Module:
    """Return the network with an identity in place of each normalization and dropout layer; it is changed.

    A layer with weights that lost its normalization gets a bias of zeros where it had none, since the normalization's
    own is gone. What `forward` calls as a function stays in it, and does nothing while `Insertion` runs the network.
    """
    gone = {layer for layer, function in found.regularizing if function is None}
    with torch.no_grad():
        for layer in found.biasless:
            outputs = int(getattr(layer, "out_channels", 0) or getattr(layer, "out_features", 0))
            weight = layer.get_parameter("weight")
            layer.bias = nn.Parameter(weight.new_zeros(outputs))
    for parent in list(network.modules()):
        if isinstance(parent, DRAWING):
            parent.dropout = 0.0
        for name, child in list(parent._modules.items()):  # under every name of it
            if child in gone:
                setattr(parent, name, _without(child))
    return _without(network) if network in gone else network


def _without(layer: nn.Module) -> nn.Module:
    """Return what is left of a normalization or dropout: nothing, but for the activation that timm's have inside."""
    left = [part for part in (getattr(layer, "act", None),) if isinstance(part, nn.Module)]
    return left[0] if left else nn.Identity()


def inner_dropouts(network: nn.Module) -> int:
    """Return how many layers drop something inside of them, where no call shows it."""
    return sum(isinstance(layer, DRAWING) and layer.dropout > 0 for layer in network.modules())


def listed(brings: Mapping[str, int]) -> str:
    """Return what a network brings, in a form that every language reads: `batch_norm x 20, dropout x 2`."""
    return ", ".join(f"{name} x {count}" for name, count in brings.items())


def notes(network: str, brings: Mapping[str, int], untraced: Reason | None, *, bare: bool) -> tuple[Reason, ...]:
    """Return what a reader of results has to know about a network that somebody else wrote."""
    said = []
    if brings:
        what = listed(brings)
        said.append(
            reason("network_is_bare", network=network, what=what)
            if bare
            else reason("network_brings", network=network, what=what)
        )
    return (*said, *([] if untraced is None else [untraced]))
