"""The figure of what a method does, drawn from its demonstrations whatever they are."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from overfitlab.describe.panels import Bars, Curves, Demonstration, Exhibit, Grid, Row
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import legible, legible_lines, lettering
from overfitlab.words.columns import wrapped
from overfitlab.words.language import ENGLISH, Language

# all in inches: every panel has its place, because automatic layouts move with each drawing
WIDTH, EDGE = 7.0, 0.1
CAPTION_LINE, TITLE_LINE = 0.18, 0.15
LEFT, GAP = 0.35, 0.12  # room for the label of a row; between grids
TALLEST_GRID = 1.35
CHART = {"left": 0.8, "bottom": 0.5, "top": 0.2, "height": 2.6}  # room for labels, and the whole
CAPTION_LETTERS = 80  # in a line
LEGEND_LETTERS = 60
PLAIN, FAINT = "#1f4e79", "0.65"
BEFORE, AFTER = "#9dc3e6", PLAIN


def method_figure(exhibits: Sequence[Exhibit], say: Language = ENGLISH) -> DisplayedFigure:
    """Return the demonstrations of one or more methods, one below the other, each with its caption.

    Raises `ValueError` where there is none.
    """
    shown = [(_caption(exhibit.title, one, say), one) for exhibit in exhibits for one in exhibit.demonstrations]
    if not shown:
        raise ValueError("there is no demonstration to draw")
    height = sum(_caption_height(caption) + sum(map(_row_height, one.rows)) for caption, one in shown) + EDGE
    with lettering():
        figure = DisplayedFigure(figsize=(WIDTH, height))
        top = height
        for caption, one in shown:
            figure.text(EDGE / WIDTH, (top - EDGE) / height, caption, fontsize=9.5, va="top", linespacing=1.15)
            top -= _caption_height(caption)
            for row in one.rows:
                _draw(figure, row, top)
                top -= _row_height(row)
    return figure


def _caption(title: str, demonstration: Demonstration, say: Language) -> str:
    text = f"{title}: {demonstration.caption} {demonstration.legend(say('Black'), say('white'), say)}"
    return legible_lines("\n".join(wrapped(text, CAPTION_LETTERS)))


def _caption_height(caption: str) -> float:
    return EDGE + CAPTION_LINE * (caption.count("\n") + 1) + EDGE


def _row_height(row: Row) -> float:
    grids = _grids(row)
    return _title_height(row) + max(_size(grid, row)[1] for grid in grids) + GAP if grids else CHART["height"]


def _title_height(row: Row) -> float:
    return max((TITLE_LINE * (grid.caption.count("\n") + 1) for grid in _grids(row) if grid.caption), default=0.0)


def _grids(row: Row) -> list[Grid]:
    return [panel for panel in row.panels if isinstance(panel, Grid)]


def _size(grid: Grid, row: Row) -> tuple[float, float]:
    """Return width and height of a grid, whose pixels are squares."""
    height, width = grid.values.shape
    pixel = min(_room(row) / width, TALLEST_GRID / height)
    return width * pixel, height * pixel


def _room(row: Row) -> float:
    """Return the width that each grid of a row has."""
    return (WIDTH - LEFT - EDGE + GAP) / len(row.panels) - GAP


def _draw(figure: DisplayedFigure, row: Row, top: float) -> None:
    """Draw a row whose upper edge is `top` above the lower edge of the figure."""
    whole = float(figure.get_figheight())
    for number, panel in enumerate(row.panels):
        if isinstance(panel, Grid):
            width, height = _size(panel, row)
            left = LEFT + number * (_room(row) + GAP)
            bottom = top - _title_height(row) - height
        else:
            left, width = CHART["left"], WIDTH - CHART["left"] - 2 * EDGE
            bottom, height = top - CHART["height"] + CHART["bottom"], CHART["height"] - CHART["bottom"] - CHART["top"]
        axes = figure.add_axes((left / WIDTH, bottom / whole, width / WIDTH, height / whole))
        if isinstance(panel, Grid):
            _grid(axes, panel, row.label if number == 0 else "")
        elif isinstance(panel, Curves):
            _curves(axes, panel)
        else:
            _bars(axes, panel)


def _grid(axes: Axes, panel: Grid, label: str) -> None:
    axes.imshow(panel.values, cmap="gray", vmin=panel.low, vmax=panel.high, interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_ylabel(legible(label, LEGEND_LETTERS), fontsize=9)
    axes.set_title(legible_lines(panel.caption), fontsize=8, pad=3)


def _curves(axes: Axes, panel: Curves) -> None:
    for series in panel.series:
        color, width = (FAINT, 1.0) if series.faint else (PLAIN, 1.8)
        axes.plot(series.x, series.y, color=color, linewidth=width, label=legible(series.label, LEGEND_LETTERS))
    for mark, style in zip(panel.marks, ("--", ":") * len(panel.marks), strict=False):
        axes.axvline(mark.x, color="0.3", linestyle=style, linewidth=1, label=legible(mark.label, LEGEND_LETTERS))
    axes.set_xlabel(panel.x_label, fontsize=9)
    axes.set_ylabel(panel.y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.yaxis.get_offset_text().set_fontsize(8)
    axes.margins(x=0.01)
    if len(panel.series) + len(panel.marks) > 1:
        axes.legend(fontsize=8)


def _bars(axes: Axes, panel: Bars) -> None:
    places = np.arange(len(panel.labels))
    width = 0.8 / len(panel.series)
    for number, (name, values) in enumerate(panel.series.items()):
        color = BEFORE if number == 0 and len(panel.series) > 1 else AFTER
        shift = (number - (len(panel.series) - 1) / 2) * width
        bars = axes.bar(places + shift, values, width, color=color, label=legible(name, LEGEND_LETTERS))
        axes.bar_label(bars, fmt="{:g}", fontsize=7)
    axes.set_xticks(places, [legible(label, LEGEND_LETTERS) for label in panel.labels], fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylabel(panel.y_label, fontsize=9)
    axes.margins(y=0.12)  # room for the numbers
    axes.legend(fontsize=8)
