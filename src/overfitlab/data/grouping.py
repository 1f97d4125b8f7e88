"""Which images belong together, and stay in one part: those of a patient, a plant, a scene."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grouping:
    """The group of every image of a dataset."""

    codes: NDArray[np.int64]  # [N], numbered from 0 in the order in which the groups first appear
    names: tuple[str, ...]  # of the groups
    source: str  # what to read it from again: a rule, or the path of a list

    @classmethod
    def of(cls, groups: Sequence[str], source: str) -> Self:
        """Return the grouping of images whose groups have these names [N]."""
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(name, len(numbers)) for name in groups]
        return cls(np.array(codes, dtype=np.int64), tuple(numbers), source)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over which images belong together, whatever the groups are called and wherever that is written."""
        return hashlib.sha256(self.codes.astype("<i8").tobytes()).hexdigest()

    def among(self, rows: NDArray[np.int64]) -> int:
        """Return how many groups have an image among those rows."""
        return len(np.unique(self.codes[rows]))
