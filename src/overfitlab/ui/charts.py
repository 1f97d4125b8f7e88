"""Figures on a page: our SVG, what is said of the values under a pointer, and the same as files."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from overfitlab.api.reporting import language_of_pictures
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.layout import Layout, layout
from overfitlab.report.marks import Dots, Line, Panel
from overfitlab.report.paper import composed, drawing
from overfitlab.report.svg import panel_svg, sheet
from overfitlab.words.language import Language

DPI = 200
LEAST_POINTS = 2  # of a line under a pointer
MOST_LINES = 12
_paper = threading.Lock()  # matplotlib's settings are those of the process


@lru_cache(256)
def drawn(panel: Panel) -> Markup:
    """Return a panel as an SVG element."""
    return Markup(panel_svg(panel))  # noqa: S704 - texts in it are escaped


@dataclass(frozen=True)
class Plate:
    """A panel as it hangs on a page: `content` is what is inside its element, `name` the id of that, if it has one."""

    panel: Panel
    content: Markup
    reads: bool  # whether there are values to point at
    name: str = ""


def plate(panel: Panel, name: str = "") -> Plate:
    """Return a panel with what is said of the values under a pointer."""
    found = pointed(panel)
    read = Markup("""<p class="read" aria-live="polite" data-pointed='{}'></p>""").format(_quoted(found))
    return Plate(panel, drawn(panel) + read if found else drawn(panel), bool(found), name)


def _quoted(found: str) -> Markup:
    """Return JSON for an attribute in single quotation marks: its own, which are double ones, stay as they are."""
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;")):
        found = found.replace(sign, name)
    return Markup(found)  # noqa: S704 - it is escaped


def pointed(panel: Panel) -> str:
    """Return as JSON what is said of a panel where somebody points: the box of its axes, and lines through points.

    Places are those of the SVG, and a line has a name and the text of each of its values; nothing where there is none.
    """
    marks = [mark for mark in panel.marks if isinstance(mark, Line) and mark.label and len(mark.x) >= LEAST_POINTS]
    return _pointed(tuple(marks[:MOST_LINES]), layout(panel).bare()) if marks and panel.y.ticks else ""


@lru_cache(256)
def _pointed(marks: tuple[Line, ...], place: Layout) -> str:
    lines = []
    for mark in marks:
        points = [(x, y) for x, y in zip(mark.x, mark.y, strict=True) if x is not None and y is not None]
        lines.append({
            "name": mark.label, "color": mark.color, "at": [round(place.x(x), 1) for x, _ in points],
            "height": [round(place.y(y), 1) for _, y in points], "x": [f"{x:.4g}" for x, _ in points],
            "y": [f"{y:.4g}" for _, y in points],
        })  # fmt: skip
    found: dict[str, Any] = {"box": [round(side, 1) for side in place.box], "x": place.panel.x.label, "lines": lines}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def leading(panels: Sequence[Panel], places: Mapping[str, str]) -> list[Panel]:
    """Return panels whose dots lead somewhere: `places` has an address for the key of a dot."""

    def led(panel: Panel) -> Iterator[Any]:
        for mark in panel.marks:
            if isinstance(mark, Dots):
                dots = tuple(replace(dot, reference=places.get(dot.key, "")) for dot in mark.dots)
                yield replace(mark, dots=dots)
            else:
                yield mark

    return [replace(panel, marks=tuple(led(panel))) for panel in panels]


def as_svg(panels: Sequence[Panel], columns: int) -> bytes:
    """Return a figure as a file: SVG."""
    return sheet(panels, columns).encode()


def as_png(panels: Sequence[Panel], columns: int) -> bytes:
    """Return a figure as a file: PNG. Its letters have to be those of a font that is installed here."""
    with _paper:
        figure = composed(panels, columns)
        with drawing():
            return compressed(pixels(figure, DPI), DPI)


def language_of_file(kind: str, say: Language) -> Language:
    """Return the language of a figure's file: as PNG it is drawn here, where fonts may be missing."""
    return language_of_pictures(say) if kind == "png" else say
