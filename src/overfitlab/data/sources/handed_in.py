"""Images that are handed in from Python, and have no path: they are written once, and read from there.

Worker processes, a resumption and an evaluation need them again, so they go into the cache folder, as an `.npz` file
that is named after their content; nothing is ever pickled.
"""

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from overfitlab.data.prepare.rounding import FEWEST, FULL
from overfitlab.data.sources import items
from overfitlab.data.sources.labels import as_labels
from overfitlab.data.sources.npz_members import NAMES_OF_CLASSES, X, Y, meaning
from overfitlab.data.sources.part_names import PARTS, TEST, TRAIN, VALIDATION, part_named
from overfitlab.data.sources.pictures import Array, channels_last, is_array, is_picture, is_tensor, numbers
from overfitlab.data.sources.scales import BEYOND
from overfitlab.display import as_seen
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.events import Listener
from overfitlab.files import cache_folder, replacing
from overfitlab.values import shown

FOLDER = "arrays"  # below the cache folder
SUFFIX = {TRAIN: "train", VALIDATION: "val", TEST: "test"}
CLASS_NAMES = NAMES_OF_CLASSES[0]
PAIR, SEVERAL = 2, (2, 3)


@dataclass(frozen=True)
class Part:
    """Images [N, H, W, C] and labels [N] of one part."""

    x: Array
    y: Array


def is_handed_in(data: object) -> bool:
    """Return whether that is data itself, and not the name or the path of some."""
    return not isinstance(data, str | os.PathLike)


def is_handed_in_before(source: str) -> bool:
    """Return whether the source of a recorded dataset is what `source_of` wrote, which only its owner can hand in."""
    path = Path(source)
    return path.parent.name == FOLDER and path.name.startswith("arrays-")


def source_of(data: object, groups: object, size: tuple[int, int] | None, listener: Listener) -> tuple[str, str | None]:
    """Write data that was handed in, and its groups, unless they are there already; return what to load.

    Args:
        data: `(x, y)`; a map-style data set; or parts of these: `{"train": (x, y), "test": (x, y)}` with `val` too,
            `{"x_train": x, "y_train": y, ...}` as an `.npz` file has them, with arrays of groups too; `((x, y), (x,
            y))` for training and test, or three of them for training, validation and test.
        groups: the group of each image, in the order of the images; or a list or a rule as `read_groups` takes it.
        size: height and width that images of Pillow are resized to.
        listener: is told how far it is.

    Raises `UsageError` for anything else, `DataError` where an item cannot be read, and `OverfitlabError` where the
    cache cannot be written.
    """
    parts, names, arrays = _parts(data, size, listener)
    for part, found in _in_bytes(parts).items():
        suffix = SUFFIX[part]
        arrays |= {f"x_{suffix}": np.ascontiguousarray(found.x), f"y_{suffix}": np.ascontiguousarray(found.y)}
    if names:
        arrays[CLASS_NAMES] = np.array(names)
    path = _written("arrays", ".npz", arrays)
    if groups is None or isinstance(groups, str | os.PathLike):
        return str(path), None if groups is None else os.fspath(groups)
    images = sum(len(part.x) for part in parts.values())
    return str(path), str(_written("groups", ".csv", {"groups": _groups(groups, images)}))


def _parts(
    data: object, size: tuple[int, int] | None, listener: Listener
) -> tuple[dict[str, Part], list[str], dict[str, Array]]:
    items.refuse_streams(data)
    others: dict[str, Array] = {}
    if isinstance(data, Mapping):
        given, names, others = _of_mapping(data)
    elif items.is_data_set(data):
        given, names = {TRAIN: data}, []
    elif isinstance(data, tuple | list) and len(data) in SEVERAL and all(map(_is_part, data)):
        order = (TRAIN, VALIDATION, TEST) if len(data) > PAIR else (TRAIN, TEST)
        given, names = dict(zip(order, data, strict=True)), []
    elif isinstance(data, tuple | list) and len(data) == PAIR:
        given, names = {TRAIN: data}, []
    else:
        raise no_data(data)
    found = {part: _part(part, value, size, listener) for part, value in given.items()}
    names = names or next((known for value in given.values() if (known := items.class_names(value))), [])
    kinds = {part.y.dtype.kind == "U" for part in found.values()}
    return found, [] if kinds == {True} else names, others


def no_data(data: object) -> UsageError:
    """Return the error for what is no data."""
    return UsageError(
        "no_data_of_this_kind",
        "data must be a name or a path, arrays (x, y), parts of them such as {example}, or a PyTorch data set, not "
        "{value}",
        example='{"train": (x, y), "test": (x, y)}', value=shown(data),
    )  # fmt: skip


def _of_mapping(data: Mapping[object, object]) -> tuple[dict[str, object], list[str], dict[str, Array]]:
    """Return the parts of a mapping in their order, the names of the classes, and arrays that may be groups.

    Its keys are those of an `.npz` file, or name a part whose value is `(x, y)` or a data set.
    """
    pairs: dict[tuple[str, str], object] = {}
    whole: dict[str, object] = {}
    names: object = None
    others: dict[str, Array] = {}
    strange = False
    for key, value in data.items():
        said, part = (meaning(key), part_named(key)) if isinstance(key, str) else (None, None)
        if key in NAMES_OF_CLASSES and names is None:
            names = value
        elif said is not None and said not in pairs:
            pairs[said] = value
        elif part is not None and part not in whole:
            whole[part] = value
        elif isinstance(key, str) and is_array(value) and _may_be_groups(numbers(value)):
            others[key] = numbers(value)
        else:
            strange = True
    found: dict[str, object] = {}
    for part in PARTS:
        both = [pairs.get((part, kind)) for kind in (X, Y)]
        strange |= (both[0] is None) != (both[1] is None) or (part in whole and both[0] is not None)
        if both[0] is not None:
            found[part] = (both[0], both[1])
        elif part in whole:
            found[part] = whole[part]
    if TRAIN not in found or strange:
        raise UsageError(
            "data_of_other_parts",
            "data as a dict must have x and y, or x_train and y_train, or train, and may have x_val and y_val or val, "
            "x_test and y_test or test, and class_names; not {keys}",
            keys=", ".join(map(str, data)) or "{}",
        )
    if names is None:
        return found, [], others
    texts = [str(name) for name in names] if isinstance(names, Sequence | np.ndarray) else []
    if not texts or isinstance(names, str):
        raise UsageError(
            "class_names_no_list", "class_names must be a list of strings, not {value}", value=shown(names)
        )
    return found, texts, others


def _may_be_groups(array: Array) -> bool:
    return array.ndim == 1 and array.dtype.kind in "buiUS"


def _is_part(value: object) -> bool:
    return items.is_data_set(value) or (isinstance(value, tuple) and len(value) == PAIR)


def _part(part: str, value: object, size: tuple[int, int] | None, listener: Listener) -> Part:
    items.refuse_streams(value)
    if items.is_data_set(value):
        x, labels = items.collected(value, size, listener)
        refuse_no_pixels(x)
        return Part(x, as_labels(labels, len(x)))
    if not isinstance(value, tuple | list) or len(value) != PAIR:
        raise no_data({part: value})
    x = _images(value[0], size, listener)
    refuse_no_pixels(x)
    return Part(x, as_labels(value[1], len(x)))


def _images(x: object, size: tuple[int, int] | None, listener: Listener) -> Array:
    """Return images [N, H, W, C]."""
    if isinstance(x, list | tuple) and x and all(is_picture(one) or is_array(one) for one in x):
        return items.stacked(x, len(x), size, listener)
    if not is_array(x) and not isinstance(x, list | tuple):
        raise _no_images(x)
    array = numbers(x)
    if array.dtype.kind == "O" and array.ndim == 1 and len(array):  # an array of Pillow's images
        return items.stacked(array.tolist(), len(array), size, listener)
    if array.dtype.kind not in "buif" or array.ndim not in (3, 4) or 0 in array.shape:
        raise _no_images(x)
    found = array[..., None] if array.ndim == 3 else channels_last(array, first=is_tensor(x))
    if found is None:
        raise _no_images(x)
    return found


def _no_images(x: object) -> UsageError:
    return UsageError(
        "x_is_no_images",
        "x must be images as numbers, [N, H, W], [N, H, W, C] or, as PyTorch has them, [N, C, H, W] with 1 or 3 "
        "channels, or a list of images, not {value}",
        value=shown(x),
    )


def refuse_no_pixels(x: Array) -> None:
    """Raise `UsageError` for images that were standardized already, or hold what is no finite number.

    What goes a little below 0, as after a bicubic resize, is left to `scales`.
    """
    finite = np.isfinite(x).reshape(len(x), -1).all(axis=1) if x.dtype.kind == "f" else np.ones(1, dtype=bool)
    if not finite.all():
        raise UsageError(
            "images_not_finite",
            "image {row} has values that are not finite (NaN or infinite); replace them, or leave such images out",
            row=int(finite.argmin()),
        )
    low, high = float(x.min()), float(x.max())
    if low < 0 and not (low >= -BEYOND and high <= 1 + BEYOND) and not (low >= -FULL * BEYOND and high > FEWEST):
        raise UsageError(
            "images_were_standardized",
            "the values of the images go from {low:g} to {high:g}; pass them unchanged, from 0 to 1 or from 0 to "
            "255: they are standardized here, so leave out Normalize and the like",
            low=low, high=high,
        )  # fmt: skip


def _in_bytes(parts: dict[str, Part]) -> dict[str, Part]:
    """Return images as bytes where that loses nothing: whole numbers up to 255, and 255ths of them."""
    xs = [part.x for part in parts.values() if part.x.dtype != np.uint8]
    if not xs or any(x.max() > FULL or x.min() < 0 for x in xs):
        return parts
    if all(x.dtype.kind in "ui" for x in xs):
        return {part: Part(found.x.astype(np.uint8), found.y) for part, found in parts.items()}
    if len(xs) < len(parts) or any(x.dtype.kind != "f" or x.max() > 1 for x in xs):
        return parts
    whole = [np.rint(x * FULL) for x in xs]
    if any(np.abs(bytes_ - x * FULL).max() > 1e-4 * FULL for bytes_, x in zip(whole, xs, strict=True)):
        return parts
    return {part: Part(x.astype(np.uint8), found.y) for (part, found), x in zip(parts.items(), whole, strict=True)}


def _groups(groups: object, images: int) -> Array:
    array: Array = numbers(groups) if is_array(groups) or isinstance(groups, list | tuple) else np.empty((0, 0))
    if array.dtype.kind == "O" and all(isinstance(one, str) for one in array.ravel()):
        array = array.astype(str)
    if array.ndim != 1 or array.dtype.kind not in "buiU":
        raise UsageError(
            "groups_of_no_kind_in_memory",
            "groups must be one whole number or string for each image, or a list or a rule (docs/data.md), not {value}",
            value=shown(groups),
        )
    if len(array) != images:
        raise UsageError(
            "groups_of_another_length_in_memory",
            "there are {count:,} groups for {images:,} images; give one for each, training first, then validation and "
            "test",
            count=len(array), images=images,
        )  # fmt: skip
    if array.dtype.kind == "U" and not np.char.str_len(array).all():
        raise UsageError(
            "empty_group", "the group of image {row} is empty; every image needs one",
            row=int(np.flatnonzero(np.char.str_len(array) == 0)[0]),
        )  # fmt: skip
    if array.dtype.kind == "U":
        array = np.array([as_seen(name) for name in array.tolist()])
    return np.unique(array, return_inverse=True)[1]  # their names matter nowhere


def _save(stream: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write an `.npz` file, with arrays of any name: `numpy.savez` has parameters, and `file` is one of them."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _written(kind: str, ending: str, arrays: Mapping[str, Array]) -> Path:
    """Return the file of that content in the cache, which is written where it is not there yet."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    folder = cache_folder().absolute() / FOLDER
    path = folder / f"{kind}-{digest.hexdigest()[:12]}{ending}"
    if path.is_file():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            if ending == ".csv":
                stream.write("".join(f"{row},{group}\n" for row, group in enumerate(arrays["groups"])).encode())
            else:
                _save(stream, arrays)
    except OSError as error:
        raise OverfitlabError(
            "arrays_cannot_be_kept",
            "the images that were passed cannot be kept in {folder} ({reason}), where worker processes and a "
            "resumed training look for them; make it writable, or name another folder with $OVERFITLAB_CACHE",
            folder=folder, reason=error.strerror or error,
        ) from error  # fmt: skip
    return path
