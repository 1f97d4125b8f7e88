"""Batches of standardized images, gathered into memory that is used again and again."""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from overfitlab.data.dataset import Images, Indices, Labels
from overfitlab.data.prepare.standardize import Standardization


class BatchSource:
    """Turns rows of a dataset into batches.

    The images stay uint8 until they are needed, a quarter of the memory and of the traffic of float32. A batch is
    valid until the next one is made: all share one buffer.
    """

    def __init__(
        self,
        images: Images,
        labels: Labels,
        standardization: Standardization,
        *,
        largest_batch: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._shape = images.shape[1:]
        height, width, channels = self._shape
        with warnings.catch_warnings():  # images in a mapped file cannot be written to, and nobody does
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._pixels = torch.from_numpy(images.reshape(len(images), -1))
        self._labels = torch.from_numpy(labels)
        self._mean = torch.from_numpy(standardization.mean).to(dtype)
        self._std = torch.from_numpy(standardization.std).to(dtype)
        self._raw = torch.empty(largest_batch, height * width * channels, dtype=torch.uint8)
        self._standardized = torch.empty(largest_batch, height, width, channels, dtype=dtype)

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images of those rows, standardized [B, C, H, W] in channels-last memory, and labels [B]."""
        raw = self._raw[: len(rows)]
        x = self._standardized[: len(rows)]
        torch.index_select(self._pixels, 0, rows, out=raw)
        x.copy_(raw.view(x.shape)).sub_(self._mean).div_(self._std)
        return x.permute(0, 3, 1, 2), self._labels[rows]

    def in_order(self, rows: Indices, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches over `rows` in that order, the last, partial one included."""
        indices = torch.from_numpy(np.ascontiguousarray(rows))
        for start in range(0, len(indices), batch_size):
            yield self.gather(indices[start : start + batch_size])
