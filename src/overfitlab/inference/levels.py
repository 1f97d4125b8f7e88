"""Numbers of images as bytes on the scale that a network was trained on (`data.sources.scales`)."""

import numpy as np

from overfitlab.data.dataset import Images
from overfitlab.data.prepare.rounding import FULL
from overfitlab.data.sources.handed_in import refuse_no_pixels
from overfitlab.data.sources.pictures import Array
from overfitlab.data.sources.scales import BEYOND, BEYOND_WHOLE
from overfitlab.errors import UsageError

SIXTEEN_BITS = 2  # bytes


def on_the_scale(array: Array, brightest: int, white: int | None) -> Images:
    """Return images [N, ...] as uint8; what goes a little beyond either end of the scale is cut off.

    Args:
        array: uint8, which stays as it is; fractions from 0 to 1; or whole numbers up to 255 or, where there were
            such in training, `white`.
        brightest: what a white pixel was in training, as uint8.
        white: the level that became that in numbers of more than 8 bits; None where there were none.

    Raises `UsageError` where the values are on no such scale.
    """
    if array.dtype == np.uint8:
        return array
    refuse_no_pixels(array)
    high, kind = float(array.max()), array.dtype.kind
    whole = kind != "f" or bool((array == np.rint(array)).all())
    if kind == "b" or (kind == "f" and high <= (1 if whole else 1 + BEYOND)):
        most, factor = brightest, float(brightest)
    else:
        deep = white if white is not None and white > FULL and whole else None
        if deep is not None and high <= FULL and array.dtype.itemsize != SIXTEEN_BITS:
            raise UsageError(
                "array_on_either_scale",
                "the images are {type} with values up to {high:g}, so white may be {white}, as in the training, or "
                "255; pass them as uint16 if it is {white}, or as uint8 if it is 255",
                high=high, type=array.dtype, white=deep,
            )  # fmt: skip
        most, factor = FULL, FULL / (deep or FULL)
        if high * factor > FULL * (1 + (BEYOND_WHOLE if whole else BEYOND)):
            raise UsageError(
                "array_too_bright",
                "the values of the images go up to {high:g}; they must go from 0 to 1, or from 0 to {most}",
                high=high, most=white or FULL,
            )  # fmt: skip
    pixels: Images = np.rint(array * factor).clip(0, most).astype(np.uint8)
    return pixels
