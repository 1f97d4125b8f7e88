"""What a trained run is to look at, as it was handed in: files, Pillow's images, arrays, tensors, or several."""

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from overfitlab.data.dataset import Images
from overfitlab.data.prepare.images import from_pillow, resized
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.data.sources.pictures import CHANNELS, Array, channels_last, is_array, is_picture, is_tensor, numbers
from overfitlab.errors import UsageError
from overfitlab.inference.levels import on_the_scale
from overfitlab.inference.pictures import Unreadable, as_channels, expand, scaled
from overfitlab.inference.trained import Trained
from overfitlab.reasons import Reason
from overfitlab.values import shown

Given: TypeAlias = Any  # paths, Pillow's images, arrays, tensors; one or several
Entry = Path | Unreadable | int


@dataclass(frozen=True)
class Taken:
    """What to look at, in its order: files, or the numbers of those `images` [M, H, W, C] that are in memory."""

    entries: list[Entry]
    images: Images

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def has_files(self) -> bool:
        """Whether any of it is a file."""
        return any(not isinstance(entry, int) for entry in self.entries)

    def stretches(self) -> Iterator[tuple[list[Path | Unreadable], Images, list[str]]]:
        """Yield what stands together: files and no images, or images with their names and no files."""
        numbered = enumerate(self.entries)
        for in_memory, some in itertools.groupby(numbered, key=lambda pair: isinstance(pair[1], int)):
            stretch = list(some)
            if in_memory:
                places = [entry for _, entry in stretch if isinstance(entry, int)]
                yield [], self.images[places], [f"image {position}" for position, _ in stretch]
            else:
                yield [entry for _, entry in stretch if not isinstance(entry, int)], self.images[:0], []


def taken(trained: Trained, given: Given) -> Taken:
    """Return what was handed in, as the run's network wants it.

    Pillow's images and files are resized and converted as in training; so are arrays, whose values are on the scale of
    the training images if they are whole numbers, and shares of white if they are fractions from 0 to 1. Raises
    `UsageError` for anything else.
    """
    entries: list[Entry] = []
    images: list[Images] = []

    def add(some: Images) -> None:
        start = sum(map(len, images))
        images.append(some)
        entries.extend(range(start, start + len(some)))

    for position, one in enumerate(_listed(given)):
        if isinstance(one, str | os.PathLike) and isinstance(os.fspath(one), str):
            entries.extend(expand([os.fspath(one)]))
        elif is_picture(one):
            try:
                add(_of_pillow(trained, one))
            except UnreadableImageError as error:
                entries.append(Unreadable(f"image {position}", Reason.of(error)))
        elif is_array(one):
            add(_of_array(trained, one))
        else:
            raise UsageError(
                "nothing_to_look_at",
                "images must be files or folders, Pillow images, or arrays and tensors, one or several, not {value}",
                value=shown(one),
            )
    none = np.empty((0, *trained.image_shape), dtype=np.uint8)
    return Taken(entries, np.concatenate([none, *images]))


def _listed(given: Given) -> list[object]:
    """Return one or several as a list."""
    if isinstance(given, list | tuple):
        return list(given)
    single = isinstance(given, str | bytes | os.PathLike | dict) or is_picture(given) or is_array(given)
    if single or not isinstance(given, Iterable):
        return [given]
    return list(given)


def _of_pillow(trained: Trained, image: Any) -> Images:
    height, width, channels = trained.image_shape
    return scaled(from_pillow(image, (height, width), channels, trained.white), trained.brightest)[None]


def _of_array(trained: Trained, given: object) -> Images:
    """Return one array as images [N, H, W, C] of the run's size and channels."""
    height, width, channels = trained.image_shape
    array = numbers(given)
    found = _in_four_dimensions(array, channels, tensor=is_tensor(given))
    if found is None or array.dtype.kind not in "buif":
        raise UsageError(
            "arrays_of_another_kind",
            "arrays of images must be [H, W, C] or [N, H, W, C], or have the 1 or 3 channels first, as {folder} was "
            "trained on {height}x{width}x{channels}; not {found}",
            height=height, width=width, channels=channels, folder=trained.run.folder, found=shown(given),
        )  # fmt: skip
    if not len(found):
        return np.empty((0, *trained.image_shape), dtype=np.uint8)
    levels = on_the_scale(found, trained.brightest, trained.run.own.data.white)
    pixels = as_channels(levels, channels)
    return np.stack([resized(np.ascontiguousarray(image), (height, width)) for image in pixels])


def _in_four_dimensions(array: Array, channels: int, *, tensor: bool) -> Array | None:
    """Return images [N, H, W, C], None where it is none; three dimensions are one image, or several gray ones."""
    if 0 in array.shape[1:]:
        return None
    if array.ndim == 2:
        return array[None, ..., None]
    if array.ndim == 3:
        several = channels == 1 and array.shape[-1] not in CHANNELS and not (tensor and array.shape[0] == 1)
        one = None if several else channels_last(array, first=tensor)
        return array[..., None] if one is None else one[None]
    return channels_last(array, first=tensor) if array.ndim == 4 else None
