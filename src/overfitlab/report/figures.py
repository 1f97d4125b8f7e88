"""Figures, one function each; every one returns a matplotlib `Figure` that displays itself in a notebook."""

import io

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from overfitlab.report.lettering import legible_lines, lettering
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset

TRAIN_COLOR, VAL_COLOR = "blue", "orange"  # the notebook's


class DisplayedFigure(Figure):
    """A figure that a Jupyter notebook shows when it is the value of a cell."""

    def _repr_png_(self) -> bytes:
        return rendered(self, "png")


def learning_curves(rows: list[EpochRow], title: str = "") -> DisplayedFigure:
    """Return the notebook's figure: two panels, `loss` and `acc`, training in blue, validation in orange.

    The onset of overfitting, the epoch with the lowest validation loss, is a dashed line in both. Where training images
    were measured in evaluation mode, that is the blue line, and what the progress bar showed a thin, dotted one.
    """
    figure = DisplayedFigure(figsize=(10, 5), layout="constrained")
    epochs = [row.epoch for row in rows]
    lowest = onset(rows)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "acc"), strict=True):
        marker = "o" if len(rows) == 1 else None  # a line through one point is invisible
        running, val = ([getattr(row, column) for row in rows] for column in (name, f"val_{name}"))
        if rows and rows[0].train_loss is not None:
            clean = [getattr(row, f"train_{name}") for row in rows]
            axes.plot(epochs, clean, color=TRAIN_COLOR, label=f"train_{name}", marker=marker)
            label = f"{name}, while training"
            axes.plot(epochs, running, color=TRAIN_COLOR, label=label, linestyle=":", linewidth=1, marker=marker)
        else:
            axes.plot(epochs, running, color=TRAIN_COLOR, label=f"train_{name}", marker=marker)
        axes.plot(epochs, val, color=VAL_COLOR, label=f"val_{name}", marker=marker)
        if lowest is not None and lowest is not rows[-1]:  # nothing has come after it: no overfitting seen yet
            axes.axvline(lowest.epoch, color="0.4", linestyle="--", linewidth=1, label=f"onset (epoch {lowest.epoch})")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.set_xlim(0.5, len(rows) + 0.5)  # epochs count from 1: no tick at 0
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.legend()
    if title:
        with lettering():
            figure.suptitle(legible_lines(title))
    return figure


def pixels(figure: Figure, dpi: int) -> NDArray[np.uint8]:
    """Return what a figure looks like, [H, W, 4]: red, green, blue and opacity, at so many dots an inch."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]


def compressed(found: NDArray[np.uint8], dpi: int) -> bytes:
    """Return pixels [H, W, 4] as PNG; equal pixels give equal bytes."""
    stream = io.BytesIO()
    Image.fromarray(found).save(stream, "png", dpi=(dpi, dpi))
    return stream.getvalue()


def rendered(figure: Figure, kind: str, alternative: str | None = None) -> bytes:
    """Return the figure as `png` or `svg`; equal figures give equal bytes.

    The text alternative becomes the title of an SVG, which screen readers read.
    """
    stream = io.BytesIO()
    metadata: dict[str, str | None] = {"Date": None} if kind == "svg" else {"Software": None}
    if kind == "svg" and alternative:
        metadata["Title"] = alternative
    with rc_context({"svg.hashsalt": "overfitlab"}):
        figure.savefig(stream, format=kind, dpi=120, metadata=metadata)
    return stream.getvalue()
