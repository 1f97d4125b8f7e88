"""Per-channel standardization: (x - mean) / standard deviation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Images, Indices

COUNTED_VALUES = 2**22  # at once: bincount makes an int64 copy


@dataclass(frozen=True)
class Standardization:
    """Mean and population standard deviation per channel, float64 [C], in units of the raw pixel values."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def channel_statistics(images: Images, rows: Indices) -> Standardization:
    """Return the statistics of those rows of uint8 images [N, H, W, C].

    They come from the exact counts of the 256 values, so they need no floating-point copy of the images. A channel
    that never varies gets a standard deviation of 1, which leaves it at zero instead of dividing by it.
    """
    values = np.arange(256, dtype=np.float64)
    channels = images.shape[-1]
    counts = np.zeros((channels, 256))
    ascending = np.sort(rows)  # a mapped file is read in one direction
    at_once = max(1, COUNTED_VALUES // images[0].size)
    for start in range(0, len(ascending), at_once):
        some = images[ascending[start : start + at_once]]
        for channel in range(channels):
            counts[channel] += np.bincount(some[..., channel].ravel(), minlength=256)
    means, stds = [], []
    for of_channel in counts:
        mean = of_channel @ values / of_channel.sum()
        variance = of_channel @ (values - mean) ** 2 / of_channel.sum()
        means.append(mean)
        stds.append(np.sqrt(variance) if variance > 0 else 1.0)
    return Standardization(mean=np.array(means), std=np.array(stds))
