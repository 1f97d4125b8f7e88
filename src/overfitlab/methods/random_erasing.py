"""Random erasing (cutout)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter

SMALLEST_AREA = 0.02  # of the image
LARGEST_ASPECT = 1 / 0.3  # height to width, or width to height


@dataclass(frozen=True)
class RandomErasing(Method):
    """Random erasing (cutout): a rectangle of the image is replaced by the mean colour while training.

    Equation: with probability `probability` for each image, a rectangle with an area uniform from 0.02 to `area` of the
    image, an aspect ratio log-uniform from 0.3 to 3.3, and its place uniform among those where it fits, becomes 0, the
    mean colour of standardized images. A side that would be longer than the image is cut to it.
    Source: Zhong et al., 2020, arXiv:1708.04896; with a constant colour it is the cutout of DeVries and Taylor, 2017,
    arXiv:1708.04552.
    Helps: use it when the network recognizes objects by a single part.
    Hurts: small objects, which it can hide entirely while the label stays.
    Cost: one pass over the batch per step.
    """

    name = "random_erasing"
    stage = 30
    off = {"probability": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    probability: float = hyperparameter(1.0, low=0.0, high=1.0, search=(0.25, 0.5, 0.75, 1.0))
    area: float = hyperparameter(0.33, low=SMALLEST_AREA, high=1.0)

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the images with their rectangles, and the labels as they are."""
        if self.probability == 0:
            return x, y
        count, _, height, width = x.shape
        erased = rng.random(count) < self.probability
        area = rng.uniform(SMALLEST_AREA, self.area, count) * height * width
        aspect = np.exp(rng.uniform(-np.log(LARGEST_ASPECT), np.log(LARGEST_ASPECT), count))
        rows = np.clip(np.rint(np.sqrt(area * aspect)), 1, height) * erased
        columns = np.clip(np.rint(np.sqrt(area / aspect)), 1, width)
        top = np.floor(rng.random(count) * (height - rows + 1))
        left = np.floor(rng.random(count) * (width - columns + 1))
        y_at, x_at = np.arange(height), np.arange(width)
        vertical = (y_at >= top[:, None]) & (y_at < (top + rows)[:, None])  # [B, H]
        horizontal = (x_at >= left[:, None]) & (x_at < (left + columns)[:, None])  # [B, W]
        inside = vertical[:, :, None] & horizontal[:, None, :]
        return x.masked_fill_(torch.from_numpy(inside)[:, None], 0.0), y
