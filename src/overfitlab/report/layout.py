"""Where the parts of a panel lie, in points from its upper left corner: both renderers put them there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from overfitlab.report.clipping import Box
from overfitlab.report.lettering import POINTS, fitted, in_lines, inches
from overfitlab.report.marks import LETTERS, Axis, Mark, Panel
from overfitlab.report.scales import share

TOP, RIGHT = 0.3, 0.12  # inches of margin; the title stands in the upper one
TITLE, SMALLER = 9.0, 7.5  # points of a title, and of one in two lines
TICK, TICK_PAD, LABEL_PAD = 3.5, 3.5, 4.0  # points: a tick, what follows it, and what stands before the axis' name
AXIS_LETTERS = 8.0
LEGEND_ROW, BEFORE_LEGEND, BELOW_LEGEND = 10.0, 3.0, 1.5
LEGEND_LEFT, SAMPLE, AFTER_SAMPLE, BETWEEN_COLUMNS = 2.9, 12.0, 3.75, 9.0
GROUND = 0.85  # opacity of what lies behind letters
DESCENT, ASCENT, HALF = 0.24, 0.76, 0.36  # of the size of letters: below their line, above it, and up to their middle


@dataclass(frozen=True)
class Entry:
    """One line of a legend: the sample of its mark begins at `left`, its letters after it; `middle` is its height."""

    mark: Mark
    label: str
    left: float
    middle: float

    @property
    def text(self) -> float:
        """Where the letters begin."""
        return self.left + SAMPLE + AFTER_SAMPLE


@dataclass(frozen=True)
class Layout:
    """The places of one panel; `left`, `top`, `width` and `height` are those of the area inside its axes."""

    panel: Panel
    left: float
    top: float
    width: float
    height: float
    title: tuple[str, ...]  # lines
    title_letters: float
    legend: tuple[Entry, ...]
    legend_columns: int

    @property
    def right(self) -> float:
        """The right edge of the area."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge of the area."""
        return self.top + self.height

    @property
    def box(self) -> Box:
        """The area: its left, top, right and bottom."""
        return self.left, self.top, self.right, self.bottom

    def bare(self) -> "Layout":
        """Return the same axes in the same place, and nothing of what is said and drawn."""
        panel = replace(self.panel, title="", alternative="", key="", marks=())
        return replace(self, panel=panel, title=(), legend=())

    def x(self, value: float) -> float:
        """Return where a value of the horizontal axis lies."""
        return self.left + self.width * share(self.panel.x, value)

    def y(self, value: float) -> float:
        """Return where a value of the vertical axis lies."""
        return self.bottom - self.height * share(self.panel.y, value)

    def values(self, x: float, y: float) -> tuple[float, float]:
        """Return the values of both axes at a place; they must not be logarithmic."""
        across, up = (x - self.left) / self.width, (self.bottom - y) / self.height
        of_x, of_y = self.panel.x, self.panel.y
        return of_x.low + across * (of_x.high - of_x.low), of_y.low + up * (of_y.high - of_y.low)


def layout(panel: Panel) -> Layout:
    """Return the places of a panel; the legend lies below the axes, where no line can be."""
    height, left = POINTS * panel.height, POINTS * panel.left
    room = panel.width - panel.left - RIGHT
    letters, title = TITLE, in_lines(panel.title, TITLE, room, most=1, bold=True)
    if title and title[0] != panel.title:
        letters, title = SMALLER, in_lines(panel.title, SMALLER, room, most=2, bold=True)
    marks, labels, columns, rows = _legend(panel)
    legend = _height(rows)
    top = POINTS * TOP
    return Layout(
        panel=panel,
        left=left,
        top=top,
        width=POINTS * room,
        height=height - top - POINTS * panel.bottom - legend,
        title=tuple(title),
        title_letters=letters,
        legend=tuple(
            Entry(mark, label, *_place(number, rows, labels, height))
            for number, (mark, label) in enumerate(zip(marks, labels, strict=True))
        ),
        legend_columns=columns,
    )


def legend_height(panel: Panel) -> float:
    """Return how many points the legend of a panel takes of its height."""
    return _height(_legend(panel)[3])


def _height(rows: int) -> float:
    return BEFORE_LEGEND + LEGEND_ROW * rows if rows else 0.0


def with_area(panel: Panel, height: float) -> Panel:
    """Return the panel as high as it has to be for `height` inches inside its axes, whatever stands around them."""
    return replace(panel, height=height + TOP + panel.bottom + legend_height(panel) / POINTS)


def _legend(panel: Panel) -> tuple[list[Mark], list[str], int, int]:
    """Return the marks in a legend, their labels, and its numbers of columns and rows."""
    marks = [mark for mark in panel.marks if mark.label]
    longest = panel.width - (2 * LEGEND_LEFT + SAMPLE + AFTER_SAMPLE) / POINTS
    labels = [fitted(mark.label, LETTERS, longest) for mark in marks]
    columns = _legend_columns(labels, POINTS * panel.width)
    return marks, labels, columns, ceil(len(labels) / columns)


def beyond_ticks(axis: Axis, *, across: bool) -> float:
    """Return how far the ticks of an axis and their labels reach: below a horizontal one, left of a vertical one."""
    wide = max((POINTS * inches(tick.label, axis.letters) for tick in axis.ticks), default=0.0)
    deep = (ASCENT + DESCENT) * axis.letters if across and not axis.turned else wide
    return TICK + TICK_PAD + deep if axis.ticks else 0.0


def _legend_columns(labels: Sequence[str], room: float) -> int:
    """Return how many columns of a legend there is room for: two, or one."""
    return 2 if len(labels) > 1 and _second_column(labels) + _column(labels[ceil(len(labels) / 2) :]) <= room else 1


def _column(labels: Sequence[str]) -> float:
    return SAMPLE + AFTER_SAMPLE + max((POINTS * inches(label, LETTERS) for label in labels), default=0.0)


def _second_column(labels: Sequence[str]) -> float:
    """Return where the second column of two begins."""
    return LEGEND_LEFT + _column(labels[: ceil(len(labels) / 2)]) + BETWEEN_COLUMNS


def _place(number: int, rows: int, labels: Sequence[str], height: float) -> tuple[float, float]:
    """Return where an entry of a legend begins, and its middle; a legend is filled column by column."""
    column, row = divmod(number, rows)
    return _second_column(labels) if column else LEGEND_LEFT, height - BELOW_LEGEND - LEGEND_ROW * (rows - row - 0.5)
