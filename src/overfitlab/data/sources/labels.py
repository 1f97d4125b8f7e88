"""Labels from Python, as an `.npz` file has them: whole numbers or texts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.sources.pictures import is_array, numbers
from overfitlab.errors import UsageError
from overfitlab.values import shown

Array = NDArray[Any]


def as_labels(y: object, images: int) -> Array:
    """Return labels [N] as int64 or texts: from numbers or texts [N] or [N, 1], or one-hot rows [N, K].

    Raises `UsageError` for another number of them, and for what names no class, such as 0.5 or shares of classes.
    """
    if not is_array(y) and not isinstance(y, list | tuple):
        raise _no_labels(y, images)
    if isinstance(y, list | tuple):
        if len({isinstance(one, str | bytes) for one in y}) > 1:  # NumPy would make texts of the numbers
            raise _no_labels(y, images)
        y = [numbers(one) if is_array(one) else one for one in y]
    try:
        array = np.asarray(y) if isinstance(y, list) else numbers(y)
    except ValueError as error:  # rows of different lengths
        raise _no_labels(y, images) from error
    if array.dtype.kind == "O":
        array = _of_objects(array, images)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in "buifU" or array.ndim not in (1, 2) or not array.size:
        raise _no_labels(y, images)
    if array.ndim == 2:
        array = array[:, 0] if array.shape[1] == 1 else _of_one_hot(array, images)
    if len(array) != images:
        raise UsageError(
            "labels_of_another_number", "there are {labels:,} labels for {images:,} images; give one for each",
            labels=len(array), images=images,
        )  # fmt: skip
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "f" and not bool((array == np.rint(array)).all()):
        raise _no_labels(y, images)
    return array.astype(np.int64)


def _of_objects(array: Array, images: int) -> Array:
    """Return what pandas or a list may hold as objects: texts, or whole numbers."""
    flat = array.ravel().tolist()
    if all(isinstance(one, str) for one in flat):
        return array.astype(str)
    if all(isinstance(one, int) for one in flat):
        return array.astype(np.int64)
    raise _no_labels(array, images)


def _of_one_hot(array: Array, images: int) -> Array:
    if array.dtype.kind not in "buif" or not bool((((array == 0) | (array == 1)).all(1) & (array.sum(1) == 1)).all()):
        raise _no_labels(array, images)
    found: Array = array.argmax(1)
    return found


def _no_labels(y: object, images: int) -> UsageError:
    return UsageError(
        "y_is_no_labels",
        "y must be one whole number or string for each of the {images:,} images, or one-hot rows [N, K], not "
        "{value}",
        images=images, value=shown(y),
    )  # fmt: skip
