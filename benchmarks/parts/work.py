"""The work of a training step, layer by layer, from the network itself."""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from overfitlab.models.model import Call, Model, trace

NUMBER_BYTES = {"float32": 4, "bfloat16": 2}
OPTIMIZER_BYTES = 7 * 4  # of a weight: read it, its gradient and both moments; write all but the gradient


@dataclass(frozen=True)
class Work:
    """Of one layer, forward and backward, on one batch."""

    layer: str
    flop: float  # of its products, as the definition of the layer has them
    bytes: float  # to read what it needs once, and write what it makes once


def step_work(model: Model, batch: int, precision: str) -> list[Work]:
    """Return the work of a step: every layer on its own, then the optimizer."""
    calls = [call for call in trace(model) if not list(call.layer.children()) and call.layer is not model]
    layers = [_of(call, batch, NUMBER_BYTES[precision], first=number == 0) for number, call in enumerate(calls)]
    weights = sum(value.numel() for value in model.parameters() if value.requires_grad)
    return [*layers, Work("optimizer", 0.0, weights * OPTIMIZER_BYTES)]


def _of(call: Call, batch: int, size: int, *, first: bool) -> Work:
    image, result = call.inputs[0], call.output
    read, written = batch * image.numel(), batch * result.numel()
    weight = getattr(call.layer, "weight", None)
    if call.layer.__class__.__name__ == "Flatten" or isinstance(call.layer, nn.Identity):
        return Work(call.name, 0.0, 0.0)  # the same memory under another shape
    if not isinstance(weight, Tensor) or weight.ndim < 2:  # what is kept for the backward pass is read again there
        return Work(call.name, 0.0, size * (2 * read + written + (written + read)))
    positions = math.prod(result.shape[2:])
    forward = 2.0 * batch * positions * weight.numel()
    passes = 2 if first else 3  # forward, gradient of the weights and, but for the first layer, of the images
    moved = passes * (read + written + weight.numel())
    return Work(call.name, passes * forward, size * moved)
