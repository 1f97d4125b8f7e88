"""Augmentation: flips, shifts, rotations, zooms."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from overfitlab.methods.base import Method, hyperparameter

DEGREES = np.pi / 180


@dataclass(frozen=True)
class Augment(Method):
    """Augmentation: each image is mirrored, shifted, rotated and zoomed at random, anew in every epoch.

    Equation: the pixel at p, measured from the centre, shows the image at R(angle) * p / zoom + shift, mirrored left to
    right with probability `flip`; angle uniform within +-`rotate` degrees, zoom within 1 +- `zoom`, shift within
    +-`shift` of height and width, to whole pixels, so that a shift alone blurs nothing. Interpolation is bilinear; what
    lies outside is the mirror image of what lies inside.
    Source: Simard et al., 2003, ICDAR, doi:10.1109/ICDAR.2003.1227801; like Keras's `RandomFlip`, `RandomTranslation`,
    `RandomRotation`, `RandomZoom`.
    Helps: use it first of all on photographs: it tells the network which changes leave a label the same.
    Hurts: where such a change alters the label, as in mirrored letters or a 6 rotated into a 9; set `flip=0` there.
    Cost: every image is resampled once per step.
    """

    name = "augment"
    stage = 10
    off = {"flip": 0.0, "shift": 0.0, "rotate": 0.0, "zoom": 0.0}  # noqa: RUF012 - a ClassVar in the base class
    flip: float = hyperparameter(0.5, low=0.0, high=1.0)
    shift: float = hyperparameter(0.1, low=0.0, high=0.5, search=(0.0, 0.05, 0.1, 0.2))
    rotate: float = hyperparameter(0.0, low=0.0, high=180.0, search=(0.0, 5.0, 15.0))
    zoom: float = hyperparameter(0.0, low=0.0, high=0.5, search=(0.0, 0.1, 0.2))

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the images, each transformed in its own way, and the labels as they are."""
        if not any(self.hyperparameters().values()):
            return x, y
        moves = torch.from_numpy(self.transforms(len(x), x.shape[2], x.shape[3], rng)).to(x.dtype)
        grid = F.affine_grid(moves, list(x.shape), align_corners=False)
        moved = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        return moved.contiguous(memory_format=torch.channels_last), y

    def transforms(self, count: int, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a matrix [2, 3] for each image, from where it is shown to where it is read.

        Coordinates are (x, y, 1) with -1 and 1 at the edges, as PyTorch's `affine_grid` has them.
        """
        mirrored = np.where(rng.random(count) < self.flip, -1.0, 1.0)
        angle = rng.uniform(-self.rotate, self.rotate, count) * DEGREES
        zoom = rng.uniform(1 - self.zoom, 1 + self.zoom, count)
        right = np.rint(rng.uniform(-self.shift, self.shift, count) * width)
        down = np.rint(rng.uniform(-self.shift, self.shift, count) * height)
        cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
        first = np.stack([mirrored * cos, -mirrored * sin * height / width, 2 * right / width], axis=1)
        second = np.stack([sin * width / height, cos, 2 * down / height], axis=1)
        return np.stack([first, second], axis=1)
