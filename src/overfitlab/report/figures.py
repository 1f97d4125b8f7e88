"""What all figures are: matplotlib's, which display themselves in a notebook, and as files."""

import io

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

PAPER_DPI = 300  # dots an inch of a PNG in a report: what papers ask for


class DisplayedFigure(Figure):
    """A figure that a Jupyter notebook shows when it is the value of a cell."""

    def _repr_png_(self) -> bytes:
        return rendered(self, "png")


def pixels(figure: Figure, dpi: int | None = None) -> NDArray[np.uint8]:
    """Return what a figure looks like, [H, W, 4]: red, green, blue, opacity; at `PAPER_DPI` or so many dots an inch."""
    figure.set_dpi(dpi or PAPER_DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]


def compressed(found: NDArray[np.uint8], dpi: int | None = None) -> bytes:
    """Return pixels [H, W, 4] of so many dots an inch as PNG; equal pixels give equal bytes."""
    stream = io.BytesIO()
    Image.fromarray(found).save(stream, "png", dpi=(dpi or PAPER_DPI,) * 2)
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
