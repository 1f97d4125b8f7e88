"""How much rounding to 256 levels leaves of single images: next to nothing is never left in silence.

A scale can be right for a set of images as a whole and wrong for many of them: one pixel that is too bright darkens all
others, and the images of a second camera may be on a scale of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.prepare.cache import Findings
from overfitlab.errors import DataError
from overfitlab.reasons import reason

FULL = 255
NARROW = 64  # levels: where all images together use fewer, it is said
FEWEST = 32  # levels that rounding must leave, unless there were no more
FINER = 16  # parts of a level that count as different before rounding; less is the error of floating-point numbers
MOST = 0.5  # share of the images of a part or a class that may be left with fewer
SOME = 0.01  # share that is said


@dataclass(frozen=True)
class Left:
    """An image of which rounding leaves next to nothing, and the values that it goes from and to."""

    image: str
    low: float
    high: float


def few_left(scaled: NDArray[np.floating]) -> bool:
    """Return whether rounding one image, from 0 to 255 but not yet rounded, leaves few of many levels."""
    kept = np.count_nonzero(np.bincount(np.rint(scaled).clip(0, FULL).astype(np.uint8).ravel(), minlength=FULL + 1))
    return bool(kept < FEWEST and len(np.unique(np.rint(scaled * FINER))) >= 2 * kept)


def judge(found: Sequence[Left], images: int, where: str, white: float, findings: Findings, *, given: bool) -> None:
    """Say what rounding did to the `images` of a part or a class, of which it left next to nothing of those `found`.

    Raises `DataError` where these are most of them; notes it in `findings` where they are some, or where white is
    `given`, since it is what a network was trained with.
    """
    if not found or len(found) < SOME * images:
        return
    first = found[0]
    if len(found) > MOST * images and not given:
        raise DataError(
            "few_levels_would_be_left",
            "{image}: with {white:g} as white, rounding to 256 levels leaves fewer than {fewest} of its values {low:g} "
            "to {high:g}, as in {lost:,} of the {images:,} images of {where}; save (x - low) / (high - low), with one "
            "low and one high for all images, such as their 0.1 % and 99.9 % quantiles",
            image=first.image, white=white, fewest=FEWEST, low=first.low, high=first.high,
            lost=len(found), images=images, where=where,
        )  # fmt: skip
    findings.notes.append(
        reason("few_levels_left", image=first.image, white=white, fewest=FEWEST, lost=len(found), images=images,
               where=where)
    )  # fmt: skip
