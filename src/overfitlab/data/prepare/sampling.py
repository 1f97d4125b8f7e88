"""Drawing images at random, of all classes in proportion if wanted: index for index what scikit-learn draws.

Written out here for two reasons. The drawing is part of what a run is, so that it can be resumed and made again: no
later scikit-learn may change it (NumPy never changes what `RandomState` draws). And to import scikit-learn takes longer
than to split, in every command and each worker of a study. scikit-learn itself is what the tests compare this with.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from overfitlab.data.dataset import Indices, Labels


def parted(count: int, share: float, state: int) -> tuple[Indices, Indices]:
    """Return the positions of the larger and the smaller part of `count` images, as `train_test_split` does.

    Args:
        count: how many images there are.
        share: of the smaller part, above 0 and below 1; it is rounded up to whole images.
        state: seed of the drawing, from 0 to 2**32 - 1.
    """
    smaller = math.ceil(share * count)
    order = RandomState(state).permutation(count)
    return order[smaller:], order[:smaller]


def stratified_parts(labels: Labels, share: float, state: int) -> tuple[Indices, Indices]:
    """Return the positions of the two parts, each of all classes in proportion, as `train_test_split(stratify=)` does.

    Args:
        labels: class of each image, int64 [I].
        share: of the smaller part, as in `parted`.
        state: as in `parted`.
    """
    draw, counts = RandomState(state), np.unique(labels, return_counts=True)[1]
    smaller = math.ceil(share * len(labels))
    of_larger = _in_proportion(counts, len(labels) - smaller, draw)
    of_smaller = _in_proportion(counts - of_larger, smaller, draw)
    larger_part, smaller_part = [], []
    for rows, first, second in zip(_by_class(labels), of_larger, of_smaller, strict=True):
        order = rows[draw.permutation(len(rows))]
        larger_part.append(order[:first])
        smaller_part.append(order[first : first + second])
    return draw.permutation(np.concatenate(larger_part)), draw.permutation(np.concatenate(smaller_part))


def some(count: int, most: int, state: int) -> Indices:
    """Return the positions of `most` of `count` images, as `sklearn.utils.resample(replace=False)` does."""
    order = np.arange(count)
    RandomState(state).shuffle(order)
    return order[:most]


def stratified_some(labels: Labels, most: int, state: int) -> Indices:
    """Return the positions of `most` images, of all classes in proportion, as `resample(stratify=)` does."""
    draw = RandomState(state)
    wanted = _in_proportion(np.unique(labels, return_counts=True)[1], most, draw)
    drawn = [draw.choice(rows, number, replace=False) for rows, number in zip(_by_class(labels), wanted, strict=True)]
    return draw.permutation(np.concatenate(drawn))


def _by_class(labels: Labels) -> Iterator[Indices]:
    order = np.argsort(labels, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _in_proportion(counts: NDArray[np.int64], number: int, draw: RandomState) -> NDArray[np.int64]:
    """Return how many of each class make up `number`, in proportion; where that is no whole number, chance decides."""
    exact = counts / counts.sum() * number
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    rest, missing = exact - whole, number - int(whole.sum())
    for largest in np.unique(rest)[::-1]:
        if missing <= 0:
            break
        tied = np.flatnonzero(rest == largest)
        chosen = draw.choice(tied, min(len(tied), missing), replace=False)
        whole[chosen] += 1
        missing -= len(chosen)
    return whole
