"""What every data source returns."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.grouping import Grouping
from overfitlab.reasons import Reason

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]
HASHED_ROWS = 4096


@dataclass(frozen=True)
class Skipped:
    """A file that was left out."""

    name: str  # printable, relative to the folder
    reason: Reason


@dataclass(frozen=True)
class Dataset:
    """Labelled images, in the order of their source, and which of them are for testing.

    `images` is uint8 [N, height, width, channels], in memory or mapped from a file, and `labels` int64 [N] with values
    from 0 to K - 1 for the K `class_names`. `test` and `validation` are rows of these arrays, ascending.
    """

    name: str
    images: Images
    labels: Labels
    class_names: tuple[str, ...]
    test: Indices
    origin: str  # where it was read from, for people
    source: str  # what to pass to `sources.load` to get it again
    official: bool  # its checksums are those of the official release
    note: Reason | None = None  # what a reader of results has to know about this copy
    test_set_apart: bool = False  # whether `test` was chosen here, because the source has no test set
    validation: Indices | None = None  # the source's own validation images, None where it leaves that to us
    image_names: Sequence[str] | None = None  # of the files, printable; None where images are not files
    skipped: Sequence[Skipped] = ()  # files that could not be read
    pixel_hash: str | None = None  # `pixel_hash(images)`, where it is known already
    notes: tuple[Reason, ...] = ()  # how the images were read, where that is not as one would expect
    white: int | None = None  # the value in 16 bits that became 255; None where no image has 16 bits
    groups: Grouping | None = None  # of images that stay in one part; it is no part of the content hash

    @cached_property
    def learning(self) -> Indices:
        """The rows that are not for testing, ascending: training and validation together."""
        return np.setdiff1d(np.arange(len(self.images), dtype=np.int64), self.test, assume_unique=True)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over pixels, labels, names of classes and parts, in hexadecimal; wherever they lie."""
        digest = hashlib.sha256(repr(self.class_names).encode())
        for array in (self.labels, self.test, self.validation):
            digest.update(b"none" if array is None else repr(array.shape).encode() + array.astype("<i8").tobytes())
        digest.update((self.pixel_hash or pixel_hash(self.images)).encode())
        return digest.hexdigest()


def pixel_hash(images: Images) -> str:
    """Return the SHA-256 over the shape and the pixels of images [N, H, W, C], in hexadecimal."""
    digest = hashlib.sha256(repr(images.shape).encode())
    for start in range(0, len(images), HASHED_ROWS):  # a mapped file may be larger than memory
        digest.update(np.ascontiguousarray(images[start : start + HASHED_ROWS]).data)
    return digest.hexdigest()
