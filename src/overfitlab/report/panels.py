"""A panel: one small figure that can stand alone on a page, or beside its like in a figure for a paper."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import in_lines, inches, lettering
from overfitlab.report.palette import light

WIDTH, HEIGHT = 3.4, 2.6  # inches: on a telephone's screen its letters are as large as in print
COLUMNS = 3
TOP, RIGHT, LEGEND_ROW = 0.3, 0.12, 0.165  # inches
TICKS = 5  # on an axis: each is drawn many times, and a small panel has no room for more
SMALLER = 7.5  # points of a title in two lines
HANDLE = 0.3  # inches before a label in a legend
STYLE: dict[Any, Any] = {
    "font.size": 8, "axes.titlesize": 9, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.edgecolor": light("soft"), "axes.labelcolor": light("ink"), "axes.titlecolor": light("ink"),
    "axes.facecolor": "none", "figure.facecolor": light("surface"), "text.color": light("ink"),
    "xtick.color": light("soft"), "ytick.color": light("soft"), "xtick.labelcolor": light("ink"),
    "ytick.labelcolor": light("ink"), "grid.color": light("grid"), "axes.grid": True, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "legend.fontsize": 7.5,
    "legend.handlelength": 1.6, "lines.linewidth": 1.6, "axes.linewidth": 0.8, "grid.linewidth": 0.6,
}  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """What is drawn, and what it shows in words for those who cannot see it."""

    title: str
    draw: Callable[[Axes], None]
    alternative: str
    height: float = HEIGHT  # inches
    left: float = 0.56  # inches of margin: for the numbers and the name of the vertical axis
    bottom: float = 0.44  # the same for the horizontal one


@contextmanager
def drawing() -> Iterator[None]:
    """Draw and render panels in this context: our style, and letters of every language that a font is there for."""
    with lettering(), rc_context(STYLE):
        yield


def composed(panels: Sequence[Panel], columns: int = COLUMNS) -> DisplayedFigure:
    """Return one figure of all panels, row by row; an empty one says that there is nothing to show."""
    columns = max(1, min(columns, len(panels)))
    rows = [panels[first : first + columns] for first in range(0, len(panels), columns)]
    heights = [max(panel.height for panel in row) for row in rows]
    width, height = WIDTH * columns, sum(heights) or HEIGHT
    with drawing():
        figure = DisplayedFigure(figsize=(width, height))
        if not panels:
            figure.text(0.5, 0.5, "-", ha="center", va="center")
        top = height
        for row, tall in zip(rows, heights, strict=True):
            for column, panel in enumerate(row):
                _placed(figure, panel, (WIDTH * column, top - panel.height), (width, height))
            top -= tall
    return figure


def _placed(figure: DisplayedFigure, panel: Panel, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """Draw a panel into its place, given in inches; the legend lies below the axes, where no line can be."""
    axes = figure.add_axes((0, 0, 1, 1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(TICKS))
    panel.draw(axes)
    room = WIDTH - panel.left - RIGHT
    letters = STYLE["axes.titlesize"]
    title = in_lines(panel.title, letters, room, most=1, bold=True)
    if title and title[0] != panel.title:
        letters = SMALLER
        title = in_lines(panel.title, letters, room, most=2, bold=True)
    axes.set_title("\n".join(title), fontsize=letters, pad=3 if len(title) > 1 else None)
    handles, labels = axes.get_legend_handles_labels()
    columns = _legend_columns(labels)
    legend = LEGEND_ROW * ceil(len(labels) / columns) if labels else 0.0
    bottom = panel.bottom + legend
    box = (panel.left, bottom, WIDTH - panel.left - RIGHT, panel.height - bottom - TOP)
    x, y = corner
    axes.set_position(((x + box[0]) / size[0], (y + box[1]) / size[1], box[2] / size[0], box[3] / size[1]))
    if labels:
        place: dict[str, Any] = {"bbox_to_anchor": ((x + 0.04) / size[0], (y + 0.02) / size[1])}
        axes.legend(handles, labels, loc="lower left", bbox_transform=figure.transFigure, ncols=columns, borderpad=0,
                    borderaxespad=0, columnspacing=1.2, handletextpad=0.5, labelspacing=0.3, **place)  # fmt: skip


def _legend_columns(labels: Sequence[str]) -> int:
    half = ceil(len(labels) / 2)
    both = (labels[:half], labels[half:])
    size = STYLE["legend.fontsize"]
    widths = [max((inches(label, size) for label in column), default=0) + HANDLE for column in both]
    return 2 if len(labels) > 1 and sum(widths) <= WIDTH - 0.04 else 1
