"""What it costs that groups stay whole: the sizes of the parts and the shares of the classes, asked for and got."""

import math
from dataclasses import dataclass

import numpy as np

from overfitlab.config import Protocol
from overfitlab.data.dataset import Dataset, Indices
from overfitlab.data.grouping import Grouping
from overfitlab.data.prepare.splits import TEST_FRACTION, Split

Parts = dict[str, Indices]


@dataclass(frozen=True)
class PartBalance:
    """One part: of so many groups, and how far it is from what was asked for."""

    groups: int
    images: int
    asked: int | None  # images; None where the source brings the part
    farthest: int | None  # the class whose share is farthest from the one it should have; None where it is brought
    share: float  # of that class in the part, from 0 to 1
    expected: float  # its share in all the images that the part was taken from
    lacking: tuple[int, ...]  # classes without an image in it


@dataclass(frozen=True)
class Balance:
    """All parts, by name; the largest group; and how many groups are in two parts that the source brings."""

    parts: dict[str, PartBalance]
    groups: int
    largest: int  # images in the largest group
    shared: dict[str, int]  # "training/test"


def balance(dataset: Dataset, split: Split, grouping: Grouping, protocol: Protocol) -> Balance:
    """Return what came out for a dataset whose groups were kept whole."""
    training, validation = split.whole or (split.training, split.validation)
    rows: Parts = {"training": training, "validation": validation, "test": split.test}
    learning = dataset.learning
    everything = np.union1d(learning, dataset.test)
    fraction = protocol.validation_fraction
    pools: dict[str, tuple[Indices, int] | None] = {"training": None, "validation": None, "test": None}
    if dataset.validation is None:
        pools["validation"] = (learning, math.ceil(fraction * len(learning)))
        pools["training"] = (learning, len(learning) - math.ceil(fraction * len(learning)))
    if dataset.test_set_apart:
        pool = everything if dataset.validation is None else np.setdiff1d(everything, dataset.validation)
        pools["test"] = (pool, round(TEST_FRACTION * len(pool)))
    found = {part: _part(dataset, grouping, rows[part], pools[part]) for part in rows if len(rows[part])}
    return Balance(found, len(grouping.names), int(np.bincount(grouping.codes).max()), _shared(grouping, rows))


def _part(dataset: Dataset, grouping: Grouping, rows: Indices, pool: tuple[Indices, int] | None) -> PartBalance:
    classes = len(dataset.class_names)
    counts = np.bincount(dataset.labels[rows], minlength=classes)
    lacking = tuple(int(kind) for kind in np.flatnonzero(counts == 0))
    if pool is None:
        return PartBalance(grouping.among(rows), len(rows), None, None, 0.0, 0.0, lacking)
    whole, asked = pool
    shares = counts / len(rows)
    expected = np.bincount(dataset.labels[whole], minlength=classes) / len(whole)
    farthest = int(np.abs(shares - expected).argmax())
    return PartBalance(
        grouping.among(rows), len(rows), asked, farthest, float(shares[farthest]), float(expected[farthest]), lacking
    )


def _shared(grouping: Grouping, rows: Parts) -> dict[str, int]:
    names = [part for part in rows if len(rows[part])]
    found = {
        f"{one}/{other}": len(np.intersect1d(grouping.codes[rows[one]], grouping.codes[rows[other]]))
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    }
    return {pair: count for pair, count in found.items() if count}
