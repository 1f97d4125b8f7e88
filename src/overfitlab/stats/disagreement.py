"""On which images do methods disagree: the same test images, each seen by the networks of several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.results.predictions import Predicted

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Opinions:
    """What the runs of one method, one a seed, take each of N images for."""

    runs: int
    labels: Integers  # [N]
    right: Integers  # [N] runs that are right
    mistake: Integers  # [N] the wrong class that most runs take it for; of several the first
    votes: Integers  # [N] runs that do

    @classmethod
    def of(cls, found: Sequence[Predicted]) -> "Opinions":
        """Return the opinions of runs on the same images; raises `ValueError` where they differ or there is no run."""
        if not found or any(not np.array_equal(each.rows, found[0].rows) for each in found):
            raise ValueError("runs on the same images are needed")
        labels, classes = found[0].labels, found[0].probabilities.shape[1]
        counts = np.zeros((len(labels), classes), dtype=np.int64)
        for each in found:
            counts[np.arange(len(labels)), each.classes] += 1
        everyone = np.arange(len(labels))
        right = counts[everyone, labels]
        counts[everyone, labels] = -1
        mistake = counts.argmax(axis=1)
        return cls(len(found), labels, right, mistake, np.maximum(counts[everyone, mistake], 0))

    @property
    def share(self) -> NDArray[np.float64]:
        """The share of runs [N] that are right, from 0 to 1."""
        return self.right / self.runs


def most_disputed(opinions: Mapping[str, Opinions], baseline: str, count: int) -> list[int]:
    """Return the numbers of up to `count` images on which some method differs most from the baseline.

    The difference is that of the shares of runs that are right. Images that the baseline gets wrong and a method
    right alternate with the opposite, while there are both; images on which all agree are left out. Nothing without
    the baseline, another method, and the same images for all.
    """
    if baseline not in opinions or len(opinions) < 2:
        return []
    base = opinions[baseline]
    others = [each for method, each in opinions.items() if method != baseline]
    if any(len(each.labels) != len(base.labels) for each in others):
        return []
    shares = np.array([each.share for each in others])
    gained, lost = shares.max(axis=0) - base.share, base.share - shares.min(axis=0)
    sides = [[int(k) for k in np.argsort(-each, kind="stable") if each[k] > 0] for each in (gained, lost)]
    found: list[int] = []
    for turn in range(2 * max(map(len, sides), default=0)):
        side = sides[turn % 2]
        new = next((k for k in side if k not in found), None)
        if new is not None:
            found.append(new)
        if len(found) == count:
            break
    return found
