"""A demonstration of a method as text: grids as shades, lines as columns of blocks, in a given number of columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len

from overfitlab.describe.panels import Bars, Curves, Demonstration, Grid, Row, Series, Values
from overfitlab.words.columns import centred, cut, padded, wrapped
from overfitlab.words.language import ENGLISH, Language

NARROWEST = 40  # in less the words of a chart do not fit
CHART_ROWS = 5
GAP = "  "
PIXEL = 2  # characters side by side look like a square


@dataclass(frozen=True)
class Letters:
    """What a drawing is made of."""

    shades: str  # from dark to bright
    eighths: str  # of a column of a chart: from empty to full
    pointer: str


BLOCKS = Letters(" ░▒▓█", " ▁▂▃▄▅▆▇█", "▲")
ASCII = Letters(" .:-=+*#%@", "  ...::##", "^")


def letters_for(encoding: str | None) -> Letters:
    """Return blocks where the encoding can say them, ASCII where it cannot."""
    try:
        "".join((BLOCKS.shades, BLOCKS.eighths, BLOCKS.pointer)).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def drawn(demonstration: Demonstration, width: int, letters: Letters, say: Language = ENGLISH) -> str:
    """Return the demonstration, its caption first, in lines of at most `width` columns."""
    width = max(width, NARROWEST)
    caption = f"{demonstration.caption} {demonstration.legend(say('Blank'), letters.shades[-1], say)}"
    lines = [*wrapped(caption, width), ""]
    grids = [row for row in demonstration.rows if isinstance(row.panels[0], Grid)]
    lines += _grids(grids, width, letters)
    for panel in demonstration.panels:
        if isinstance(panel, Curves):
            lines += _curves(panel, width, letters)
        elif isinstance(panel, Bars):
            lines += _bars(panel, width, letters)
    return "\n".join(line.rstrip() for line in lines)


def _grids(rows: list[Row], width: int, letters: Letters) -> Iterator[str]:
    """Yield rows of grids, in bands of as many columns as fit."""
    cells = [[_cell(panel, letters, width) for panel in row.panels if isinstance(panel, Grid)] for row in rows]
    widest = max((cell_len(line) for row in cells for cell in row for line in cell), default=1)
    fitting = max(1, (width + len(GAP)) // (widest + len(GAP)))
    columns = max((len(row) for row in cells), default=0)
    for start in range(0, columns, fitting):
        for row, of_row in zip(rows, cells, strict=True):
            band = of_row[start : start + fitting]
            if row.label:
                yield f"{row.label}:"
            height = max((len(cell) for cell in band), default=0)
            for number in range(height):
                yield GAP.join(padded(cell[number] if number < len(cell) else "", widest) for cell in band)
            yield ""


def _cell(panel: Grid, letters: Letters, width: int) -> list[str]:
    """Return the lines of one grid: its caption, and a line for each of its rows."""
    spread = (panel.high - panel.low) or 1.0
    shares = np.nan_to_num((panel.values - panel.low) / spread).clip(0, 1)
    levels = np.rint(shares * (len(letters.shades) - 1)).astype(int)
    pixel = PIXEL if panel.values.shape[1] * PIXEL <= width else 1
    picture = ["".join(letters.shades[level] * pixel for level in row)[:width] for row in levels]
    return [*(cut(line, width) for line in panel.caption.split("\n") if line), *picture]


def _curves(panel: Curves, width: int, letters: Letters) -> Iterator[str]:
    """Yield a chart for each line, all with the same axes."""
    values = np.concatenate([series.y for series in panel.series])
    left, right = (float(end(series.x[k] for series in panel.series)) for end, k in ((min, 0), (max, -1)))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if 0 <= low < high / 2:  # columns of blocks are read from zero, where that leaves something to see
        low = 0.0
    labels = [f"{high:.3g}", *[""] * (CHART_ROWS - 2), f"{low:.3g}"]
    margin = max(len(label) for label in labels) + 1
    columns = width - margin - 1
    at = np.linspace(left, right, columns)
    for series in panel.series:
        yield f"{panel.y_label}, {series.label}:" if len(panel.series) > 1 else f"{panel.y_label}:"
        for label, line in zip(labels, _columns(series, at, (low, high), letters), strict=True):
            yield f"{label:>{margin - 1}} |{line}"
    ends = f"{left:g}", f"{right:g}"
    yield " " * margin + " " + ends[0] + centred(panel.x_label, columns - len("".join(ends))) + ends[1]
    for mark in panel.marks:
        place = margin + 1 + round((mark.x - left) / ((right - left) or 1) * (columns - 1))
        after = f"{' ' * place}{letters.pointer} {mark.label}"
        before = padded(f"{mark.label} {letters.pointer}", place + 1, right=True)
        yield after if cell_len(after) <= width else before
    yield ""


def _columns(series: Series, at: Values, ends: tuple[float, float], letters: Letters) -> list[str]:
    """Return the rows of a chart, the top one first; where the line has no values there is nothing."""
    low, high = ends
    y = np.interp(at, series.x, series.y, left=np.nan, right=np.nan)
    steps = (len(letters.eighths) - 1) * CHART_ROWS
    heights = 1 + (y - low) / ((high - low) or 1.0) * (steps - 1)  # the lowest value is still to be seen
    heights = np.rint(np.nan_to_num(heights, nan=0.0)).astype(int)
    full = len(letters.eighths) - 1
    rows = range(CHART_ROWS - 1, -1, -1)
    return ["".join(letters.eighths[min(max(height - row * full, 0), full)] for height in heights) for row in rows]


def _bars(panel: Bars, width: int, letters: Letters) -> Iterator[str]:
    """Yield a line for each bar, with its number."""
    largest = max(float(values.max()) for values in panel.series.values()) or 1.0
    number_width = max(len(f"{value:g}") for values in panel.series.values() for value in values)
    label_width = max(cell_len(label) for label in panel.labels)
    name_width = max(cell_len(name) for name in panel.series)
    room = width - label_width - name_width - number_width - 4
    yield f"{panel.y_label}:"
    for place, label in enumerate(panel.labels):
        for number, (name, values) in enumerate(panel.series.items()):
            bar = letters.shades[-1 if number else -2] * max(1, round(float(values[place]) / largest * room))
            shown = label if number == 0 else ""
            named = f"{padded(shown, label_width)}  {padded(name, name_width)}"
            yield f"{named} {values[place]:>{number_width}g} {bar}"
    yield ""
