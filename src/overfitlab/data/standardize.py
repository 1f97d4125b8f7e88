"""Per-channel standardization: (x - mean) / standard deviation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Images


@dataclass(frozen=True)
class Standardization:
    """Mean and population standard deviation per channel, float64 [C], in units of the raw pixel values."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def channel_statistics(images: Images) -> Standardization:
    """Return the statistics of uint8 images [N, H, W, C].

    They come from the exact counts of the 256 values, so they need no floating-point copy of the images. A channel
    that never varies gets a standard deviation of 1, which leaves it at zero instead of dividing by it.
    """
    values = np.arange(256, dtype=np.float64)
    means, stds = [], []
    for channel in range(images.shape[-1]):
        counts = np.zeros(256)
        for start in range(0, len(images), 1000):  # bincount makes an int64 copy: keep it small
            counts += np.bincount(images[start : start + 1000, ..., channel].ravel(), minlength=256)
        mean = counts @ values / counts.sum()
        variance = counts @ (values - mean) ** 2 / counts.sum()
        means.append(mean)
        stds.append(np.sqrt(variance) if variance > 0 else 1.0)
    return Standardization(mean=np.array(means), std=np.array(stds))
