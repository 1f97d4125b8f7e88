"""Where a network that somebody else wrote offers sites to a method, and what regularization it brings.

A site is a call, not a layer: a pooling that is used twice is two sites. `norm` is behind a convolution or dense layer
whose output comes to an activation before it comes to other weights, or that has a normalization of the network's own
behind it; `pool` is behind a pooling that weights follow, a mean over all pixels included. What only makes a gate
(squeeze and excitation) is left alone: its numbers scale channels, and are not handed on.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from overfitlab.methods.base import SiteKind
from overfitlab.models.calls import IMAGES, VECTORS, Owner, Pass, Seen
from overfitlab.models.kinds import ACTIVE, REGULARIZING, WEIGHTED, function_word, word_for
from overfitlab.reasons import Reason, reason

DIMENSIONS = {"conv": IMAGES, "dense": VECTORS}  # of what comes out, where there is a site behind it


@dataclass(frozen=True, eq=False)
class FoundSite:
    """A call behind which a method may insert a layer."""

    kind: SiteKind
    owner: Owner
    number: int  # of this owner's calls in a pass, from 0
    channels: int
    ndim: int
    taken: Owner | None  # what normalizes there already

    @property
    def call(self) -> tuple[Owner, int]:
        """Which call it is behind."""
        return self.owner, self.number


@dataclass(frozen=True)
class Found:
    """What was found in a network."""

    sites: tuple[FoundSite, ...]  # in the order of the calls
    calls: Mapping[Owner, int]  # how often each owner of a site is called in a pass
    brings: Mapping[str, int]  # regularization: how many of each
    regularizing: tuple[Owner, ...]  # the layers and functions that do it
    biasless: tuple[nn.Module, ...]  # layers with weights whose outputs a normalization gets, without a bias
    seen: frozenset[nn.Module]  # whose calls the passes had
    untraced: Reason | None = None  # why there are no sites, where the calls can change

    @property
    def regularizing_functions(self) -> frozenset[str]:
        """The functions among `regularizing`, by their names."""
        return frozenset(function for _, function in self.regularizing if function is not None)


NOTHING = Found((), {}, {}, (), (), frozenset())


def find(
    training: Sequence[Pass],
    evaluation: Sequence[Pass],
    network: str,
    name: Callable[[Owner], str],
    normalized: Collection[tuple[Owner, int]] = (),
) -> Found:
    """Return what several passes of a network show, in training and in evaluation mode; `name` says what is called.

    Behind the calls in `normalized` stood a normalization that was taken out, so there is a site.
    """
    first = training[0]
    why = _why_not(training, evaluation, network, name)
    flow = _Flow(first)
    brings = Counter(
        word_for(call.scope) if call.function is None else function_word(call.function)
        for call in first.calls
        if call.kind in REGULARIZING and call.acts
    )
    sites = () if why else tuple(flow.sites(normalized))
    counts = Counter(call.owner for call in first.calls)
    return Found(
        sites,
        {site.owner: counts[site.owner] for site in sites},
        dict(sorted(brings.items())),
        tuple(dict.fromkeys(call.owner for call in first.calls if call.kind in REGULARIZING)),
        tuple(flow.biasless()),
        frozenset(call.scope for each in (*training, *evaluation) for call in each.calls),
        why,
    )


def _why_not(
    training: Sequence[Pass], evaluation: Sequence[Pass], network: str, name: Callable[[Owner], str]
) -> Reason | None:
    """Return why the calls of one pass do not say what another one will do; None where they do."""
    if any(each.reads_values for each in (*training, *evaluation)):
        return reason("network_reads_values", network=network)
    if any(each.path() != passes[0].path() for passes in (training, evaluation) for each in passes):
        return reason("network_goes_several_ways", network=network)
    evaluated = _site_calls(evaluation[0])
    for owner, count in _site_calls(training[0]).items():
        if evaluated[owner] not in (0, count):
            return reason(
                "network_evaluates_otherwise", network=network, layer=name(owner), training=count,
                evaluation=evaluated[owner],
            )  # fmt: skip
    return None


def _site_calls(seen: Pass) -> Counter[Owner]:
    return Counter(call.owner for call in seen.calls if call.kind in (*WEIGHTED, "pool"))


class _Flow:
    """What becomes of what each call of a pass returns."""

    def __init__(self, seen: Pass) -> None:
        self._seen = seen
        self._by_number = {call.number: call for call in seen.calls}
        self._users: dict[int, list[Seen]] = {}
        for call in seen.calls:
            for number in call.inputs:
                self._users.setdefault(number, []).append(call)
        self._behind: dict[int, set[int]] = {}  # all calls that what a call returns reaches
        for call in reversed(seen.calls):
            users = [user.number for user in self._users.get(call.number, ())]
            self._behind[call.number] = set(users).union(*(self._behind[user] for user in users))

    def sites(self, normalized: Collection[tuple[Owner, int]]) -> Iterable[FoundSite]:
        """Yield the sites, in the order of the calls."""
        numbers: Counter[Owner] = Counter()
        gates = self._within_gates()
        for call in self._seen.calls:
            number = numbers[call.owner]
            numbers[call.owner] += 1
            if call.number in gates:
                continue
            if call.kind == "pool" and self._has_weights_behind(call):
                yield FoundSite("pool", call.owner, number, call.shape[1], len(call.shape), None)
            elif call.kind in WEIGHTED and len(call.shape) == DIMENSIONS[call.kind]:
                norm = self._taken_by(call)
                stood = norm is not None and len(norm.shape) == len(call.shape)
                if stood or (call.owner, number) in normalized or self._is_activated(call):
                    taken = None if norm is None else norm.owner
                    yield FoundSite("norm", call.owner, number, call.shape[1], len(call.shape), taken)

    def biasless(self) -> Iterable[nn.Module]:
        """Return the layers with weights and no bias whose outputs, or sums of them, a normalization gets."""
        found: dict[nn.Module, None] = {}
        waiting = [number for call in self._seen.calls if call.kind == "norm" for number in call.inputs]
        visited: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in visited or number not in self._by_number:
                continue
            visited.add(number)
            call = self._by_number[number]
            if call.kind not in WEIGHTED:
                waiting += call.inputs
            elif call.function is None and getattr(call.scope, "bias", call) is None:
                found[call.scope] = None
        return found

    def _has_weights_behind(self, call: Seen) -> bool:
        """Return whether what a call returns is not the logits yet."""
        return any(self._by_number[number].kind in WEIGHTED for number in self._behind[call.number])

    def _is_activated(self, call: Seen) -> bool:
        """Return whether what a call returns comes to an activation before it comes to other weights."""
        between = ("passing", "dropout", "norm", "pool", "sum", "product", "other")
        return any(user.kind in ACTIVE for user in self._reached(call, between))

    def _taken_by(self, call: Seen) -> Seen | None:
        """Return the normalization that what a call returns reaches first, over its activation if need be."""
        return next(
            (user for user in self._reached(call, ("passing", "dropout", *ACTIVE)) if user.kind == "norm"), None
        )

    def _within_gates(self) -> set[int]:
        """Return the calls whose results do nothing but scale something else: through a sigmoid, into a product."""
        found: set[int] = set()
        for gate in self._seen.calls:
            if gate.kind != "gate":
                continue
            inside = self._before(gate.number)
            for product in self._reached(gate, ("passing",)):
                if product.kind == "product":
                    scaled = {number for number in product.inputs if not self._is_reached(gate.number, number)}
                    found |= inside - scaled - set().union(*map(self._before, scaled))
        return found

    def _reached(self, call: Seen, through: Iterable[str]) -> Iterable[Seen]:
        """Yield the calls that get what a call returns, as it is or through calls of those kinds."""
        waiting, visited = [call], {call.number}
        while waiting:
            for user in self._users.get(waiting.pop(0).number, ()):
                if user.number not in visited:
                    visited.add(user.number)
                    yield user
                    if user.kind in through:
                        waiting.append(user)

    def _before(self, number: int) -> set[int]:
        """Return the calls that a call's arguments come from."""
        return {other for other, behind in self._behind.items() if number in behind}

    def _is_reached(self, number: int, other: int) -> bool:
        return other == number or other in self._behind[number]
