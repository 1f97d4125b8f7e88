"""Figures of an evaluation: the confusion matrix, the calibration, the worst mistakes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import labels, legible, legible_lines, lettering
from overfitlab.report.palette import SHARES, readable_on, shade
from overfitlab.stats.calibration import Calibration
from overfitlab.stats.classification import wilson_interval

INK, SOFT = "#1f4e79", "#9dc3e6"
COUNTED_CLASSES = 20  # up to so many, every cell says its number
NAMED_CLASSES = 110  # up to so many, every class has its name at the edge
LONGEST_NAME = 20
COLUMNS = 4  # of pictures of mistakes
BACKGROUND = "#f2f2f2"


@dataclass(frozen=True)
class Mistake:
    """One image that was taken for something else."""

    picture: NDArray[np.uint8]  # [H, W, C]
    true: str
    predicted: str
    true_probability: float
    predicted_probability: float
    name: str  # of the image: its file, or its row


def confusion_figure(confusion: NDArray[np.int64], class_names: Sequence[str], title: str = "") -> DisplayedFigure:
    """Return the confusion matrix [K, K]: rows true, columns predicted; the shade is the share of the row.

    Up to 20 classes every cell shows its count. Shades follow the square root of the share, or the few mistakes of a
    good network would be invisible beside its diagonal.
    """
    classes = len(confusion)
    images = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.where(images > 0, images, 1)
    side = float(np.clip(2.6 + 0.42 * classes, 4.5, 14))
    with lettering():
        figure = DisplayedFigure(figsize=(side + 1.2, side), layout="constrained")
        axes = figure.subplots()
        shown = axes.imshow(shares, cmap=SHARES, norm=PowerNorm(0.5, vmin=0, vmax=1), interpolation="nearest")
        bar = figure.colorbar(shown, ax=axes, shrink=0.8, format=PercentFormatter(1, decimals=0))
        bar.set_label("share of the images of the true class")
        if classes <= NAMED_CLASSES:
            names, size = labels(class_names, LONGEST_NAME), float(np.clip(325 / classes, 5.5, 9))
            axes.set_xticks(range(classes), names, rotation=90 if _long(names, classes) else 0, fontsize=size)
            axes.set_yticks(range(classes), names, fontsize=size)
            axes.set_xlabel("predicted class")
            axes.set_ylabel("true class")
        else:
            for axis, what in ((axes.xaxis, "predicted"), (axes.yaxis, "true")):
                axis.set_major_locator(MaxNLocator(12, integer=True))
                axis.set_label_text(f"number of the {what} class (per_class.csv has the names)")
        if classes <= COUNTED_CLASSES:
            _write_counts(axes, confusion, shares)
        if title:
            axes.set_title(legible_lines(title), fontsize=10)
    return figure


def calibration_figure(found: Calibration, title: str = "") -> DisplayedFigure:
    """Return the reliability diagram, accuracy against confidence in bins, over the histogram of confidences.

    On the diagonal probabilities mean what they say; below it the network is too sure of itself.
    """
    some = np.flatnonzero(found.images)
    confidence, accuracy = found.confidence[some], found.accuracy[some]
    intervals = [wilson_interval(int(found.correct[k]), int(found.images[k])) for k in some]
    down = [max(0.0, share - low) for share, (low, _) in zip(accuracy, intervals, strict=True)]
    up = [max(0.0, high - share) for share, (_, high) in zip(accuracy, intervals, strict=True)]
    total = int(found.images.sum())
    hits = int(found.correct.sum()) / total
    with lettering():
        figure = DisplayedFigure(figsize=(6, 7.5), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        top.plot([0, 1], [0, 1], color="0.5", linestyle="--", linewidth=1, label="what confidence promises")
        top.vlines(
            confidence, accuracy, confidence, color=SOFT, linewidth=8, label="the gap (its mean over images is ECE)"
        )
        top.errorbar(
            confidence, accuracy, yerr=[down, up], fmt="o", color=INK, capsize=2, markersize=5,
            label="accuracy, 95 % interval",
        )  # fmt: skip
        top.set_ylabel("accuracy: share that is right")
        top.set_ylim(-0.02, 1.02)
        figure.legend(  # outside: with few images there is a point in any corner
            *top.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=2,
            fontsize=9,
            title=f"ECE {found.expected_error:.3f} in {len(found.images)} bins, n = {total:,}",
        )
        bottom.stairs(found.images / total, found.edges, fill=True, color=SOFT, edgecolor=INK)
        bottom.axvline(
            found.mean_confidence, color=INK, linewidth=1.5, label=f"mean confidence {found.mean_confidence:.3f}"
        )
        bottom.axvline(hits, color="black", linestyle=":", linewidth=1.5, label=f"accuracy {hits:.3f}")
        bottom.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        bottom.set_ylabel("share of images")
        bottom.set_xlabel("confidence: probability of the predicted class")
        bottom.set_xlim(0, 1)
        highest = float(found.images.max()) / total
        bottom.set_ylim(0, 1.6 * highest)  # room for the legend
        bottom.set_yticks([share for share in bottom.get_yticks() if share <= max(highest, 0.1)])
        bottom.legend(loc="upper left")
        for axes in (top, bottom):
            axes.grid(color="0.92")
            axes.set_axisbelow(True)
        if title:
            top.set_title(legible_lines(title), fontsize=10)
    return figure


def mistakes_figure(mistakes: Sequence[Mistake], title: str = "", *, brightest: int = 255) -> DisplayedFigure:
    """Return the pictures of mistakes, in the order given, each with its classes and probabilities.

    `brightest` is the value of a white pixel.
    """
    rows = max(1, math.ceil(len(mistakes) / COLUMNS))
    with lettering():
        figure = DisplayedFigure(figsize=(2.6 * COLUMNS, 0.6 + 3.1 * rows), layout="constrained")
        if not mistakes:
            figure.text(0.5, 0.5, "no mistakes", ha="center", va="center", fontsize=16)
        for number, mistake in enumerate(mistakes, start=1):
            axes = figure.add_subplot(rows, COLUMNS, number)
            show_picture(axes, mistake.picture, brightest)
            axes.set_title(
                f"taken for {legible(mistake.predicted, LONGEST_NAME)} {mistake.predicted_probability:.3f}\n"
                f"true: {legible(mistake.true, LONGEST_NAME)} {mistake.true_probability:.3f}",
                fontsize=9,
                loc="left",
            )
            axes.set_xlabel(legible(mistake.name, 28), fontsize=7, color="0.35")
        if title:
            figure.suptitle(legible_lines(title), fontsize=11)
    return figure


def show_picture(axes: Axes, picture: NDArray[np.uint8], brightest: int) -> None:
    """Draw an image [H, W, C] of 1 (gray) or 3 (RGB) channels without ticks; small ones keep their pixels."""
    values = np.clip(picture.astype(np.float64) / brightest, 0, 1)
    height, width, channels = picture.shape
    gray = channels != 3
    smoothing = "nearest" if max(height, width) < 100 else "antialiased"
    if gray:
        axes.imshow(values[..., 0], cmap="gray", vmin=0, vmax=1, interpolation=smoothing)
    else:
        axes.imshow(values, interpolation=smoothing)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(BACKGROUND)


def _write_counts(axes: Axes, confusion: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    digits = len(f"{confusion.max():,}")
    size = float(np.clip(26 / (digits + 0.6), 4.5, 9))
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            color = readable_on(shade(float(shares[row, column])))
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=size, color=color)


def _long(names: Sequence[str], classes: int) -> bool:
    """Return whether names would run into each other side by side."""
    return classes > COUNTED_CLASSES or max(map(len, names)) > 4
