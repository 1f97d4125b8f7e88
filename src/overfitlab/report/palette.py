"""The colours of figures and pages: one name each, with its value on light and on dark ground."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Color:
    """A colour as `#rrggbb`: figures are drawn in `light`; on dark ground a page puts `dark` in its place."""

    light: str
    dark: str


# Text has a contrast of at least 4.5 to the surface, lines and marks of at least 3 (WCAG 2.2); the two lines of a
# figure also differ in lightness, so that they stay apart in print and for colour-blind people.
COLORS = MappingProxyType(
    {
        "surface": Color("#ffffff", "#14161b"),
        "panel": Color("#f4f5f7", "#1d2027"),
        "ink": Color("#1a1c22", "#e6e8ec"),
        "soft": Color("#555b66", "#a7aebb"),
        "grid": Color("#dfe2e7", "#343943"),
        "train": Color("#0b5cad", "#6db3ff"),
        "val": Color("#c2500a", "#ffa15e"),
        "method": Color("#6b3fa0", "#c6a8ff"),
        "other": Color("#757b87", "#949cab"),
        "helps": Color("#1a6b35", "#6fd08c"),
        "harms": Color("#b3261e", "#ff9a90"),
        "zone": Color("#d5ead9", "#24422d"),
        "share": Color("#6fa3d8", "#1f5fa8"),
        "link": Color("#0a55a0", "#82bdff"),
    }
)


def light(name: str) -> str:
    """Return the colour on light ground: `#rrggbb`."""
    return COLORS[name].light
