"""Parts made of whole groups, as near to their sizes and to the shares of the classes as whole groups allow."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Images, Indices, Labels
from overfitlab.errors import DataError

DRAWS = 16  # orders of the groups that are tried for one split
STEPS = 50_000  # groups that are looked at for one split, at most
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """The images that a part is taken from: rows [n], and the groups [n] and classes [n] of these."""

    rows: Indices
    groups: NDArray[np.int64]
    labels: Labels
    class_names: tuple[str, ...]

    def counts(self) -> tuple[NDArray[np.int64], Counts]:
        """Return the groups [G] in the order in which they first appear, and their images of each class [G, K]."""
        found, first, inverse = np.unique(self.groups, return_index=True, return_inverse=True)
        counts = np.zeros((len(found), len(self.class_names)), dtype=np.int64)
        np.add.at(counts, (inverse, self.labels), 1)
        order = np.argsort(first)
        return found[order], counts[order]


@dataclass(frozen=True)
class Taken:
    """The groups that were taken, how far their images are from what was asked for, and how many classes they lack."""

    groups: tuple[int, ...]  # positions
    lacking: int
    distance: float


def drawn(pool: Pool, fraction: float, random_state: int, *, stratified: bool, part: str) -> Indices:
    """Return the rows of a part of about that fraction, drawn with that seed: the best balanced of a few draws.

    Raises `DataError` where no group can be taken.
    """
    found, counts = pool.counts()
    generator = np.random.default_rng(random_state)
    draws = max(1, min(DRAWS, STEPS // len(found)))
    orders = (generator.permutation(len(found)) for _ in range(draws))
    return _rows(pool, found, counts, fraction, orders, stratified=stratified, needs=1, part=part)


def set_apart(
    pool: Pool, images: Images, fraction: float, *, needs: int, part: str, never: Iterable[int] = ()
) -> Indices:
    """Return the rows of a part that no seed decides: groups by the SHA-256 of their pixels, lowest first.

    Each class keeps `needs` groups for other parts where it has enough of them. Groups in `never` stay. Raises
    `DataError` where no group can be taken.
    """
    found, counts = pool.counts()
    places = np.argsort(pool.groups, kind="stable")
    together = np.split(places, np.flatnonzero(np.diff(pool.groups[places])) + 1)  # in ascending order of the groups
    contents = dict(zip(np.unique(pool.groups).tolist(), together, strict=True))
    names = [_content(images, pool.rows[contents[int(group)]]) for group in found]
    staying = {int(group) for group in never}
    order = [place for place in sorted(range(len(found)), key=names.__getitem__) if int(found[place]) not in staying]
    return _rows(
        pool, found, counts, fraction, [np.array(order, dtype=np.int64)], stratified=True, needs=needs, part=part
    )


def _content(images: Images, rows: Indices) -> bytes:
    """Return the SHA-256 of a group's images, whatever their order."""
    each = sorted(hashlib.sha256(np.ascontiguousarray(images[row]).data).digest() for row in rows)
    return hashlib.sha256(b"".join(each)).digest()


def _rows(
    pool: Pool,
    found: NDArray[np.int64],
    counts: Counts,
    fraction: float,
    orders: Iterable[NDArray[np.int64]],
    *,
    stratified: bool,
    needs: int,
    part: str,
) -> Indices:
    tried = [_taken(counts, fraction, order, stratified=stratified, needs=needs) for order in orders]
    best = min(tried, key=lambda taken: (not taken.groups, taken.lacking, taken.distance))
    if not best.groups:
        raise _nothing_to_take(pool, counts, part)
    return pool.rows[np.isin(pool.groups, found[list(best.groups)])]


def _taken(counts: Counts, fraction: float, order: NDArray[np.int64], *, stratified: bool, needs: int) -> Taken:
    """Take each group that brings the part nearer to what it should be, in that order; then one of each class it lacks.

    The distance is that of its size from the fraction asked for, squared, and the mean over the classes of the same.
    """
    totals, has = counts.sum(0), counts > 0
    there = totals > 0
    left = has.sum(0)  # groups of each class
    least = np.minimum(needs, np.maximum(1, left - 1))  # that have to stay; the last one of a class always does
    shares = counts.sum(1, keepdims=True) / totals.sum()
    if stratified:
        shares = np.hstack([shares, counts[:, there] / totals[there] / there.sum() ** 0.5])
    own = (shares**2).sum(1)
    away = -fraction * shares.sum(0)  # from what the part should be: all the groups together are the whole
    part, taken = np.zeros_like(totals), []

    def farther(place: int) -> float:
        """Return by how much the part would be farther away with that group."""
        return float(2 * (shares[place] @ away) + own[place])

    def may_go(place: int) -> bool:
        return not (has[place] & (left <= least)).any()

    def take(place: int) -> None:
        nonlocal away, part, left
        away, part, left = away + shares[place], part + counts[place], left - has[place]
        taken.append(int(place))

    for place in order:
        if farther(place) < 0 and may_go(place):
            take(place)
    for kind in np.argsort(has.sum(0), kind="stable"):
        if there[kind] and not part[kind]:
            some = [place for place in order if has[place, kind] and may_go(place)]
            if some:
                take(min(some, key=farther))
    return Taken(tuple(taken), int((there & (part == 0)).sum()), float(away @ away))


def _nothing_to_take(pool: Pool, counts: Counts, part: str) -> DataError:
    if len(counts) == 1:
        return DataError(
            "one_group_only",
            "all {images:,} images are in one group, so none can be set aside for {part}: a group is never in two "
            "parts; give more groups, or leave out --groups",
            images=len(pool.rows), part=part,
        )  # fmt: skip
    rarest = int(np.where(counts.sum(0) > 0, (counts > 0).sum(0), len(counts) + 1).argmin())
    return DataError(
        "groups_hold_whole_classes",
        "none of the {groups} groups can be set aside for {part}: each holds the last images of a class, such as "
        "{name!r}, and a group is never in two parts; a class needs two groups or more",
        groups=len(counts), part=part, name=pool.class_names[rarest],
    )  # fmt: skip
