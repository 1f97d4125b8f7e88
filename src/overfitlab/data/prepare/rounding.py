"""How much rounding to 256 levels leaves of single images: next to nothing is never left in silence.

A scale can be right for a set of images as a whole and wrong for most of them: one pixel that is too bright darkens all
others, and the images of a second camera may be on a scale of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.prepare.cache import Findings
from overfitlab.errors import DataError
from overfitlab.reasons import reason

FULL = 255
NARROW = 64  # levels: where all images together use fewer, it is said
FEWEST = 32  # levels that rounding must leave, unless there were no more
FINER = 16  # parts of a level that count as different before rounding; less is the error of floating-point numbers
MOST = 0.9  # share of all images that may be left with fewer: a better scale helps where it is more
SOME = 0.01  # share that is said
LOOKED_AT = 2**16  # pixels of an image, spread over it
TAILS = (0.001, 0.999)  # quantiles: what lies beyond is a pixel that is too bright, and no picture


@dataclass(frozen=True)
class Left:
    """An image of which rounding leaves next to nothing, and the values that it goes from and to."""

    image: str
    low: float
    high: float


def few_left(image: NDArray[Any], factor: float) -> tuple[float, float] | None:
    """Return the lowest and highest value of an image of which rounding leaves few of many levels; None for others.

    Times `factor` it goes from 0 to 255. Nearly all of it has to lie within a few levels: what is black and white, with
    or without noise, has all that it needs.
    """
    some = image.reshape(-1)[:: max(1, image.size // LOOKED_AT)]
    scaled = (some * np.float64(factor)).clip(0, FULL)
    kept = np.count_nonzero(np.bincount(np.rint(scaled).astype(np.uint8), minlength=FULL + 1))
    if kept >= FEWEST or len(np.unique(np.rint(scaled * FINER))) < 2 * kept:
        return None
    low, high = np.quantile(scaled, TAILS)
    return (float(some.min()), float(some.max())) if high - low < FEWEST else None


def refuse_most(found: Sequence[Left], images: int, levels: int, where: str, white: float) -> None:
    """Raise `DataError` where rounding leaves next to nothing of nearly all `images` of a set, or of all together.

    `levels` is how far apart the darkest and the brightest pixel of all of them are after it.
    """
    if not found or (len(found) <= MOST * images and levels >= FEWEST):
        return
    first = found[0]
    raise DataError(
        "few_levels_would_be_left",
        "{image} has values from {low:g} to {high:g}; in 8 bits, where {white:g} is white, fewer than {fewest} levels "
        "would be left of them, as of {lost:,} of the {images:,} images of {where}; save (x - low) / (high - low), "
        "with one low and one high for all images, such as their 0.1 % and 99.9 % quantiles",
        image=first.image, white=white, fewest=FEWEST, low=first.low, high=first.high,
        lost=len(found), images=images, where=where,
    )  # fmt: skip


def note_of(found: Sequence[Left], images: int, where: str, white: float, findings: Findings) -> None:
    """Note in `findings` where rounding leaves next to nothing of some of the `images` of a part or a class."""
    if found and len(found) >= SOME * images:
        findings.notes.append(
            reason("few_levels_left", image=found[0].image, white=white, fewest=FEWEST, lost=len(found), images=images,
                   where=where)
        )  # fmt: skip
