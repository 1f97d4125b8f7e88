"""SVG of ours read back: where its letters and marks lie, in points from the upper left corner."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from overfitlab.report.layout import ASCENT, DESCENT
from overfitlab.report.lettering import POINTS, inches

NAMESPACE = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?\d+(?:\.\d+)?"


@dataclass(frozen=True)
class Letters:
    """A line of text, and the box around it as it is shown."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Letters") -> bool:
        """Return whether the two are drawn over each other."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 0 and down > 0


def root_of(svg: str) -> ET.Element:
    """Return the root of a document, or of an element that stands in a page."""
    return ET.fromstring(svg)


def elements(svg: str, name: str) -> list[ET.Element]:
    """Return all elements of that name."""
    return [each for each in root_of(svg).iter() if each.tag.removeprefix(NAMESPACE) == name]


def lettering_of(svg: str) -> list[Letters]:
    """Return every line of text."""
    return [_letters(each) for each in elements(svg, "text")]


def _letters(element: ET.Element) -> Letters:
    x, y, size = (float(element.attrib[name]) for name in ("x", "y", "font-size"))
    text = element.text or ""
    wide = POINTS * inches(text, size, bold=element.get("font-weight") == "bold")
    start = {"start": 0.0, "middle": wide / 2, "end": wide}[element.get("text-anchor", "start")]
    if "transform" in element.attrib:  # it reads upwards
        assert element.attrib["transform"] == f"rotate(-90 {element.attrib['x']} {element.attrib['y']})"
        return Letters(text, x - ASCENT * size, y + start - wide, x + DESCENT * size, y + start)
    return Letters(text, x - start, y - ASCENT * size, x - start + wide, y + DESCENT * size)


def points_of(svg: str) -> list[tuple[float, float]]:
    """Return the corners of all that is drawn, letters aside."""
    found = []
    for each in root_of(svg).iter():
        name = each.tag.removeprefix(NAMESPACE)
        if name == "path":
            found += [(float(x), float(y)) for x, y in re.findall(rf"({NUMBER}) ({NUMBER})", each.attrib["d"])]
        elif name == "rect" and "%" not in each.attrib["width"]:
            x, y, wide, high = (float(each.attrib[key]) for key in ("x", "y", "width", "height"))
            found += [(x, y), (x + wide, y + high)]
        elif name == "circle":
            x, y, r = (float(each.attrib[key]) for key in ("cx", "cy", "r"))
            found += [(x - r, y - r), (x + r, y + r)]
    return found
