"""Images that come one by one: lists, and data sets of PyTorch's kind, whose items are (image, label)."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE
from overfitlab.data.prepare.images import resized
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.data.sources.pictures import Array, is_array, is_picture, numbers, pixels
from overfitlab.errors import DataError, UsageError
from overfitlab.events import Listener, TaskBegan, TaskEnded
from overfitlab.reasons import reason
from overfitlab.values import shown

READ_TWICE = 16  # items, to see whether they are the same again
USUAL_SIZE = (32, 32)  # of pictures of different sizes, as of image files
IMAGE_KEYS, LABEL_KEYS = ("image", "img", "pixel_values", "x"), ("label", "labels", "y", "target")
LONGEST_CHAIN = 20  # data sets within data sets


def is_data_set(value: object) -> bool:
    """Return whether that has items by number: a map-style `torch.utils.data.Dataset`, or anything of that shape."""
    if isinstance(value, str | bytes | Mapping | list | tuple | type) or is_array(value) or is_picture(value):
        return False
    if hasattr(value, "iloc"):  # a table of pandas
        return False
    return hasattr(type(value), "__getitem__") and hasattr(type(value), "__len__")


def refuse_streams(value: object) -> None:
    """Raise `UsageError` for a DataLoader or a data set without numbered items, which have no order to rely on."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    data = torch.utils.data
    if isinstance(value, data.DataLoader):
        raise UsageError(
            "data_loader_given",
            "a DataLoader shuffles and batches, which is done here; pass its data set: {example}",
            example="loader.dataset",
        )  # fmt: skip
    if isinstance(value, data.IterableDataset):
        raise UsageError(
            "data_set_without_numbers",
            "an IterableDataset has no numbered items, so it cannot be split; pass a map-style data set, or arrays "
            "(x, y)",
        )


def class_names(data: Any) -> list[str] | None:
    """Return the names of the classes where a data set, or one that it is made of, has them; None where none has."""
    for _ in range(LONGEST_CHAIN):
        names = getattr(data, "classes", None)
        if isinstance(names, Sequence) and not isinstance(names, str) and all(isinstance(one, str) for one in names):
            return list(names)
        inside = getattr(data, "dataset", None)  # a Subset
        if inside is None:
            inside = next(iter(getattr(data, "datasets", None) or ()), None)  # a ConcatDataset
        if inside is None:
            return None
        data = inside
    return None


def collected(data: Any, size: tuple[int, int] | None, listener: Listener) -> tuple[Array, list[object]]:
    """Return all images of a data set [N, H, W, C], resized to `size` where they are Pillow's, and their labels.

    Raises `UsageError` where an item is no pair, or another one the next time, and `DataError` where it cannot be read.
    """
    try:
        count = len(data)
    except (TypeError, NotImplementedError) as error:
        raise UsageError(
            "data_set_of_no_length", "{data} has no length, so its images cannot be split; pass arrays (x, y)",
            data=shown(data),
        ) from error  # fmt: skip
    if not count:
        raise DataError("data_set_empty", "the data set has no items")
    labels: list[object] = []

    def images() -> Iterator[object]:
        for row in range(count):
            image, label = _item(data, row)
            labels.append(label)
            yield image

    found = stacked(images(), count, size, listener)
    for row in range(0, count, -(-count // READ_TWICE)):
        image, label = _item(data, row)
        if not _same(_as_stacked(image, found), found[row]) or not _same_label(label, labels[row]):
            raise UsageError(
                "data_set_is_random",
                "item {row} of the data set differs each time it is read, so nothing could be resumed or compared; "
                "leave out random transforms and use the method augment instead",
                row=row,
            )
    return found, labels


def stacked(images: Iterable[object], count: int, size: tuple[int, int] | None, listener: Listener) -> Array:
    """Return single images as one array [N, H, W, C].

    Pillow's images are resized to `size`; where it is None they stay as they are if all have one size from 8 to 224,
    and are resized to 32x32 if not, as image files are. Raises `UsageError` for arrays of different shapes or types.
    """
    found: list[Array] = []
    wanted = size
    listener.on(TaskBegan(reason("reading_images", images=count), count, "images"))
    try:
        for row, image in enumerate(images):
            array = _read(image, row, wanted)
            if is_picture(image) and wanted is None:
                first = found[0].shape[:2] if found else array.shape[:2]
                if array.shape[:2] != first or not all(SMALLEST_IMAGE <= side <= LARGEST_IMAGE for side in first):
                    wanted = USUAL_SIZE
                    found = [resized(one, wanted) for one in found]
                    array = resized(array, wanted)
            found.append(array)
            listener.advanced(row + 1)
    finally:
        listener.on(TaskEnded())
    channels = max((one.shape[2] for one in found), default=1)
    if any(is_gray_among(one, channels) for one in found):
        found = [np.repeat(one, channels, axis=2) if one.shape[2] == 1 else one for one in found]
    for row, one in enumerate(found):
        if one.shape != found[0].shape or one.dtype.kind != found[0].dtype.kind:
            raise UsageError(
                "images_of_different_kinds",
                "image {row} is {one}, and image 0 is {other}; all must have the same shape and type: resize them "
                "first",
                row=row, one=shown(one), other=shown(found[0]),
            )  # fmt: skip
    return np.stack(found)


def is_gray_among(image: Array, channels: int) -> bool:
    """Return whether an image is gray among others that are not."""
    return bool(image.shape[2] == 1 and channels > 1)


def _read(image: object, row: int, size: tuple[int, int] | None) -> Array:
    try:
        array = pixels(image)
        return resized(array, size) if is_picture(image) and size is not None else array
    except UnreadableImageError as error:
        raise DataError("item_unreadable", "image {row} cannot be read: {reason}", row=row, reason=error) from error
    except UsageError as error:
        raise UsageError("item_of_another_kind", "image {row}: {reason}", row=row, reason=error) from None


def _item(data: Any, row: int) -> tuple[object, object]:
    try:
        item = data[row]
    except Exception as error:  # whatever somebody's data set does
        raise DataError(
            "item_fails", "item {row} of the data set cannot be read ({type}: {reason})",
            row=row, type=type(error).__name__, reason=error,
        ) from error  # fmt: skip
    if isinstance(item, Mapping):
        image = next((item[key] for key in IMAGE_KEYS if key in item), None)
        label = next((item[key] for key in LABEL_KEYS if key in item), None)
        if image is not None and label is not None:
            return image, label
    elif isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    raise UsageError(
        "item_is_no_pair", "item {row} of the data set must be (image, label), not {item}", row=row, item=shown(item)
    )


def _as_stacked(image: object, found: Array) -> Array:
    """Return an image that is read again as it stands among the others."""
    array = pixels(image)
    height, width, channels = found.shape[1:]
    if is_picture(image):
        array = resized(array, (height, width))
    return np.repeat(array, channels, axis=2) if is_gray_among(array, channels) else array


def _same(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))


def _same_label(one: object, other: object) -> bool:
    one, other = (numbers(label).tolist() if is_array(label) else label for label in (one, other))
    return bool(one == other)
