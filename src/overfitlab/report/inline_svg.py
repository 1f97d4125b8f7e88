"""Panels as SVG: inside a page, and several of them on a sheet of their own.

Without styles that a strict content security policy would refuse, in colours that follow the page into the dark, with
letters that the reader's browser has, and a text alternative.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from matplotlib import rc_context
from matplotlib.figure import Figure

from overfitlab.report.lettering import fonts_of_the_reader
from overfitlab.report.palette import COLORS, light
from overfitlab.report.panels import WIDTH, Panel, composed, drawing

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
POINTS = 72  # in an inch
FONTS = "DejaVu Sans, Noto Sans, Noto Sans CJK KR, Noto Sans KR, Malgun Gothic, Helvetica, Arial, sans-serif"
NAMES = {color.light: name for name, color in COLORS.items()}
FONT = re.compile(r"^(?P<styles>.*?)(?P<size>[\d.]+px)\b")
REFERENCE = re.compile(r"^url\(#(?P<id>[^)]+)\)$")
DROPPED = (f"{SVG}metadata", f"{SVG}style")
REPLACED = ("style", "id", "font-family", LINK)


@dataclass(frozen=True)
class DrawnPanel:
    """A panel as an `<svg>` element, and its height in inches."""

    svg: str
    height: float


def inline_svg(panel: Panel, name: str) -> DrawnPanel:
    """Return the panel as an `<svg>` element for a page; `name` keeps its ids apart from those of other figures."""
    with fonts_of_the_reader(), drawing(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "overfitlab"}):
        figure = composed([panel])
        figure.patch.set_visible(False)  # the page has its own ground
        root = ET.fromstring(_svg(figure))  # noqa: S314 - matplotlib wrote it a moment ago
    _cleaned(root, name)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": panel.alternative}
    ET.register_namespace("", SVG.strip("{}"))
    return DrawnPanel(ET.tostring(root, encoding="unicode"), panel.height)


def sheet(panels: Sequence[DrawnPanel], columns: int) -> str:
    """Return panels as one SVG file, row by row, on white ground; its letters are text, in the reader's sans-serif."""
    columns = max(1, min(columns, len(panels)))
    rows = [panels[first : first + columns] for first in range(0, len(panels), columns)]
    width, height = POINTS * WIDTH, 0.0
    placed = []
    for row in rows:
        for column, panel in enumerate(row):
            place = f'x="{column * width:g}" y="{height:g}" width="{width:g}" height="{POINTS * panel.height:g}"'
            placed.append(panel.svg.replace("<svg ", f"<svg {place} ", 1))
        height += POINTS * max(panel.height for panel in row)
    box = f"0 0 {columns * width:g} {height:g}"
    ground = f'<rect width="100%" height="100%" fill="{light("surface")}"/>'
    return (
        f'<svg xmlns="{SVG.strip("{}")}" width="{columns * width:g}pt" height="{height:g}pt" viewBox="{box}" '
        f'font-family="{FONTS}" stroke-linejoin="round">{ground}{"".join(placed)}</svg>\n'
    )


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def _cleaned(root: ET.Element, name: str) -> None:
    for parent in root.iter():
        for child in [child for child in parent if child.tag in DROPPED]:
            parent.remove(child)
    for element in root.iter():
        attributes = element.attrib | _styles(element)
        kept = {key: _renamed(value, name) for key, value in attributes.items() if key not in REPLACED}
        if LINK in attributes:
            kept["href"] = f"#{name}-{attributes[LINK].removeprefix('#')}"
        if element.tag in (f"{SVG}clipPath", f"{SVG}path") and "id" in attributes:  # what others refer to
            kept["id"] = f"{name}-{attributes['id']}"
        classes = [f"{key}-{NAMES[kept[key]]}" for key in ("fill", "stroke") if kept.get(key) in NAMES]
        if classes:
            kept["class"] = " ".join(classes)
        element.attrib = kept
        element.text, element.tail = _bare(element.text), _bare(element.tail)


def _renamed(value: str, name: str) -> str:
    found = REFERENCE.match(value)
    return f"url(#{name}-{found['id']})" if found else value


def _bare(text: str | None) -> str | None:
    return text and (text if text.strip() else "")


def _styles(element: ET.Element) -> dict[str, str]:
    """Return the properties of a `style` attribute as attributes of their own, which no policy refuses."""
    found: dict[str, str] = {}
    for entry in element.get("style", "").split(";"):
        key, _, value = (part.strip() for part in entry.partition(":"))
        if key == "font":  # `bold 9px 'DejaVu Sans', ...`: the page chooses the family
            font = FONT.match(value)
            if font:
                found["font-size"] = font["size"]
                if "700" in font["styles"] or "bold" in font["styles"]:
                    found["font-weight"] = "bold"
        elif key:
            found[key] = value
    return found
