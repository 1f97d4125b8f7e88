"""How many images an accuracy was measured on: it is a whole number of them, divided by all."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

MOST_IMAGES = 200_000
FEWEST_IMAGES = 20
SINGLE = 6e-8  # relative: half of the last bit of single precision, in which most programs divide
COARSEST = 0.2  # of the distance between two points of a grid: how far a value may lie from one
CHANCE = 1e-6  # that so many values would lie on a grid as fine by accident


def images_of(shares: Sequence[float]) -> int | None:
    """Return the smallest number of images of which all shares, from 0 to 1, are whole numbers; None if it is not sure.

    Shares that were rounded lie on the grid of any number that is large enough, so how precise they are decides how
    many images they can give away. The true number can be a multiple of it: a smaller one errs on the safe side, as
    what one image changes is then taken to be more.
    """
    values = sorted({share for share in shares if 0 < share < 1})
    if len(values) < 2:
        return None
    error = max(_precision(values), SINGLE)
    most = min(MOST_IMAGES, int(COARSEST / error))
    images = np.arange(FEWEST_IMAGES, most + 1, dtype=np.float64)
    fits = np.ones(len(images), dtype=bool)
    for share in values:
        fits &= np.abs(images * share - np.rint(images * share)) <= 1.01 * error * images
    if not fits.any():
        return None
    place = int(fits.argmax())
    found = int(images[place])
    by_accident = (place + 1) * (2.02 * error * found) ** len(values)
    return found if by_accident < CHANCE else None


def _precision(values: Sequence[float]) -> float:
    """Return half a unit of the last decimal that any of them has."""
    exponents = [Decimal(repr(value)).as_tuple().exponent for value in values]
    return 0.5 * 10.0 ** min(each for each in exponents if isinstance(each, int))
