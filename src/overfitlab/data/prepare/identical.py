"""Images that are the same to the bit: under two labels one of them is wrong, and blank ones are none at all."""

import hashlib
from dataclasses import dataclass

import numpy as np

from overfitlab.data.dataset import Dataset, Images


@dataclass(frozen=True)
class Contradiction:
    """One picture that is in several classes: a row of each of them, in the order of the classes."""

    rows: tuple[int, ...]


@dataclass(frozen=True)
class Identical:
    """What a search for identical images finds."""

    contradictions: list[Contradiction]  # in the order of their first rows
    blank: list[int]  # rows of images of one colour


def is_blank(image: Images) -> bool:
    """Return whether an image [H, W, C] shows nothing but one colour."""
    return bool((image == image[0, 0]).all())


def identical(dataset: Dataset) -> Identical:
    """Return which pictures are in several classes, and which images are blank, all parts together.

    As they were read, so that files that differ only in size or in finer detail than that count as identical.
    """
    seen: dict[bytes, dict[int, int]] = {}  # hash -> label -> first row
    blank = []
    for row, image in enumerate(dataset.images):
        if is_blank(image):
            blank.append(row)
            continue
        digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        seen.setdefault(digest, {}).setdefault(int(dataset.labels[row]), row)
    several = [tuple(of_label[label] for label in sorted(of_label)) for of_label in seen.values() if len(of_label) > 1]
    return Identical([Contradiction(rows) for rows in several], blank)
