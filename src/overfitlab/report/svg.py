"""Panels as our own SVG: inside a page, and several of them on a sheet of their own.

Attributes alone, which no content security policy refuses: no styles, no scripts, no references, and so no ids. Colours
have classes, by which a page's style sheet replaces them in the dark; letters are text, in a font of the reader's
browser; and each panel has a text alternative.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, cast

from overfitlab.report.clipping import Box, Point, pieces, polygon, within
from overfitlab.report.layout import (
    ASCENT,
    AXIS_LETTERS,
    DESCENT,
    GROUND,
    HALF,
    LABEL_PAD,
    SAMPLE,
    SMALLER,
    TICK,
    TICK_PAD,
    Entry,
    Layout,
    beyond_ticks,
    layout,
)
from overfitlab.report.lettering import POINTS, inches
from overfitlab.report.marks import (
    LETTERS,
    WIDTH,
    Area,
    Band,
    Bars,
    Dots,
    Line,
    Mark,
    Matrix,
    Panel,
    Remark,
    Rule,
    Text,
)
from overfitlab.report.palette import light, readable_on, shade
from overfitlab.report.svg_elements import (
    Attribute,
    element,
    escaped,
    fill,
    letters,
    letters_upwards,
    outline,
    path,
    rounded,
    straight,
    stroke,
    symbol,
)

NAMESPACE = "http://www.w3.org/2000/svg"
FONTS = "DejaVu Sans, Noto Sans, Noto Sans CJK KR, Noto Sans KR, Malgun Gothic, Helvetica, Arial, sans-serif"
PAD, PAD_OF_TWO, LINE_HEIGHT = 5.0, 4.0, 1.2  # points between a title and the axes; of letters, from line to line
GROUND_PAD = 1.0
AXIS_LINE, GRID_LINE = 0.8, 0.6
SEAM = 0.2  # of a cell's own colour around it, so that the ground does not shine through between cells


def panel_svg(panel: Panel, corner: Point | None = None) -> str:
    """Return the panel as an `<svg>` element: for a page, or, with its upper left corner, for a place on a sheet."""
    place = layout(panel)
    axes = place.bare()
    width, height = POINTS * panel.width, POINTS * panel.height
    where = {} if corner is None else {"x": corner[0], "y": corner[1], "width": width, "height": height}
    marks = (_drawn(mark, axes) for mark in panel.marks)
    parts = chain([_grid(axes)], marks, [_axes(axes)], _title(place), map(_entry, place.legend))
    return element(
        "svg", "".join(parts), **where, viewBox=f"0 0 {rounded(width)} {rounded(height)}", role="img",
        aria_label=panel.alternative, stroke_linejoin="round", data_key=panel.key or None,
    )  # fmt: skip


def sheet(panels: Sequence[Panel], columns: int) -> str:
    """Return panels as one SVG file, row by row, on white ground; its letters are text, in the reader's sans-serif."""
    columns = max(1, min(columns, len(panels)))
    rows = [panels[first : first + columns] for first in range(0, len(panels), columns)]
    width, top, placed = POINTS * WIDTH, 0.0, []
    for row in rows:
        placed += [panel_svg(panel, (column * width, top)) for column, panel in enumerate(row)]
        top += POINTS * max(panel.height for panel in row)
    ground = element("rect", width="100%", height="100%", fill=light("surface"))
    root = element(
        "svg", ground + "".join(placed), xmlns=NAMESPACE, width=f"{rounded(columns * width)}pt",
        height=f"{rounded(top)}pt", viewBox=f"0 0 {rounded(columns * width)} {rounded(top)}", font_family=FONTS,
    )  # fmt: skip
    return root + "\n"


# Most parts of a figure stay when it grows: they are kept, by the axes that are the same for all that is drawn there.


def _drawn(mark: Mark, place: Layout) -> str:
    return _drawn_once(mark, place) if isinstance(mark, Line | Band) else "".join(DRAWN[type(mark)](mark, place))


@lru_cache(1024)
def _drawn_once(mark: Line | Band, place: Layout) -> str:
    return "".join(DRAWN[type(mark)](mark, place))


@lru_cache(256)
def _grid(place: Layout) -> str:
    x, y = place.panel.x, place.panel.y
    lines = [(place.x(tick.value), place.top, place.x(tick.value), place.bottom) for tick in x.ticks if x.grid]
    lines += [(place.left, place.y(tick.value), place.right, place.y(tick.value)) for tick in y.ticks if y.grid]
    return element("path", d=straight(lines), **stroke("grid", GRID_LINE)) if lines else ""


@lru_cache(256)
def _axes(place: Layout) -> str:
    """Return the lines at the edges, the ticks at them, what stands there, and the names of the axes."""
    return "".join(_parts_of_axes(place))


def _parts_of_axes(place: Layout) -> Iterable[str]:
    x, y, left, bottom = place.panel.x, place.panel.y, place.left, place.bottom
    lines = [(place.x(tick.value), bottom, place.x(tick.value), bottom + TICK) for tick in x.ticks]
    lines += [(left - TICK, place.y(tick.value), left, place.y(tick.value)) for tick in y.ticks]
    lines += [(left, bottom, place.right, bottom)] if x.line else []
    lines += [(left, place.top, left, bottom)] if y.line else []
    yield element("path", d=straight(lines), **stroke("soft", AXIS_LINE))
    under, half = bottom + TICK + TICK_PAD, HALF * x.letters
    for tick in x.ticks:
        if x.turned:
            yield letters_upwards(tick.label, place.x(tick.value) + half, under, x.letters, "end")
        else:
            yield letters(tick.label, place.x(tick.value), under + ASCENT * x.letters, x.letters, anchor="middle")
    for tick in y.ticks:
        base = place.y(tick.value) + HALF * y.letters
        yield letters(tick.label, left - TICK - TICK_PAD, base, y.letters, anchor="end")
    if x.label:
        base = bottom + beyond_ticks(x, across=True) + LABEL_PAD + ASCENT * AXIS_LETTERS
        half = POINTS * inches(x.label, AXIS_LETTERS) / 2
        middle = min(max(left + place.width / 2, half), POINTS * place.panel.width - half)  # within the panel
        yield letters(x.label, middle, base, AXIS_LETTERS, anchor="middle")
    if y.label:
        base = left - beyond_ticks(y, across=False) - LABEL_PAD - DESCENT * AXIS_LETTERS
        middle = place.top + place.height / 2
        yield letters_upwards(y.label, max(base, ASCENT * AXIS_LETTERS), middle, AXIS_LETTERS, "middle")


def _title(place: Layout) -> Iterable[str]:
    size = place.title_letters
    last = place.top - (PAD_OF_TWO if size == SMALLER else PAD)
    for number, line in enumerate(reversed(place.title)):
        yield letters(line, place.left, last - number * LINE_HEIGHT * size, size, font_weight="bold")


@lru_cache(1024)
def _entry(entry: Entry) -> str:
    """Return one line of the legend: a sample of the mark, and its label."""
    return "".join(_parts_of_entry(entry))


def _parts_of_entry(entry: Entry) -> Iterable[str]:
    mark, middle = entry.mark, entry.middle
    left, right = entry.left, entry.left + SAMPLE
    match mark:
        case Line() | Rule():
            looks = stroke(mark.color, mark.width, mark.dash, mark.opacity if isinstance(mark, Line) else 1.0)
            yield element("path", d=straight([(left, middle, right, middle)]), **looks)
            if isinstance(mark, Line) and mark.marker:
                yield symbol((left + right) / 2, middle, mark.marker, "circle", **fill(mark.color, mark.opacity))
        case Band() | Area() | Bars():
            high = 0.7 * LETTERS
            looks = fill(mark.color, 1.0 if isinstance(mark, Bars) else mark.opacity)
            yield element("rect", x=left, y=middle - high / 2, width=SAMPLE, height=high, **looks)
        case Dots():
            yield symbol((left + right) / 2, middle, mark.size, mark.shape, **fill(mark.color, mark.opacity))
    yield letters(entry.label, entry.text, middle + HALF * LETTERS, LETTERS)


def _line(mark: Line, place: Layout) -> Iterable[str]:
    for run in _runs(list(zip(mark.x, mark.y, strict=True))):
        points = [(place.x(x), place.y(y)) for x, y in run]
        drawn = "".join(path(piece) for piece in pieces(points, place.box) if len(piece) > 1)
        if drawn:
            looks = stroke(mark.color, mark.width, mark.dash, mark.opacity)
            yield element("path", d=drawn, **looks, data_key=mark.key or None)
        if mark.marker:
            looks = fill(mark.color, mark.opacity)
            yield from (symbol(x, y, mark.marker, "circle", **looks) for x, y in points if within((x, y), place.box))


def _band(mark: Band, place: Layout) -> Iterable[str]:
    for run in _runs(list(zip(mark.x, mark.low, mark.high, strict=True))):
        lower = [(place.x(x), place.y(low)) for x, low, _ in run]
        upper = [(place.x(x), place.y(high)) for x, _, high in run]
        inside = polygon([*lower, *reversed(upper)], place.box)
        if inside:
            looks = fill(mark.color, mark.opacity)
            yield element("path", d=outline(inside), **looks, data_key=mark.key or None)


def _dots(mark: Dots, place: Layout) -> Iterable[str]:
    for dot in mark.dots:
        x, y = place.x(dot.x), place.y(dot.y)
        if within((x, y), place.box):
            yield symbol(x, y, dot.size, mark.shape, dot, **fill(mark.color, mark.opacity))


def _rule(mark: Rule, place: Layout) -> Iterable[str]:
    left, top, right, bottom = place.box
    if mark.axis == "x":
        left = right = place.x(mark.at)
    else:
        top = bottom = place.y(mark.at)
    if within((left, top), place.box):
        looks = stroke(mark.color, mark.width, mark.dash)
        yield element("path", d=straight([(left, top, right, bottom)]), **looks, data_key=mark.key or None)


def _area(mark: Area, place: Layout) -> Iterable[str]:
    left, top, right, bottom = place.box
    if mark.axis == "x":
        left, right = place.x(mark.low), place.x(mark.high)
    else:
        bottom, top = place.y(mark.low), place.y(mark.high)
    yield from _rectangle((left, top, right, bottom), place.box, data_key=mark.key or None,
                          **fill(mark.color, mark.opacity))  # fmt: skip


def _bars(mark: Bars, place: Layout) -> Iterable[str]:
    half = mark.thickness / 2
    for bar in mark.bars:
        corners = (place.x(0), place.y(bar.at - half), place.x(bar.length), place.y(bar.at + half))
        yield from _rectangle(corners, place.box, data_key=bar.key or None, **fill(mark.color))


def _text(mark: Text, place: Layout) -> Iterable[str]:
    x, y = place.x(mark.x), place.y(mark.y)
    base = y if mark.stands else y + HALF * mark.size
    if mark.ground:
        wide = POINTS * inches(mark.text, mark.size)
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[mark.anchor]
        yield element(
            "rect", x=left - GROUND_PAD, y=base - ASCENT * mark.size - GROUND_PAD, width=wide + 2 * GROUND_PAD,
            height=(ASCENT + DESCENT) * mark.size + 2 * GROUND_PAD, **fill("surface", GROUND),
        )  # fmt: skip
    yield letters(mark.text, x, base, mark.size, color=mark.color, anchor=mark.anchor, data_key=mark.key or None)


def _matrix(mark: Matrix, place: Layout) -> Iterable[str]:
    """Return the cells, those of one shade together, as a hundred classes have ten thousand of them.

    Their shades are not those of the page, as the letters on them are either light or dark.
    """
    nothing, rows, columns = shade(0.0), len(mark.values), len(mark.values[0])
    across = [place.x(column - 0.5) for column in range(columns + 1)]
    down = [place.y(row - 0.5) for row in range(rows + 1)]
    cells: dict[str, list[str]] = {nothing: [_cell(across[0], down[0], across[-1], down[-1])]}
    for row, values in enumerate(mark.values):
        for column, share in enumerate(values):
            if shade(share) != nothing:
                cell = _cell(across[column], down[row], across[column + 1], down[row + 1])
                cells.setdefault(shade(share), []).append(cell)
    for color, found in cells.items():
        yield element("path", d="".join(found), fill=color, stroke=color, stroke_width=SEAM)
    for row, (values, texts) in enumerate(zip(mark.values, mark.texts, strict=True)):
        for column, (share, text) in enumerate(zip(values, texts, strict=True)):
            if text:
                yield element(
                    "text", escaped(text), x=place.x(column), y=place.y(row) + HALF * mark.size, font_size=mark.size,
                    text_anchor="middle", fill=readable_on(shade(share)),
                )  # fmt: skip


def _cell(left: float, top: float, right: float, bottom: float) -> str:
    return outline([(left, top), (right, top), (right, bottom), (left, bottom)])


# a mark where it lies; what lies outside of the axes is left out
DRAWN: Mapping[type[Mark], Callable[[Any, Layout], Iterable[str]]] = {
    Line: _line, Band: _band, Dots: _dots, Rule: _rule, Area: _area, Bars: _bars, Text: _text, Matrix: _matrix,
    Remark: lambda *_: (),
}  # fmt: skip


def _rectangle(corners: Box, box: Box, **looks: Attribute) -> Iterable[str]:
    """Return the part of a rectangle, given by two corners that face each other, that lies in the box."""
    left, right = (min(max(value, box[0]), box[2]) for value in sorted((corners[0], corners[2])))
    top, bottom = (min(max(value, box[1]), box[3]) for value in sorted((corners[1], corners[3])))
    if right > left and bottom > top:
        yield element("rect", x=left, y=top, width=right - left, height=bottom - top, **looks)


def _runs(points: Sequence[tuple[float | None, ...]]) -> list[list[tuple[float, ...]]]:
    """Return the points in runs that are wholly known."""
    whole = [cast("tuple[float, ...]", point) for point in points if None not in point]
    if len(whole) == len(points):
        return [whole] if whole else []
    runs: list[list[tuple[float, ...]]] = [[]]
    for point in points:
        known = tuple(value for value in point if value is not None)
        if len(known) == len(point):
            runs[-1].append(known)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
