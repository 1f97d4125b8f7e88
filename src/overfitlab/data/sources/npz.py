"""Images in an `.npz` file, as NumPy's `savez` writes it.

Read a part at a time, so that the file may be larger than memory, and never through pickle. It holds `x` and `y`, or
`x_train` and `y_train` as Keras names them, and where there are such parts `x_val`, `y_val`, `x_test`, `y_test`; and
`class_names`, if you like.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE
from overfitlab.data.dataset import Dataset, Images
from overfitlab.data.prepare.cache import Recipe, cached
from overfitlab.data.prepare.images import resized
from overfitlab.data.sources.layout import TEST, TRAIN, VALIDATION
from overfitlab.data.sources.parts import assembled
from overfitlab.display import display_name
from overfitlab.errors import DataError
from overfitlab.events import Listener
from overfitlab.reasons import reason

ARRAYS = {TRAIN: (("x", "y"), ("x_train", "y_train")), VALIDATION: (("x_val", "y_val"),), TEST: (("x_test", "y_test"),)}
AT_ONCE = 32 * 2**20  # bytes that are read at once
LARGEST_LABELS = 10**7  # labels in one array
LARGEST_LABEL_BYTES = 2**28
LARGEST_PIXELS = 2**26  # bytes of one image


@dataclass(frozen=True)
class _Array:
    """An array in the archive, not yet read."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def load(path: Path, image_size: tuple[int, int] | None, listener: Listener, *, trainable: bool = True) -> Dataset:
    """Return the images of the file, resized to `image_size` (height, width) where it is not None.

    `x` is [N, H, W], [N, H, W, 1] or [N, H, W, 3]: whole numbers from 0 to 255, or floating-point numbers from 0 to 1
    or from 0 to 255, which are rounded to whole ones. `y` is [N] or [N, 1]: whole numbers or texts, one for each class.
    Raises `DataError` where the file holds something else, or what cannot be trained on if it is to be (`trainable`).
    """
    shown = display_name(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _load(archive, path, shown, image_size, listener, trainable)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise DataError(
            "npz_damaged", "{file} is damaged or no .npz file ({reason}); save it anew with numpy.savez",
            file=shown, reason=error,
        ) from error  # fmt: skip
    except OSError as error:
        raise DataError(
            "npz_unreadable", "{file} cannot be read ({reason})", file=shown, reason=error.strerror or error
        ) from error


def _load(
    archive: zipfile.ZipFile,
    path: Path,
    shown: str,
    image_size: tuple[int, int] | None,
    listener: Listener,
    trainable: bool,
) -> Dataset:
    arrays = _headers(archive, shown)
    pairs = {
        part: next(((arrays[x], arrays[y]) for x, y in names if x in arrays and y in arrays), None)
        for part, names in ARRAYS.items()
    }
    if pairs[TRAIN] is None:
        if not arrays:
            raise DataError(
                "npz_holds_nothing", "{file} needs the arrays x and y (or x_train and y_train); it holds nothing",
                file=shown,
            )  # fmt: skip
        raise DataError(
            "npz_without_x_and_y", "{file} needs the arrays x and y (or x_train and y_train); it holds {arrays}",
            file=shown, arrays=", ".join(sorted(arrays)),
        )  # fmt: skip
    present = {part: pair for part, pair in pairs.items() if pair is not None}
    native = {_image_shape(x, shown) for x, _ in present.values()}
    if len(native) > 1:
        raise DataError(
            "npz_of_different_shapes", "the parts of {file} hold images of different shapes: {shapes}",
            file=shown, shapes=sorted(native),
        )  # fmt: skip
    height, width, channels = next(iter(native))
    size = image_size or (height, width)
    if not all(SMALLEST_IMAGE <= side <= LARGEST_IMAGE for side in size):
        raise DataError(
            "npz_needs_image_size",
            "the images of {file} have {height}x{width} pixels; choose an --image-size from {low} to {high}",
            file=shown, height=height, width=width, low=SMALLEST_IMAGE, high=LARGEST_IMAGE,
        )  # fmt: skip
    labels, parts = _labels(archive, present, shown)
    names, codes = np.unique(labels, return_inverse=True)
    if trainable and len(names) == 1:
        raise DataError(
            "one_class_only", "{place} has one class only, {name}; at least two are needed",
            place=shown, name=str(names[0]),
        )  # fmt: skip
    class_names = _class_names(archive, arrays, names, shown)
    status = path.stat()
    recipe = Recipe(
        f"{path.resolve()} {size[0]}x{size[1]}",
        f"{status.st_size} {status.st_mtime_ns}",
        len(labels),
        (*size, channels),
    )
    found = cached(
        recipe, reason("reading_images", images=len(labels)), _images(archive, present, size, shown), listener
    )
    return assembled(
        found.images,
        codes.astype(np.int64),
        parts,
        class_names,
        set(present),
        trainable=trainable,
        name=display_name(path.stem),
        origin=shown,
        source=str(path.absolute()),
        official=False,
        pixel_hash=found.pixel_hash,
    )


def _headers(archive: zipfile.ZipFile, shown: str) -> dict[str, _Array]:
    """Return the arrays by name; refuses what numpy.savez does not write, and everything that needs pickle."""
    arrays = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        known = {name for pairs in ARRAYS.values() for pair in pairs for name in pair} | {"class_names"}
        if name not in known:
            continue
        try:
            with archive.open(info) as stream:
                shape, fortran, dtype = _header(stream)
                start = stream.tell()
        except (ValueError, TypeError, SyntaxError, RecursionError, tokenize.TokenError) as error:
            raise DataError(
                "npz_array_unreadable", "{file}: {array} is damaged or no array ({reason})",
                file=shown, array=name, reason=error,
            ) from error  # fmt: skip
        if dtype.hasobject:
            raise DataError(
                "npz_holds_objects",
                "{file}: {array} holds Python objects (pickles), which are never loaded; save it as numbers",
                file=shown, array=name,
            )  # fmt: skip
        size = int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
        if fortran and (len(shape) > 1 or size != info.file_size - start):
            raise DataError(
                "npz_in_fortran_order", "{file}: {array} is stored in Fortran order; save it anew with numpy.savez",
                file=shown, array=name,
            )  # fmt: skip
        if size != info.file_size - start:
            raise DataError(
                "npz_array_damaged", "{file}: {array} is damaged; save it anew with numpy.savez", file=shown, array=name
            )
        arrays[name] = _Array(info.filename, shape, dtype)
    return arrays


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"format {version}")
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype


def _image_shape(x: _Array, shown: str) -> tuple[int, int, int]:
    shape = (*x.shape, 1) if len(x.shape) == 3 else x.shape
    if len(shape) != 4 or shape[3] not in (1, 3) or 0 in shape:
        raise DataError(
            "x_of_another_shape", "{file}: x must be [N, H, W], [N, H, W, 1] or [N, H, W, 3], not {shape}",
            file=shown, shape=list(x.shape),
        )  # fmt: skip
    if x.dtype.kind not in "buif" or int(np.prod(shape[1:])) * x.dtype.itemsize > LARGEST_PIXELS:
        raise DataError(
            "x_of_no_images", "{file}: x must hold images as numbers, not {dtype} {shape}",
            file=shown, dtype=x.dtype, shape=list(x.shape),
        )  # fmt: skip
    return shape[1], shape[2], shape[3]


def _labels(
    archive: zipfile.ZipFile, present: dict[str, tuple[_Array, _Array]], shown: str
) -> tuple[NDArray[Any], list[str]]:
    """Return the labels of all parts in a row, and the part of each."""
    labels, parts = [], []
    for part, (x, y) in present.items():
        flat = y.shape == (x.shape[0],) or y.shape == (x.shape[0], 1)
        if (
            not flat
            or y.dtype.kind not in "buiU"
            or x.shape[0] > LARGEST_LABELS
            or y.dtype.itemsize * x.shape[0] > LARGEST_LABEL_BYTES
        ):
            raise DataError(
                "y_of_no_labels",
                "{file}: y must hold one whole number or text for each image of x, not {dtype} {shape} for {images:,} "
                "images",
                file=shown, dtype=y.dtype, shape=list(y.shape), images=x.shape[0],
            )  # fmt: skip
        found = np.concatenate(list(_chunks(archive, y, shown))).ravel()
        labels.append(found if found.dtype.kind == "U" else _whole(found, shown))
        parts += [part] * x.shape[0]
    if len({array.dtype.kind == "U" for array in labels}) > 1:
        raise DataError(
            "labels_of_two_kinds", "{file}: the labels are numbers in one part and texts in another", file=shown
        )
    return np.concatenate(labels), parts


def _whole(labels: NDArray[Any], shown: str) -> NDArray[np.int64]:
    """Return labels of any kind of whole numbers as int64; mixed kinds would become floating-point numbers."""
    if labels.dtype.kind == "u" and labels.max() > np.iinfo(np.int64).max:
        raise DataError(
            "labels_too_large", "{file}: y holds numbers beyond 2**63; number the classes from 0", file=shown
        )
    return labels.astype(np.int64)


def _class_names(
    archive: zipfile.ZipFile, arrays: dict[str, _Array], labels: NDArray[Any], shown: str
) -> tuple[str, ...]:
    """Return the names of the classes: those in `class_names`, counted from label 0, else the labels themselves."""
    given = arrays.get("class_names")
    if given is None or labels.dtype.kind == "U":
        return tuple(display_name(str(label)) for label in labels)
    if given.dtype.kind != "U" or len(given.shape) != 1 or given.dtype.itemsize > 1024:
        raise DataError("class_names_are_no_texts", "{file}: class_names must be an array of texts", file=shown)
    names = np.concatenate(list(_chunks(archive, given, shown)))
    if labels.min() < 0 or labels.max() >= len(names):
        raise DataError(
            "class_names_do_not_fit", "{file}: class_names has {names} names, but y goes from {first} to {last}",
            file=shown, names=len(names), first=int(labels[0]), last=int(labels[-1]),
        )  # fmt: skip
    return tuple(display_name(str(names[int(label)])) for label in labels)


def _images(
    archive: zipfile.ZipFile, present: dict[str, tuple[_Array, _Array]], size: tuple[int, int], shown: str
) -> Iterator[Images]:
    factor = _factor(archive, [x for x, _ in present.values() if x.dtype != np.uint8], shown)
    for x, _ in present.values():
        for chunk in _chunks(archive, x, shown):
            pixels = chunk if chunk.dtype == np.uint8 else np.rint(chunk * factor).astype(np.uint8)
            for image in pixels.reshape(len(pixels), *_image_shape(x, shown)):
                yield resized(image, size)


def _factor(archive: zipfile.ZipFile, arrays: list[_Array], shown: str) -> float:
    """Return what makes the values of these arrays, all parts together, go from 0 to 255."""
    low, high = 0.0, 0.0
    for x in arrays:
        for chunk in _chunks(archive, x, shown):
            low, high = float(np.minimum(low, chunk.min())), float(np.maximum(high, chunk.max()))
    if not (low >= 0 and high <= 255):  # also where one of them is not a number
        raise DataError(
            "x_out_of_range",
            "{file}: the values of x go from {low:g} to {high:g}; they must go from 0 to 1, or from 0 to 255",
            file=shown, low=low, high=high,
        )  # fmt: skip
    fractions = any(x.dtype.kind == "f" for x in arrays) or all(x.dtype.kind == "b" for x in arrays)
    return 255.0 if fractions and high <= 1 else 1.0


def _chunks(archive: zipfile.ZipFile, array: _Array, shown: str) -> Iterator[NDArray[Any]]:
    """Yield the array a few rows at a time; the end of the stream checks the archive's CRC."""
    row_bytes = max(1, int(np.prod(array.shape[1:], dtype=np.int64))) * array.dtype.itemsize
    at_once = max(1, AT_ONCE // row_bytes)
    with archive.open(array.name) as stream:
        _header(stream)
        for start in range(0, array.shape[0], at_once):
            count = min(at_once, array.shape[0] - start)
            content = stream.read(count * row_bytes)
            if len(content) != count * row_bytes:
                raise DataError(
                    "npz_ends_early", "{file} is damaged: it ends too early; save it anew with numpy.savez", file=shown
                )
            yield np.frombuffer(content, array.dtype).reshape(count, *array.shape[1:])
        stream.read(1)
