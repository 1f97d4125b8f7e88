"""Elements of SVG with presentation attributes alone; every text is escaped here, and every number rounded."""

import math
import re
from collections.abc import Iterable, Sequence
from html import escape

from overfitlab.report.clipping import Point
from overfitlab.report.marks import Dash, Dot, Shape
from overfitlab.report.palette import COLORS

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # signs that no XML file may hold

Attribute = str | float | None


def element(name: str, content: str = "", /, **attributes: Attribute) -> str:
    """Return an element whose content is SVG already; an attribute that is None is left out.

    `_` in the name of an attribute stands for `-`.
    """
    given = "".join(
        f' {key if key == "viewBox" else key.replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def letters(
    text: str, x: float, y: float, size: float, *, color: str = "ink", anchor: str = "start", **more: Attribute
) -> str:
    """Return a line of letters that stands on `y`; its start, middle or end lies at `x`."""
    where = None if anchor == "start" else anchor
    return element("text", escaped(text), x=x, y=y, font_size=size, text_anchor=where, **fill(color), **more)


def letters_upwards(text: str, x: float, y: float, size: float, anchor: str) -> str:
    """Return a line of letters that reads upwards, and stands on `x`."""
    return letters(text, x, y, size, anchor=anchor, transform=f"rotate(-90 {rounded(x)} {rounded(y)})")


def symbol(x: float, y: float, size: float, shape: Shape, dot: Dot | None = None, /, **looks: Attribute) -> str:
    """Return a dot around its middle; where it has a tip, that is shown to who points at it."""
    tip = "" if dot is None or not dot.tip else element("title", escaped(dot.tip))
    named = {} if dot is None else {"data_key": dot.key or None, "data_reference": dot.reference or None}
    if shape == "circle":
        return element("circle", tip, cx=x, cy=y, r=size / 2, **looks, **named)
    if shape == "square":
        return element("rect", tip, x=x - size / 2, y=y - size / 2, width=size, height=size, **looks, **named)
    half = size * math.sqrt(0.5)
    return element("path", tip, d=outline([(x - half, y), (x, y - half), (x + half, y), (x, y + half)]),
                   **looks, **named)  # fmt: skip


def path(points: Sequence[Point]) -> str:
    """Return the description of a line through points, for the attribute `d`."""
    return "M" + "L".join(f"{rounded(x)} {rounded(y)}" for x, y in points)


def outline(points: Sequence[Point]) -> str:
    """Return the same of an area with those corners."""
    return path(points) + "Z"


def straight(lines: Iterable[tuple[float, float, float, float]]) -> str:
    """Return the same of straight lines, given by x and y of both ends."""
    return "".join(path([line[:2], line[2:]]) for line in lines)


def fill(color: str, opacity: float = 1.0) -> dict[str, Attribute]:
    """Return the attributes of an area in a colour of the palette; a page can replace it by its class."""
    return {"fill": COLORS[color].light, "fill_opacity": None if opacity == 1 else opacity, "class": f"fill-{color}"}


def stroke(color: str, width: float, dash: Dash = (), opacity: float = 1.0) -> dict[str, Attribute]:
    """Return the attributes of a line."""
    return {
        "fill": "none", "stroke": COLORS[color].light, "stroke_width": width, "class": f"stroke-{color}",
        "stroke_dasharray": " ".join(rounded(width * part) for part in dash) or None,
        "stroke_opacity": None if opacity == 1 else opacity,
    }  # fmt: skip


def rounded(value: float) -> str:
    """Return a number to a hundredth of a point."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def escaped(text: str) -> str:
    """Return a text of a stranger as one that neither HTML nor XML takes for anything else."""
    return escape(NO_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else rounded(value)
