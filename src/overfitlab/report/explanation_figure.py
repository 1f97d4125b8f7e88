"""A sheet of images, each beside the map of where the evidence for a class lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from numpy.typing import NDArray

from overfitlab.report.evaluation_figures import show_picture
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import legible, legible_lines, lettering

SCALE = "inferno"  # brightness grows with the value: readable without colours, and by colour-blind people
PAIRS = 3  # in a row
STRENGTH = 0.65  # of the map over the image
LONGEST_NAME = 22


@dataclass(frozen=True)
class Explained:
    """One image, what it was taken for, and the map of one class."""

    picture: NDArray[np.uint8]  # [H, W, C]
    map: NDArray[np.float64]  # [H, W] of the picture, not negative
    file: str
    predicted: str
    probability: float
    explained: str  # the class whose evidence the map shows
    explained_probability: float


def explanation_sheet(images: Sequence[Explained], title: str = "", *, brightest: int = 255) -> DisplayedFigure:
    """Return the sheet: each image, and beside it the same with its map, scaled to the map's own largest value.

    `brightest` is the value of a white pixel.
    """
    rows = max(1, math.ceil(len(images) / PAIRS))
    columns = min(PAIRS, max(1, len(images)))
    with lettering():
        figure = DisplayedFigure(figsize=(4.6 * columns, 2.75 * rows + 1.1), layout="constrained")
        grid = figure.subplots(rows, 2 * columns, squeeze=False)
        for axes in grid.flat[2 * len(images) :]:
            axes.set_axis_off()
        for image, plain, overlaid in zip(images, grid.flat[::2], grid.flat[1::2], strict=False):
            show_picture(plain, image.picture, brightest)
            plain.set_title(f"{legible(image.predicted, LONGEST_NAME)} {image.probability:.3f}", fontsize=9, loc="left")
            plain.set_xlabel(legible(image.file, 30), fontsize=7, color="0.35")
            _overlay(overlaid, image, brightest)
        scale = figure.colorbar(
            ScalarMappable(cmap=SCALE), ax=grid, location="bottom", shrink=0.9 / columns, aspect=25, ticks=[0, 0.5, 1]
        )
        scale.set_label("evidence, as a share of each map's largest value", fontsize=9)
        if title:
            figure.suptitle(legible_lines(title), fontsize=11)
    return figure


def _overlay(axes: Axes, image: Explained, brightest: int) -> None:
    """Draw the image in gray under its map."""
    gray = image.picture.astype(np.float64).mean(axis=2, keepdims=True)
    show_picture(axes, gray.astype(np.uint8), brightest)
    largest = float(image.map.max())
    what = f"evidence for {legible(image.explained, LONGEST_NAME)}"
    if image.explained != image.predicted:
        what += f" ({image.explained_probability:.3f})"
    axes.set_title(what, fontsize=9, loc="left")
    if largest > 0:
        smoothing = "nearest" if max(image.map.shape) < 100 else "antialiased"
        axes.imshow(image.map / largest, cmap=SCALE, vmin=0, vmax=1, alpha=STRENGTH, interpolation=smoothing)
    else:
        axes.set_xlabel("the map is zero everywhere", fontsize=7, color="0.35")
