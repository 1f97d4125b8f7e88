"""Parts of a page, which are put in place one by one: only what has become different is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

MARK = re.compile("\0([^\0]*)\0")


@dataclass(frozen=True)
class Part:
    """HTML of a place, in which elements can change alone: those with the ids of its `pieces`, marked in its text."""

    text: str
    pieces: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> Markup:
        """All of it."""
        text = MARK.sub(lambda found: self.pieces.get(found[1], ""), self.text)
        return Markup(text)  # noqa: S704 - what is put into templates is escaped there


Parts = Mapping[str, Part]  # by the ids of their places


def mark(name: str) -> Markup:
    """Return what stands for a piece in the text of its part."""
    return Markup(f"\0{name}\0")  # noqa: S704 - ids are ours


def news(parts: Parts, told: Parts) -> dict[str, str]:
    """Return what is different from what a reader was told: HTML by ids, of whole parts or of pieces of them."""
    found = {}
    for name, part in parts.items():
        before = told.get(name)
        if before is None or before.text != part.text or before.pieces.keys() != part.pieces.keys():
            found[name] = str(part.whole)
        else:
            found |= {piece: html for piece, html in part.pieces.items() if html != before.pieces[piece]}
    return found
