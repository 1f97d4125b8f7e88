"""Panels drawn by matplotlib: for papers, and for notebooks, where `Figure` and `Axes` can be worked on further."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.layout import (
    AFTER_SAMPLE,
    AXIS_LETTERS,
    BELOW_LEGEND,
    BETWEEN_COLUMNS,
    GROUND,
    LEGEND_LEFT,
    SAMPLE,
    SMALLER,
    TITLE,
    Layout,
    layout,
)
from overfitlab.report.lettering import POINTS, drawable, lettering, written
from overfitlab.report.marks import (
    HEIGHT,
    LETTERS,
    WIDTH,
    Area,
    Band,
    Bars,
    Dash,
    Dots,
    Line,
    Mark,
    Matrix,
    Panel,
    Remark,
    Rule,
    Text,
    Values,
)
from overfitlab.report.palette import SHARES, light, readable_on, shade

COLUMNS = 3
ANCHORS = {"start": "left", "middle": "center", "end": "right"}
MARKERS = {"circle": "o", "diamond": "D", "square": "s"}
STYLE: dict[Any, Any] = {
    "font.size": AXIS_LETTERS, "axes.titlesize": TITLE, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.edgecolor": light("soft"), "axes.labelcolor": light("ink"), "axes.titlecolor": light("ink"),
    "axes.facecolor": "none", "figure.facecolor": light("surface"), "text.color": light("ink"),
    "xtick.color": light("soft"), "ytick.color": light("soft"), "xtick.labelcolor": light("ink"),
    "ytick.labelcolor": light("ink"), "grid.color": light("grid"), "axes.grid": False, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "legend.fontsize": LETTERS,
    "legend.handlelength": SAMPLE / LETTERS, "axes.linewidth": 0.8, "grid.linewidth": 0.6,
}  # fmt: skip
PAD, PAD_OF_TWO = 6.0, 3.0  # points between a title and the axes
ROW_GAP = 0.3  # of the size of letters, between the rows of a legend

Looks = dict[str, Any]  # colour, order and label, as matplotlib takes them


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
        top = 0.0
        for row, tall in zip(rows, heights, strict=True):
            for column, panel in enumerate(row):
                _placed(figure, layout(panel), POINTS * WIDTH * column, POINTS * top)
            top += tall
    return figure


def _placed(figure: DisplayedFigure, place: Layout, left: float, top: float) -> None:
    """Draw a panel into its place, whose upper left corner is given in points from that of the figure."""
    panel = place.panel
    wide, tall = (POINTS * float(size) for size in figure.get_size_inches())
    axes = figure.add_axes((
        (left + place.left) / wide, 1 - (top + place.bottom) / tall, place.width / wide, place.height / tall,
    ))  # fmt: skip
    handles = draw_marks(axes, panel.marks)
    _draw_axes(axes, panel)
    title = "\n".join(map(drawable, place.title))
    axes.set_title(title, fontsize=place.title_letters, pad=PAD_OF_TWO if place.title_letters == SMALLER else PAD)
    if place.legend:
        axes.legend(
            handles, written([entry.label for entry in place.legend]),
            loc="lower left", bbox_transform=figure.transFigure, ncols=place.legend_columns, borderpad=0,
            bbox_to_anchor=((left + LEGEND_LEFT) / wide, 1 - (top + POINTS * panel.height - BELOW_LEGEND) / tall),
            borderaxespad=0, columnspacing=BETWEEN_COLUMNS / LETTERS, handletextpad=AFTER_SAMPLE / LETTERS,
            labelspacing=ROW_GAP,
        )  # fmt: skip


def _draw_axes(axes: Axes, panel: Panel) -> None:
    for name, axis in (("x", panel.x), ("y", panel.y)):
        axes.set(**{f"{name}scale": "log" if axis.log else "linear", f"{name}lim": (axis.low, axis.high)})
        drawn = axes.xaxis if name == "x" else axes.yaxis
        drawn.set_ticks([tick.value for tick in axis.ticks], written([tick.label for tick in axis.ticks]),
                        fontsize=axis.letters, rotation=90 if axis.turned and name == "x" else 0)  # fmt: skip
        drawn.minorticks_off()
        drawn.grid(visible=axis.grid)
        drawn.set_label_text(drawable(axis.label))
        axes.spines["bottom" if name == "x" else "left"].set_visible(axis.line)


def draw_marks(axes: Axes, marks: Sequence[Mark], color: Callable[[str], str] = light) -> list[Any]:
    """Draw marks in their order, and return what stands in a legend for those with a label.

    `color` gives the colour of a name.
    """
    names = iter(written([mark.text for mark in marks if isinstance(mark, Text)]))
    handles = []
    for number, mark in enumerate(marks):
        order = 1 + number / (len(marks) + 1)  # above the grid, below the edges of the axes
        if isinstance(mark, Text):
            _write(axes, mark, next(names), order, color)
        elif isinstance(mark, Matrix):
            _shade(axes, mark, order)
        else:
            named = color("ink" if isinstance(mark, Remark) else mark.color)
            handle = DRAWN[type(mark)](axes, mark, {"color": named, "zorder": order, "label": mark.label})
            handles += [handle] if mark.label else []
    return handles


def _line(axes: Axes, mark: Line, looks: Looks) -> Any:
    return axes.plot(
        _known(mark.x), _known(mark.y), linewidth=mark.width, linestyle=_style(mark.dash), alpha=mark.opacity,
        marker="o" if mark.marker else "", markersize=mark.marker, markeredgewidth=0, solid_capstyle="butt", **looks,
    )[0]  # fmt: skip


def _band(axes: Axes, mark: Band, looks: Looks) -> Any:
    x, low, high = map(_known, (mark.x, mark.low, mark.high))
    return axes.fill_between(x, low, high, alpha=mark.opacity, linewidth=0, **looks)


def _dots(axes: Axes, mark: Dots, looks: Looks) -> Any:
    """Draw dots of any sizes; in a legend one stands for them that has the size of the mark."""
    marker = MARKERS[mark.shape]
    axes.scatter(
        [dot.x for dot in mark.dots], [dot.y for dot in mark.dots], [dot.size**2 for dot in mark.dots],
        color=looks["color"], marker=marker, alpha=mark.opacity, linewidths=0, zorder=looks["zorder"],
    )  # fmt: skip
    return axes.plot([], [], marker, markersize=mark.size, markeredgewidth=0, alpha=mark.opacity, **looks)[0]


def _rule(axes: Axes, mark: Rule, looks: Looks) -> Any:
    across = axes.axvline if mark.axis == "x" else axes.axhline
    return across(mark.at, linewidth=mark.width, linestyle=_style(mark.dash), **looks)


def _area(axes: Axes, mark: Area, looks: Looks) -> Any:
    span = axes.axvspan if mark.axis == "x" else axes.axhspan
    return span(mark.low, mark.high, alpha=mark.opacity, linewidth=0, **looks)


def _bars(axes: Axes, mark: Bars, looks: Looks) -> Any:
    return axes.barh([bar.at for bar in mark.bars], [bar.length for bar in mark.bars], mark.thickness, **looks)


def _remark(axes: Axes, _: Remark, looks: Looks) -> Any:
    return axes.plot([], [], " ", **looks)[0]


DRAWN: Mapping[type[Mark], Callable[[Axes, Any, Looks], Any]] = {
    Line: _line, Band: _band, Dots: _dots, Rule: _rule, Area: _area, Bars: _bars, Remark: _remark,
}  # fmt: skip


def _write(axes: Axes, mark: Text, text: str, order: float, color: Callable[[str], str]) -> None:
    ground = {"facecolor": color("surface"), "edgecolor": "none", "pad": 1, "alpha": GROUND}
    axes.text(
        mark.x, mark.y, text, color=color(mark.color), fontsize=mark.size, zorder=order, ha=ANCHORS[mark.anchor],
        va="baseline" if mark.stands else "center", bbox=ground if mark.ground else None,
    )  # fmt: skip


def _shade(axes: Axes, mark: Matrix, order: float) -> None:
    shares = np.array(mark.values)
    norm = PowerNorm(0.5, vmin=0, vmax=1)
    axes.imshow(shares, SHARES, norm, interpolation="nearest", aspect="auto", zorder=order)
    for (row, column), share in np.ndenumerate(shares):
        if mark.texts[row][column]:
            axes.text(column, row, mark.texts[row][column], ha="center", va="center", fontsize=mark.size,
                      color=readable_on(shade(share)), zorder=order)  # fmt: skip


def _known(values: Values) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _style(dash: Dash) -> Any:
    return (0, dash) if dash else "-"
