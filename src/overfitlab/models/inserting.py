"""Runs a network that somebody else wrote, and what a method inserted into it, behind the calls that were found.

The network's own `forward` runs. Behind layers the inserted ones run in hooks, behind functions in a
`TorchFunctionMode`, which is there only where a function has a site, or is idle (`--bare`). A call is told by
what is called and how many calls of that came before it in the pass. A pass that calls otherwise than the trials did
ends in an error: nothing is ever inserted in another place.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from overfitlab.errors import OverfitlabError
from overfitlab.models import kinds
from overfitlab.models.calls import Owner, innermost_layer, regularized
from overfitlab.models.finding_sites import Found, FoundSite


class Insertion:
    """A network with what runs behind its calls; a copy of both (`copy.deepcopy`) runs its own layers."""

    def __init__(self, network: nn.Module, name: str, found: Found, idle: frozenset[str] = frozenset()) -> None:
        self._network, self._name, self._calls = network, name, dict(found.calls)
        self._behind: dict[Owner, dict[int, tuple[FoundSite, nn.Module]]] = {}
        self._names = {layer: path for path, layer in network.named_modules()}
        self._counts: Counter[Owner] = Counter()  # of this pass
        self._running = self._inserting = False
        self._watched, self._idle = set(idle), idle  # functions; the latter do nothing

    def put(self, behind: FoundSite, layers: nn.Module) -> None:
        """Let these layers run behind that call from now on."""
        layer, function = owner = behind.owner
        if function is not None:
            self._watched.add(function)
        elif owner not in self._behind:
            layer.register_forward_hook(self._behind_layer)
        self._behind.setdefault(owner, {})[behind.number] = (behind, layers)

    def refuse(self, layers: Sequence[nn.Module]) -> None:
        """Let layers that no trial called end a pass: nobody knows what a method would do behind them."""
        for layer in layers:
            layer.register_forward_pre_hook(self._unexpected)

    def run(self, x: Tensor) -> Tensor:
        """Return what the network makes of images [B, C, H, W], with what was inserted.

        Raises `OverfitlabError` where it calls what has inserted layers behind it otherwise than in the trials.
        """
        self._counts.clear()
        self._running = True
        try:
            with _Watch(self.watched, self._watched) if self._watched else contextlib.nullcontext():
                y = self._network(x)
        finally:
            self._running = False
        for owner in self._behind:
            count, expected = self._counts[owner], self._calls[owner]
            if count != expected and not (expected == 1 and count == 0):  # it was passed over, and its layers with it
                raise self._otherwise(owner, count)
        return y  # type: ignore[no-any-return]

    def watched(
        self,
        func: Callable[..., Any],
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        scope: nn.Module | None,
    ) -> Any:
        """Return what a function of that name returns that the layer `scope` called, and what runs behind it."""
        if self._inserting or scope is None:
            return func(*args, **kwargs)
        result = regularized(func, name, args, kwargs, bare=name in self._idle)
        return self._run_behind((scope, name), result) if (scope, name) in self._behind else result

    def _behind_layer(self, layer: nn.Module, _inputs: tuple[Any, ...], output: Any) -> Any:
        return self._run_behind((layer, None), output)

    def _run_behind(self, owner: Owner, output: Any) -> Any:
        places, expected = self._behind[owner], self._calls[owner]
        number = 0
        if self._running:
            number = self._counts[owner]
            self._counts[owner] += 1
        elif expected > 1:  # a backward pass that computes it again: nobody knows which of the calls this is
            raise self._otherwise(owner, expected + 1)
        if number >= expected:
            raise self._otherwise(owner, number + 1)
        if number not in places:
            return output
        site, layers = places[number]
        if not isinstance(output, Tensor) or (output.ndim, output.shape[1]) != (site.ndim, site.channels):
            raise OverfitlabError(
                "call_returns_another_shape",
                "{model}: call {number} of {layer} returned {shape}, not {channels} channels in {ndim} dimensions as "
                "in the trials; let it do the same in every pass, or choose a method that inserts nothing",
                model=self._name, number=number + 1, layer=self.name(owner), channels=site.channels, ndim=site.ndim,
                shape=list(output.shape) if isinstance(output, Tensor) else type(output).__name__,
            )  # fmt: skip
        return self.through(layers, output)

    def through(self, layers: nn.Module, x: Tensor) -> Tensor:
        """Return what inserted layers make of x, in the memory layout of x; no function in them is watched."""
        inserting, self._inserting = self._inserting, True
        try:
            y: Tensor = layers(x)
        finally:
            self._inserting = inserting
        return y.contiguous() if x.is_contiguous() else y  # users write view(len(x), -1), which needs it

    def _unexpected(self, layer: nn.Module, _inputs: tuple[Any, ...]) -> None:
        raise self._otherwise((layer, None), 1, expected=0)

    def name(self, owner: Owner) -> str:
        """Return what is called, for people: `network.pool`, or `max_pool2d in network.block`."""
        return owner_name(self._names, owner)

    def _otherwise(self, owner: Owner, count: int, expected: int | None = None) -> OverfitlabError:
        return OverfitlabError(
            "network_calls_otherwise",
            "{model}: {layer} was called {count} times or more in a pass, but {expected} times in the trials that "
            "found the places for a method; let it call the same in every pass, or choose a method that inserts "
            "nothing",
            model=self._name, layer=self.name(owner), count=count,
            expected=self._calls[owner] if expected is None else expected,
        )  # fmt: skip


class _Watch(TorchFunctionMode):
    """Hands the functions of those names to whoever watches them."""

    def __init__(self, watcher: Callable[..., Any], names: set[str]) -> None:
        super().__init__()
        self._watcher, self._names = watcher, names

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name not in self._names:
            return func(*args, **(kwargs or {}))
        return self._watcher(func, name, args, kwargs or {}, innermost_layer())


def owner_name(names: dict[nn.Module, str], owner: Owner) -> str:
    """Return what is called, for people, from the names of layers in the network."""
    layer, function = owner
    path = names.get(layer, "") or "the network"
    return path if function is None else f"{function} in {path}" if names.get(layer) else function


def never_called(network: nn.Module, seen: Collection[nn.Module]) -> list[nn.Module]:
    """Return the convolutions, dense layers and poolings of the network that are not among those that were seen."""
    return [
        layer for layer in network.modules() if kinds.kind_of(layer) in (*kinds.WEIGHTED, "pool") and layer not in seen
    ]
