"""Several contrasts at once: p-values adjusted so that anything false among them is found with at most alpha."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MOST_METHODS = 7  # whose ways to be equal are counted: 877


def adjusted(p: ArrayLike, multipliers: Sequence[int]) -> Floats:
    """Return p-values [..., contrasts] adjusted together, the smallest times the first multiplier, and so on.

    An adjusted p is never smaller than that of a smaller p (Holm, 1979). A NaN stays one, and counts as a test.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, axis=-1, kind="stable")  # NaN last
    ascending = np.take_along_axis(values, order, -1)
    raised = np.minimum(np.maximum.accumulate(ascending * np.asarray(multipliers), axis=-1), 1)
    found = np.empty_like(raised)
    np.put_along_axis(found, order, raised, -1)
    return found


def holm(count: int) -> tuple[int, ...]:
    """Return the multipliers of Holm (1979) for so many contrasts: count, ..., 2, 1."""
    return tuple(range(count, 0, -1))


@cache
def shaffer(contrasts: tuple[tuple[str, str], ...]) -> tuple[int, ...]:
    """Return the multipliers of Shaffer (1986, S1) for tests that two methods differ.

    Differences hang together: of the three pairs of three methods exactly two cannot be equal. The multiplier of a step
    is the largest number of contrasts that can be without a difference when so many have one. Holm's where more methods
    than seven hang together, or where any number of contrasts can be without one, as in comparisons with one baseline.
    """
    possible = {0}
    for group in _connected(contrasts):
        methods = sorted({method for pair in group for method in pair})
        if len(methods) > MOST_METHODS:
            return holm(len(contrasts))
        here = {sum(parts[one] == parts[other] for one, other in group) for parts in _partitions(methods)}
        possible = {before + more for before in possible for more in here}
    count = len(contrasts)
    return tuple(max(1, *(each for each in possible if each <= count - step)) for step in range(count))


def _connected(contrasts: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Return the contrasts in groups that share methods."""
    groups: list[list[tuple[str, str]]] = []
    for pair in contrasts:
        touching = [group for group in groups if any(method in pair for other in group for method in other)]
        groups = [group for group in groups if group not in touching]
        groups.append([*(each for group in touching for each in group), pair])
    return groups


def _partitions(methods: Sequence[str]) -> Iterator[dict[str, int]]:
    """Yield every way to put methods into groups of equals, as the number of each one's group."""

    def further(place: int, found: dict[str, int], groups: int) -> Iterator[dict[str, int]]:
        if place == len(methods):
            yield dict(found)
            return
        for group in range(groups + 1):
            found[methods[place]] = group
            yield from further(place + 1, found, max(groups, group + 1))

    yield from further(0, {}, 0)
