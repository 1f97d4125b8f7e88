"""The logits in what somebody's network returns: a tensor, or one tensor among others."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from overfitlab.errors import UsageError

LOGITS = "logits"
SCALES = (1.0, 100.0, -100.0)  # of made-up images: no logits stay between 0 and 1 under all of them


def logits_in(output: object, classes: int) -> object:
    """Return the logits in what a network returned for a batch: the tensor itself, or the one that is meant.

    Of a mapping or an object with `logits` it is that (Hugging Face's, and those of torchvision that train with
    auxiliary outputs); else the only tensor [B, `classes`] among its values. Where there is none, or more than one, the
    output is returned as it is.
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping) and isinstance(output.get(LOGITS), Tensor):
        return output[LOGITS]
    if isinstance(found := getattr(output, LOGITS, None), Tensor):
        return found
    fitting = [each for each in _tensors(output) if each.ndim == 2 and each.shape[1] == classes]
    return fitting[0] if len(fitting) == 1 else output


def _tensors(output: object) -> Iterator[Tensor]:
    values: Any = ()
    if isinstance(output, Mapping):
        values = output.values()
    elif isinstance(output, tuple | list):
        values = output
    elif dataclasses.is_dataclass(output):
        values = [getattr(output, each.name) for each in dataclasses.fields(output)]
    return (each for each in values if isinstance(each, Tensor))


class LogitsOf:
    """A forward hook that hands on the logits of a network which returns more than those; an object, to be copied."""

    def __init__(self, model: str, classes: int) -> None:
        self._model, self._classes = model, classes

    def __call__(self, _network: nn.Module, _inputs: object, output: object) -> object:
        """Return the logits; raises `UsageError` where it cannot be told which they are."""
        found = logits_in(output, self._classes)
        if isinstance(found, Tensor):
            return found
        shapes = [list(each.shape) for each in _tensors(output)]
        fitting = [each for each in shapes if len(each) == 2 and each[1] == self._classes]
        if fitting:
            raise UsageError(
                "network_returns_several",
                "{model}: its network returns a {type} with {count} tensors {shape}, and it is not clear which one "
                "is meant; return only the logits, or a dictionary with them under the name logits",
                model=self._model, type=type(output).__name__, count=len(fitting), shape=fitting[0],
            )  # fmt: skip
        if shapes:
            raise UsageError(
                "network_returns_no_logits",
                "{model}: its network returns a {type} of tensors {shapes}, and none is [B, {classes}], logits for "
                "each class",
                model=self._model, type=type(output).__name__, shapes=", ".join(map(str, shapes)),
                classes=self._classes,
            )  # fmt: skip
        return output


def refuse_sigmoid(outputs: Callable[[float], Tensor], name: str) -> None:
    """Raise `UsageError` where all outputs stay between 0 and 1 whatever the images: those of a sigmoid are no logits.

    `outputs` returns what the network says of made-up images times a number, and `name` is that of the network.
    Logarithms of probabilities are no such thing, and fine: as logits they give the same loss and the same
    probabilities.
    """
    found = outputs(SCALES[0])
    if not bool(((found > 0) & (found < 1)).all()) or bool(found.max() == found.min()):
        return
    if all(bool(((said >= 0) & (said <= 1)).all()) for said in map(outputs, SCALES[1:])):
        raise UsageError(
            "network_returns_sigmoids",
            "{model}: its network returns numbers that are always between 0 and 1, as a sigmoid's; leave out the last "
            "sigmoid, it must return logits",
            model=name,
        )
