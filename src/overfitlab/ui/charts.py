"""Figures on a page: our SVG, what is said of the values under a pointer, and the same as files."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from overfitlab.api.reporting import language_of_pictures
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.layout import layout
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


@lru_cache(256)
def pointed(panel: Panel) -> str:
    """Return as JSON what is said of a panel where somebody points: the box of its axes, and lines through points.

    Places are those of the SVG, and a line has a name and the text of each of its values.
    """
    place = layout(panel)
    lines = []
    for mark in panel.marks:
        if isinstance(mark, Line) and mark.label and len(mark.x) >= LEAST_POINTS and panel.y.ticks:
            points = [
                [round(place.x(x), 1), round(place.y(y), 1), f"{x:.4g}", f"{y:.4g}"]
                for x, y in zip(mark.x, mark.y, strict=True)
                if x is not None and y is not None
            ]
            lines.append({"name": mark.label, "color": mark.color, "points": points})
    if not lines:
        return ""
    found: dict[str, Any] = {"box": [round(side, 1) for side in place.box], "x": panel.x.label,
                             "lines": lines[:MOST_LINES]}  # fmt: skip
    return json.dumps(found, ensure_ascii=False)


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
