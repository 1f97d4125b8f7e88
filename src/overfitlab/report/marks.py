"""Figures as plain data: panels of marks. `paper` draws them for papers and notebooks, `svg` for pages.

A panel is complete: limits and ticks of its axes are in it, so that all who draw it draw the same. It can be written as
JSON (by msgspec, which sees the `kind` of a mark because there are slots), so a page can be sent one, and can find a
mark in it again by its `key`.

Colours are names of the palette, sizes and widths are in points, opacities lie between 0 and 1, and places are in the
units of the axes; a value that is not known is None, and leaves a gap. Marks are drawn in their order, the first ones
below the others. Those with a `label` are in the legend, in their order too; a mark without any value is there alone.
"""

from dataclasses import dataclass, field
from typing import Literal

WIDTH, HEIGHT = 3.4, 2.6  # inches: on a telephone's screen its letters are as large as in print
LETTERS = 7.5  # points: of labels, and of a legend
PLAIN, DASHED, CARRIED, DOTTED = (), (3.0, 2.0), (2.0, 1.5), (1.0, 1.65)

Dash = tuple[float, ...]  # lengths of strokes and gaps, as multiples of a line's width; () is a whole line
Values = tuple[float | None, ...]
Direction = Literal["x", "y"]
Shape = Literal["circle", "diamond", "square"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line through N points; one with a `marker` has a dot of that diameter on each of them."""

    x: Values
    y: Values
    color: str
    width: float = 1.6
    dash: Dash = PLAIN
    marker: float = 0.0
    opacity: float = 1.0
    label: str = ""
    key: str = ""
    kind: Literal["line"] = field(default="line", init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """The area between two curves through N points."""

    x: Values
    low: Values
    high: Values
    color: str
    opacity: float = 0.2
    label: str = ""
    key: str = ""
    kind: Literal["band"] = field(default="band", init=False)


@dataclass(frozen=True, slots=True)
class Dot:
    """A place; `reference` names what is to be found there (a run), `tip` says it to who points at it."""

    x: float
    y: float
    size: float  # diameter, or the side of a square
    key: str = ""
    reference: str = ""
    tip: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dots:
    """Dots of one kind; `size` is that of the one in the legend."""

    dots: tuple[Dot, ...]
    color: str
    size: float
    shape: Shape = "circle"
    opacity: float = 1.0
    label: str = ""
    key: str = ""
    kind: Literal["dots"] = field(default="dots", init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A line across the whole panel, where the axis of that name has that value."""

    at: float
    axis: Direction
    color: str
    width: float = 0.8
    dash: Dash = PLAIN
    label: str = ""
    key: str = ""
    kind: Literal["rule"] = field(default="rule", init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """All that lies between two values of an axis."""

    low: float
    high: float
    axis: Direction
    color: str
    opacity: float = 1.0
    label: str = ""
    key: str = ""
    kind: Literal["area"] = field(default="area", init=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from 0 to `length` along the x axis, in the middle of whose side `at` lies on the y axis."""

    at: float
    length: float
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Bars of one kind, `thickness` being in the units of the y axis."""

    bars: tuple[Bar, ...]
    thickness: float
    color: str
    label: str = ""
    key: str = ""
    kind: Literal["bars"] = field(default="bars", init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A line of letters that begins, or has its middle or its end, at `x`; `y` is its middle, or what it stands on.

    One with a `ground` has the page's colour behind it, so that what lies below does not cross it.
    """

    x: float
    y: float
    text: str
    color: str = "ink"
    size: float = LETTERS
    anchor: Literal["start", "middle", "end"] = "start"
    stands: bool = False
    ground: bool = False
    key: str = ""
    label: str = field(default="", init=False)
    kind: Literal["text"] = field(default="text", init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Shares [R, C], from 0 to 1, as shades, with a text in each cell; row r lies at y = r, column c at x = c."""

    values: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]  # "" for none
    size: float = 5.5
    label: str = field(default="", init=False)
    key: str = ""
    kind: Literal["matrix"] = field(default="matrix", init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A sentence in the legend that belongs to no mark."""

    label: str
    key: str = ""
    kind: Literal["remark"] = field(default="remark", init=False)


Mark = Line | Band | Dots | Rule | Area | Bars | Text | Matrix | Remark


@dataclass(frozen=True, slots=True)
class Tick:
    """A value at an axis, and what stands there."""

    value: float
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One axis from its left or lower end `low` to `high`, which is the smaller one where the axis runs backwards."""

    low: float
    high: float
    label: str = ""
    ticks: tuple[Tick, ...] = ()
    log: bool = False  # equal ratios, rather than differences, are equally far apart
    grid: bool = True  # lines across the panel at the ticks
    line: bool = True  # at the edge of the panel
    letters: float = 8.0  # points, of the ticks
    turned: bool = False  # labels of ticks read upwards; for a horizontal axis alone


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One small figure that can stand alone on a page, or beside its like in a figure for a paper.

    `alternative` says in words what it shows, to those who cannot see it; sizes are in inches.
    """

    title: str
    alternative: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = 0.56  # margin for the numbers and the name of the vertical axis
    bottom: float = 0.44  # the same for the horizontal one
    key: str = ""
