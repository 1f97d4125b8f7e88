"""Images in an `.npz` file, as NumPy's `savez` writes it.

Read a part at a time, so that the file may be larger than memory, and never through pickle. It holds `x` and `y`, or
`x_train` and `y_train` as Keras names them, and where there are such parts `x_val`, `y_val`, `x_test`, `y_test`; and
`class_names`, if you like. Names that mean the same are taken, too: `train_images`, `X_test`, `labels` (npz_members).
"""

import math
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE
from overfitlab.data.dataset import Dataset, Images
from overfitlab.data.prepare.cache import Findings, Recipe, cached
from overfitlab.data.prepare.images import resized
from overfitlab.data.prepare.unreadable import beginning, pointer_of
from overfitlab.data.sources import scales
from overfitlab.data.sources.npz_members import Array, Members, chunks, listed, members
from overfitlab.data.sources.parts import assembled
from overfitlab.display import as_seen, display_name
from overfitlab.errors import DataError
from overfitlab.events import Listener
from overfitlab.reasons import reason

NPY = b"\x93NUMPY"  # how a file of numpy.save begins
LARGEST_LABELS = 10**7  # labels in one array
LARGEST_LABEL_BYTES = 2**28
LARGEST_PIXELS = 2**26  # bytes of one image
Pairs = dict[str, tuple[Array, Array]]


def load(
    path: Path,
    image_size: tuple[int, int] | None,
    listener: Listener,
    *,
    trainable: bool = True,
    white: int | None = None,
    used: Collection[str] = (),
) -> Dataset:
    """Return the images of the file, resized to `image_size` (height, width) where it is not None.

    `x` is [N, H, W], [N, H, W, 1] or [N, H, W, 3]: whole numbers from 0 to 255 or of up to 16 bits, or floating-point
    numbers from 0 to 1 or from 0 to 255, which are rounded to 256 levels (`scales`); of more than 8 bits `white`
    becomes 255, None for the last level of those that they need. `y` is [N] or [N, 1]: whole numbers or texts, one for
    each class. Raises `DataError` where the file holds something else, or what cannot be trained on if it is to be
    (`trainable`). Arrays that are `used` otherwise, for groups, are not said to be unknown.
    """
    shown = display_name(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _load(archive, path, shown, image_size, listener, trainable, white, used)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        pointer = pointer_of(beginning(path))
        if pointer is not None:
            raise DataError("npz_not_fetched", "{file}: {reason}", file=shown, reason=pointer) from None
        if beginning(path).startswith(NPY):
            raise DataError(
                "npz_is_one_array", "{file} is a single array (.npy) and not an .npz file; save images and labels "
                "together: numpy.savez(FILE, x=images, y=labels)",
                file=shown,
            ) from None  # fmt: skip
        raise DataError(
            "npz_damaged", "{file} is damaged or not an .npz file ({reason}); save it again with numpy.savez",
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
    white: int | None,
    used: Collection[str],
) -> Dataset:
    holds = members(archive, shown)
    native = {_image_shape(x, y, shown) for x, y in holds.pairs.values()}
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
    labels, parts = _labels(archive, holds.pairs, shown)
    names, codes = np.unique(labels, return_inverse=True)
    if trainable and len(names) == 1:
        raise DataError(
            "one_class_only", "{place} has one class only, {name}; at least two are needed",
            place=shown, name=str(names[0]),
        )  # fmt: skip
    class_names = _class_names(archive, holds, names, shown)
    status = path.stat()
    recipe = Recipe(
        f"{path.resolve()} {size[0]}x{size[1]}" + ("" if white is None else f" white {white}"),
        f"{status.st_size} {status.st_mtime_ns}",
        len(labels),
        (*size, channels),
    )
    findings = Findings()
    found = cached(
        recipe, reason("reading_images", images=len(labels)),
        _images(archive, [x for x, _ in holds.pairs.values()], (height, width, channels), size, shown, white, findings),
        listener, findings,
    )  # fmt: skip
    strange = [name for name in holds.unused if name not in used]
    unused = [reason("npz_arrays_not_used", arrays=listed(strange))] if strange else []
    return assembled(
        found.images,
        codes.astype(np.int64),
        parts,
        class_names,
        set(holds.pairs),
        trainable=trainable,
        name=display_name(path.stem),
        origin=shown,
        source=str(path.absolute()),
        official=False,
        pixel_hash=found.pixel_hash,
        notes=(*unused, *found.notes),
        white=found.white,
    )


def _image_shape(x: Array, y: Array, shown: str) -> tuple[int, int, int]:
    """Return height, width and channels; where the axes stand otherwise, say how to save them."""
    shape = (*x.shape, 1) if len(x.shape) == 3 else x.shape
    stacked_last = len(shape) == 4 and y.shape[:1] == x.shape[-1:] != x.shape[:1]  # [H, W, C, N] of MATLAB
    if len(shape) != 4 or shape[3] not in (1, 3) or 0 in shape or stacked_last:
        about = {"file": shown, "array": x.shown, "shape": list(x.shape)}
        instead = _instead(x, stacked_last=stacked_last)
        if instead is not None and 0 not in shape:
            raise DataError(
                "x_to_be_turned",
                "{file}: {array} must be [N, H, W], [N, H, W, 1] or [N, H, W, 3], not {shape}; save {instead} "
                "instead",
                instead=instead, **about,
            )  # fmt: skip
        raise DataError(
            "x_of_another_shape", "{file}: {array} must be [N, H, W], [N, H, W, 1] or [N, H, W, 3], not {shape}",
            **about,
        )  # fmt: skip
    if x.dtype.kind not in "buif" or int(np.prod(shape[1:])) * x.dtype.itemsize > LARGEST_PIXELS:
        raise DataError(
            "x_of_no_images", "{file}: {array} must hold images as numbers, not {dtype} {shape}",
            file=shown, array=x.shown, dtype=x.dtype, shape=list(x.shape),
        )  # fmt: skip
    return shape[1], shape[2], shape[3]


def _instead(x: Array, *, stacked_last: bool) -> str | None:
    """Return what to save instead of an array whose axes stand otherwise, in NumPy; None where it is unclear."""
    name, shape = x.shown, x.shape
    if stacked_last:
        return f"numpy.moveaxis({name}, -1, 0)"
    if len(shape) == 4 and shape[1] in (1, 3):
        return f"{name}.transpose(0, 2, 3, 1)"
    if len(shape) == 4 and shape[3] == 4:
        return f"{name}[..., :3]"
    if len(shape) == 2:  # an image a row
        for channels, ending in ((1, ""), (3, ", 3")):
            side = math.isqrt(shape[1] // channels)
            if side >= SMALLEST_IMAGE and side * side * channels == shape[1]:
                return f"{name}.reshape(-1, {side}, {side}{ending})"
    return None


def _labels(archive: zipfile.ZipFile, pairs: Pairs, shown: str) -> tuple[NDArray[Any], list[str]]:
    """Return the labels of all parts in a row, and the part of each."""
    labels, parts = [], []
    for part, (x, y) in pairs.items():
        flat = y.shape == (x.shape[0],) or y.shape == (x.shape[0], 1)
        bounded = x.shape[0] <= LARGEST_LABELS and y.dtype.itemsize * math.prod(y.shape) <= LARGEST_LABEL_BYTES
        found = np.concatenate(list(chunks(archive, y, shown))) if bounded and y.shape and y.shape[0] else None
        if found is not None and not flat and _one_hot(found, x.shape[0]):
            raise DataError(
                "y_of_one_hot", "{file}: {array} has a column for each class; save {array}.argmax(axis=1) instead",
                file=shown, array=y.shown,
            )  # fmt: skip
        plain = None if found is None or not flat else _plain(found.ravel(), shown)
        if plain is None:
            raise DataError(
                "y_of_no_labels",
                "{file}: {array} must have one whole number or string for each image of {images_array}, not "
                "{dtype} {shape} for {images:,} images",
                file=shown, array=y.shown, images_array=x.shown, dtype=y.dtype, shape=list(y.shape), images=x.shape[0],
            )  # fmt: skip
        labels.append(plain)
        parts += [part] * x.shape[0]
    if len({array.dtype.kind == "U" for array in labels}) > 1:
        raise DataError(
            "labels_of_two_kinds", "{file}: the labels are numbers in one part and strings in another", file=shown
        )
    return np.concatenate(labels), parts


def _one_hot(found: NDArray[Any], images: int) -> bool:
    if found.ndim != 2 or len(found) != images or found.shape[1] < 2 or found.dtype.kind not in "buif":
        return False
    return bool(np.isin(found, (0, 1)).all() and (found.sum(axis=1) == 1).all())


def _plain(labels: NDArray[Any], shown: str) -> NDArray[Any] | None:
    """Return labels as int64 or texts, texts as they are seen (`as_seen`); None where they are neither.

    Mixed kinds of whole numbers would become floating-point numbers.
    """
    labels = np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
    kind = labels.dtype.kind
    if kind == "U":
        seen, codes = np.unique(labels, return_inverse=True)
        return np.array([as_seen(str(text)) for text in seen])[codes]
    if kind == "f" and bool((labels == np.rint(labels)).all()) and bool((np.abs(labels) < 2**53).all()):
        return labels.astype(np.int64)  # as they come out of tables
    if kind not in "bui":
        return None
    if kind == "u" and labels.max() > np.iinfo(np.int64).max:
        raise DataError(
            "labels_too_large", "{file}: y holds numbers beyond 2**63; number the classes from 0", file=shown
        )
    return labels.astype(np.int64)


def _class_names(archive: zipfile.ZipFile, holds: Members, labels: NDArray[Any], shown: str) -> tuple[str, ...]:
    """Return the names of the classes: those in `class_names`, counted from label 0, else the labels themselves."""
    given = holds.class_names
    if given is None or labels.dtype.kind == "U":
        return tuple(display_name(str(label)) for label in labels)
    if given.dtype.kind != "U" or len(given.shape) != 1 or given.dtype.itemsize > 1024:
        raise DataError(
            "class_names_are_no_texts", "{file}: {array} must be an array of strings", file=shown, array=given.shown
        )
    names = np.concatenate(list(chunks(archive, given, shown)))
    if labels.min() < 0 or labels.max() >= len(names):
        raise DataError(
            "class_names_do_not_fit", "{file}: {array} has {names} names, but y goes from {first} to {last}",
            file=shown, array=given.shown, names=len(names), first=int(labels[0]), last=int(labels[-1]),
        )  # fmt: skip
    return tuple(display_name(as_seen(str(names[int(label)]))) for label in labels)


def _images(
    archive: zipfile.ZipFile,
    arrays: list[Array],
    shape: tuple[int, int, int],
    size: tuple[int, int],
    shown: str,
    white: int | None,
    findings: Findings,
) -> Iterator[Images]:
    def read(array: Array) -> Iterator[NDArray[Any]]:
        return chunks(archive, array, shown)

    factors = scales.factors(arrays, read, shown, white, findings)
    for pixels in scales.as_bytes(arrays, factors, read, shown, findings, given=white is not None):
        for image in pixels.reshape(len(pixels), *shape):
            yield resized(image, size)
