"""What a network does in one forward pass, call by call: its layers, and the functions that it calls between them.

The user's own `forward` runs, in eager mode. Layers are seen through hooks, functions through PyTorch's
`TorchFunctionMode`, so `F.relu(x)`, `torch.relu(x)` and `x.relu()` are seen alike, and Python may do what it likes in
between: lengths, shapes and assertions on them, loops, helper functions. (`torch.fx` gives up at `len(x)`, and what it
returns is another program.) What no pass can show is which way a network goes that branches on the numbers in its
images; that it reads them is seen.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from overfitlab.models import kinds
from overfitlab.models.kinds import Kind

IMAGES, VECTORS = 4, 2  # dimensions of [B, C, H, W] and [B, C]
Owner = tuple[nn.Module, str | None]  # a layer, or the name of a function and the layer whose `forward` calls it


@dataclass(frozen=True, eq=False)
class Seen:
    """One call in a pass."""

    number: int
    kind: Kind
    scope: nn.Module  # the layer itself, or the one whose `forward` called the function
    function: str | None  # None for a layer
    inputs: tuple[int, ...]  # numbers of the calls that made its arguments
    shape: tuple[int, ...]  # of what it returned, where that is one tensor; empty otherwise
    acts: bool  # of a dropout: whether it dropped anything

    @property
    def owner(self) -> Owner:
        """What is called: calls of one owner are told apart by their order alone."""
        return self.scope, self.function


@dataclass(frozen=True)
class Pass:
    """The calls of one forward pass, in the order in which they ended; 0 stands for the images."""

    calls: tuple[Seen, ...]
    reads_values: bool  # the program looked at numbers that depend on the images

    def path(self) -> list[tuple[Owner, tuple[int, ...]]]:
        """Return what the pass went through, and which shapes it made of an image."""
        return [(call.owner, call.shape[1:]) for call in self.calls if call.kind in kinds.PATH]


def innermost_layer() -> nn.Module | None:
    """Return the layer that is running, from the frames of its caller; None outside of any."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_argcount and code.co_varnames[0] == "self":
            found = frame.f_locals.get("self")
            if isinstance(found, nn.Module):
                return found
        frame = frame.f_back
    return None


class Recorder(TorchFunctionMode):
    """Notes what a network does between `with` and its end; with `bare` its functional regularization does nothing."""

    def __init__(self, network: nn.Module, images: Tensor, *, bare: bool = False) -> None:
        super().__init__()
        self._calls: list[Seen] = []
        self._made_by: dict[int, int] = {id(images): 0}
        self._from_images = {0}
        self._alive: list[Any] = [images]  # an id says which tensor it is only while that exists
        self._depth = 0  # of layers that count as a whole
        self._bare = bare
        self._reads_values = False
        self._hooks = []
        for layer in network.modules():
            if kinds.is_leaf(layer):
                self._hooks.append(layer.register_forward_pre_hook(self._before, prepend=True))
                self._hooks.append(layer.register_forward_hook(self._after))

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._depth:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        made_by = self._makers((args, kwargs))
        if name in kinds.VALUES and not self._from_images.isdisjoint(made_by):
            self._reads_values = True
        kind = kinds.BY_FUNCTION.get(name, "other")
        acts = _drops(name, args, kwargs)
        if name == kinds.ATTENTION and acts:
            kind = "dropout"
        result = regularized(func, name, args, kwargs, bare=self._bare)
        if self._bare and kind in kinds.REGULARIZING:
            kind = "passing"
        if kind == "pool" and not _pools(args, kwargs, result):
            kind = "other"
        self._note(kind, innermost_layer(), name, made_by, result, acts=acts)
        return result

    def finish(self) -> Pass:
        """Return what was noted, and take the hooks away."""
        for hook in self._hooks:
            hook.remove()
        return Pass(tuple(self._calls), self._reads_values)

    def _before(self, _layer: nn.Module, _inputs: tuple[Any, ...]) -> None:
        self._depth += 1

    def _after(self, layer: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
        self._depth -= 1
        if self._depth:
            return
        kind = kinds.kind_of(layer)
        if kind == "pool" and not _pools(inputs, {}, output):
            kind = "other"
        acts = kind != "dropout" or (layer.training and kinds.rate_of(layer) > 0)
        self._note(kind, layer, None, self._makers(inputs), output, acts=acts)

    def _note(
        self, kind: Kind, scope: nn.Module | None, function: str | None, inputs: set[int], result: object, *, acts: bool
    ) -> None:
        made = list(_tensors(result))
        if not made or scope is None:
            return
        number = len(self._calls) + 1
        if not self._from_images.isdisjoint(inputs):
            self._from_images.add(number)
        shape = tuple(result.shape) if isinstance(result, Tensor) else ()
        self._calls.append(Seen(number, kind, scope, function, tuple(sorted(inputs)), shape, acts))
        for tensor in made:
            self._made_by[id(tensor)] = number
            self._alive.append(tensor)

    def _makers(self, arguments: object) -> set[int]:
        return {self._made_by[id(each)] for each in _tensors(arguments) if id(each) in self._made_by}


def record(network: nn.Module, images: Tensor, *, bare: bool = False) -> Pass:
    """Return what the network does with images [B, C, H, W], in the mode that it is in; what it raises goes through."""
    recorder = Recorder(network, images, bare=bare)
    try:
        with torch.no_grad(), recorder:
            network(images)
    finally:
        found = recorder.finish()
    return found


def regularized(
    func: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, bare: bool
) -> Any:
    """Return what the function returns; a bare network's normalization or dropout returns what it was given."""
    if bare and name in kinds.NORMS + kinds.DROPOUTS:
        return args[0] if args else kwargs["input"]
    if bare and name == kinds.ATTENTION:
        return func(*args[:4], **{**kwargs, "dropout_p": 0.0}) if len(args) < 5 else func(*args[:4], 0.0, *args[5:])
    return func(*args, **kwargs)


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _pools(args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> bool:
    """Return whether images [B, C, H, W] became smaller ones, or vectors [B, C]."""
    given = next(_tensors((args, kwargs)), None)
    if given is None or not isinstance(result, Tensor) or given.ndim != IMAGES or result.ndim not in (IMAGES, VECTORS):
        return False
    return result.shape[:2] == given.shape[:2] and result.numel() <= given.numel()


def _drops(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Return whether a functional dropout drops anything: its rate, and whether it was told to train."""
    if name == kinds.ATTENTION:
        return bool(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
    if name not in kinds.DROPOUTS:
        return True
    rate = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
    training = kwargs.get("training", kwargs.get("train", args[2] if len(args) > 2 else True))
    return bool(training) and bool(rate)
