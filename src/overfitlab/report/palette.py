"""The colours of figures and pages: one name each, with its value on light and on dark ground."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

SHARES = "Blues"  # one hue from light to dark: readable without colours, and by colour-blind people


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
        "margin": Color("#d5ead9", "#24422d"),
        "share": Color("#6fa3d8", "#1f5fa8"),
        "link": Color("#0a55a0", "#82bdff"),
        # of methods that are drawn into one figure, where their names have the colour too
        "blue": Color("#1560b0", "#74b6ff"),
        "orange": Color("#b84a06", "#ffa866"),
        "green": Color("#1a7437", "#77d493"),
        "magenta": Color("#b02a7c", "#ff8ac7"),
        "teal": Color("#0b6e80", "#5cc8d8"),
        "purple": Color("#6a3da8", "#c9aeff"),
        "brown": Color("#7a4a12", "#d9a86c"),
        "red": Color("#b0211a", "#ffa29a"),
    }
)
OF_METHODS = ("blue", "orange", "green", "magenta", "teal", "purple", "brown", "red")


def light(name: str) -> str:
    """Return the colour on light ground: `#rrggbb`."""
    return COLORS[name].light


def shade(share: float) -> str:
    """Return the colour of a share, from 0 to 1, in a confusion matrix: `#rrggbb`.

    It follows the square root, or the few mistakes of a good network would be invisible beside its diagonal.
    """
    known = _shades()
    return known[min(int(len(known) * math.sqrt(share)), len(known) - 1)]


@cache
def _shades() -> tuple[str, ...]:
    found = colormaps[SHARES]
    return tuple(str(to_hex(found(step))) for step in range(found.N))


def readable_on(ground: str) -> str:
    """Return white or our ink, whichever has the greater contrast (WCAG 2.2) to a ground, `#rrggbb`."""
    return max(("#ffffff", light("ink")), key=lambda color: contrast(to_rgb(color), to_rgb(ground)))


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the contrast of two colours, RGB from 0 to 1: from 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted(map(_luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Sequence[float]) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
