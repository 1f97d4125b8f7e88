"""The arrays in an `.npz` file: which of them are images and labels, for which part, and their content in pieces."""

import re
import tokenize
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from overfitlab import machine
from overfitlab.data.sources.part_names import PART_NAMES, PARTS, TRAIN, VALIDATION, words_of
from overfitlab.display import display_name
from overfitlab.errors import DataError

AT_ONCE = 32 * 2**20  # bytes that are read at once
X, Y = "x", "y"
KINDS = {
    "x": X, "images": X, "image": X, "imgs": X, "data": X,
    "y": Y, "labels": Y, "label": Y, "targets": Y, "target": Y,
}  # fmt: skip
TOGETHER = re.compile(rf"([xy])({'|'.join(PART_NAMES)})|({'|'.join(PART_NAMES)})([xy])")  # xtrain, trainx
POSITIONAL = ("arr_0", "arr_1")  # what numpy.savez("FILE", x, y) calls them
NAMES_OF_CLASSES = ("class_names", "label_names", "target_names")
SHOWN = 12  # names in a message
FORTRAN_SHARE = 0.4  # of the free memory that an array which must be turned may take


@dataclass(frozen=True)
class Array:
    """An array in the archive, not yet read."""

    member: str
    name: str  # as it was saved
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool  # stored column by column

    @property
    def shown(self) -> str:
        """The name for messages."""
        return display_name(self.name)


@dataclass(frozen=True)
class Members:
    """What the file holds: images and labels by part, names of classes, and names of what is not understood."""

    pairs: dict[str, tuple[Array, Array]]
    class_names: Array | None
    unused: tuple[str, ...]


def members(archive: zipfile.ZipFile, shown: str) -> Members:
    """Return what the archive holds; refuses what numpy.savez does not write, and everything that needs pickle."""
    files = [info for info in archive.infolist() if info.filename and not info.is_dir()]  # a broken one has no name
    infos = {info.filename.removesuffix(".npy"): info for info in files}
    meant: dict[tuple[str, str], list[str]] = {}
    for name in sorted(infos):
        if (said := meaning(name)) is not None:
            meant.setdefault(said, []).append(name)
    if not meant and set(infos) == set(POSITIONAL):
        meant = {(TRAIN, X): [POSITIONAL[0]], (TRAIN, Y): [POSITIONAL[1]]}
    _refuse_unpaired(meant, sorted(infos), shown)
    pairs = {}
    for part in PARTS:
        if (part, X) in meant:
            pairs[part] = (
                _array(archive, infos[meant[part, X][0]], shown),
                _array(archive, infos[meant[part, Y][0]], shown),
            )
    texts = next((name for name in NAMES_OF_CLASSES if name in infos), None)
    used = {array.name for pair in pairs.values() for array in pair} | {texts}
    return Members(
        pairs,
        None if texts is None else _array(archive, infos[texts], shown),
        tuple(display_name(name) for name in sorted(infos) if name not in used),
    )


def listed(names: Sequence[str]) -> str:
    """Return names for a message, a dozen at most."""
    return ", ".join(display_name(name) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def meaning(name: str) -> tuple[str, str] | None:
    """Return the part that a name speaks of and whether it means images or labels; None where it says neither."""
    words = words_of(name)
    if len(words) == 1 and (together := TOGETHER.fullmatch(words[0])) is not None:
        words = [word for word in together.groups() if word]
    kinds = {KINDS[word] for word in words if word in KINDS}
    parts = {PART_NAMES[word] for word in words if word in PART_NAMES}
    if len(kinds) != 1 or len(parts) > 1 or any(word not in KINDS and word not in PART_NAMES for word in words):
        return None
    return (parts.pop() if parts else TRAIN), kinds.pop()


def _refuse_unpaired(meant: dict[tuple[str, str], list[str]], names: list[str], shown: str) -> None:
    for same in meant.values():
        if len(same) > 1:
            raise DataError(
                "npz_arrays_mean_the_same", "{file} has {arrays}, which mean the same; keep only one of them",
                file=shown, arrays=listed(same),
            )  # fmt: skip
    if (TRAIN, X) not in meant or (TRAIN, Y) not in meant:
        if not names:
            raise DataError(
                "npz_holds_nothing", "{file} needs the arrays x and y (or x_train and y_train), but it is empty",
                file=shown,
            )  # fmt: skip
        raise DataError(
            "npz_without_x_and_y",
            "{file} needs the arrays x and y (or x_train and y_train); it holds {arrays}; save them under those names: "
            "numpy.savez(FILE, x=images, y=labels)",
            file=shown, arrays=listed(names),
        )  # fmt: skip
    for part in PARTS:
        for kind, other in ((X, Y), (Y, X)):
            if (part, kind) in meant and (part, other) not in meant:
                raise DataError(
                    "npz_array_alone", "{file} holds {array} but no {missing}; add it, or leave {array} out",
                    file=shown, array=display_name(meant[part, kind][0]),
                    missing=f"{other}_{'val' if part == VALIDATION else part}",
                )  # fmt: skip


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str) -> Array:
    name = info.filename.removesuffix(".npy")
    try:
        with archive.open(info) as stream:
            shape, fortran, dtype = _header(stream)
            start = stream.tell()
    except (ValueError, TypeError, SyntaxError, RecursionError, tokenize.TokenError) as error:
        raise DataError(
            "npz_array_unreadable", "{file}: {array} is damaged or not an array ({reason})",
            file=shown, array=name, reason=error,
        ) from error  # fmt: skip
    if dtype.hasobject:
        raise DataError(
            "npz_holds_objects",
            "{file}: {array} holds Python objects (pickles), which are never loaded; save it as numbers",
            file=shown, array=name,
        )  # fmt: skip
    size = int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
    if size != info.file_size - start:
        raise DataError(
            "npz_array_damaged", "{file}: {array} is damaged; save it again with numpy.savez", file=shown, array=name
        )
    turned = fortran and len(shape) > 1
    free = machine.available_memory_mb()
    if turned and free is not None and size > FORTRAN_SHARE * free * 2**20:
        raise DataError(
            "npz_in_fortran_order",
            "{file}: {array} is stored in Fortran order, and its {megabytes:,} MB are too many to convert in "
            "memory; save it again: numpy.savez(FILE, x=numpy.ascontiguousarray(x), ...)",
            file=shown, array=name, megabytes=size // 2**20,
        )  # fmt: skip
    return Array(info.filename, name, shape, dtype, turned)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"format {version}")
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype


def chunks(archive: zipfile.ZipFile, array: Array, shown: str) -> Iterator[NDArray[Any]]:
    """Yield the array a few rows at a time; the end of the stream checks the archive's CRC."""
    row_bytes = max(1, int(np.prod(array.shape[1:], dtype=np.int64))) * array.dtype.itemsize
    at_once = max(1, AT_ONCE // row_bytes)
    with archive.open(array.member) as stream:
        if array.fortran:
            whole = npy.read_array(stream, allow_pickle=False)
            stream.read(1)
            for start in range(0, array.shape[0], at_once):
                yield np.ascontiguousarray(whole[start : start + at_once])
            return
        _header(stream)
        for start in range(0, array.shape[0], at_once):
            count = min(at_once, array.shape[0] - start)
            content = stream.read(count * row_bytes)
            if len(content) != count * row_bytes:
                raise DataError(
                    "npz_ends_early", "{file} is damaged: it ends too early; save it again with numpy.savez", file=shown
                )
            yield np.frombuffer(content, array.dtype).reshape(count, *array.shape[1:])
        stream.read(1)
