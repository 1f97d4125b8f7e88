"""What every data source returns."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Labelled images, in the order of their source.

    `images` is uint8 [N, height, width, channels] and `labels` int64 [N] with values from 0 to K - 1 for the K
    `class_names`. `test_images` and `test_labels` are the source's own test set, None where it has none.
    """

    name: str
    images: Images
    labels: Labels
    class_names: tuple[str, ...]
    test_images: Images | None
    test_labels: Labels | None
    origin: str  # where it was read from, for people
    official: bool  # its checksums are those of the official release
    note: str = ""  # what a reader of results has to know about this copy

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over shapes, pixels and labels, in hexadecimal: equal content, equal hash, wherever it lies."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels, self.test_images, self.test_labels):
            if array is None:
                digest.update(b"none")
                continue
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
