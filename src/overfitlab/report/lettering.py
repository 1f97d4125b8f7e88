"""Text of strangers in figures: names of classes and files, whatever they hold.

matplotlib reads `$` as mathematics and warns about every letter that no font has. Names come from folders, so they can
hold both, and line breaks, and bytes that are no text.
"""

import contextlib
import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

from matplotlib import font_manager, rc_context
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import TextToPath
from rich.cells import cell_len

DEFAULT_FONT = "DejaVu Sans"  # comes with matplotlib
# for Chinese, Japanese and Korean, where one of them is installed: Linux, Windows, macOS
FALLBACK_FONTS = (
    *("Noto Sans CJK KR", "Noto Sans CJK JP", "Noto Sans KR", "NanumGothic", "NanumBarunGothic", "UnDotum"),
    *("Malgun Gothic", "Microsoft YaHei", "Yu Gothic", "Apple SD Gothic Neo", "AppleGothic", "Hiragino Sans"),
    *("PingFang HK", "WenQuanYi Micro Hei", "Arial Unicode MS"),
)
# how the names of their files begin
FALLBACK_FILES = ("notosanscjk", "notosanskr", "nanum", "undotum", "malgun", "msyh", "yugoth", "applesdgothic",
                  "applegothic", "hiragino", "pingfang", "wqy", "arialuni", "arial unicode")  # fmt: skip
LONGEST_LINE = 80  # letters of a title
LONGEST_NAME = 300  # of a name that is broken into lines
SHORTEST = 4  # of what is left of a name
POINTS = 72  # in an inch
MISSING = "\N{WHITE SQUARE}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@contextlib.contextmanager
def lettering() -> Iterator[None]:
    """Make figures inside this context, and render them in it: no mathematics, and letters of more than one font."""
    fonts = logging.getLogger(font_manager.__name__)
    before = fonts.level
    fonts.setLevel(logging.ERROR)  # that a font has no bold letters of its own is no news for a user
    try:
        with rc_context({"text.parse_math": False, "font.family": [DEFAULT_FONT, *_fallbacks()]}):
            yield
    finally:
        fonts.setLevel(before)


def on_a_line(text: str, longest: int) -> str:
    """Return `text` on one line of at most `longest` letters, shortened in its middle, without control characters."""
    signs = (" " if sign.isspace() else sign for sign in text)
    line = " ".join("".join(sign for sign in signs if unicodedata.category(sign) not in ("Cc", "Cf")).split())
    if len(line) > longest:
        front = longest // 2
        line = line[:front] + ELLIPSIS + line[len(line) - (longest - front - 1) :]
    return line


def legible(text: str, longest: int) -> str:
    """Return the same for a picture that is drawn on this machine: a letter that no font has becomes a square."""
    return drawable(on_a_line(text, longest))


@lru_cache(4096)
def inches(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a line of text is in a figure, at a size in points."""
    weight = "bold" if bold else "normal"
    measured = [sign for sign in text if ord(sign) in _letters(DEFAULT_FONT)]
    width, *_ = TextToPath().get_text_width_height_descent("".join(measured), _font(size, weight), ismath=False)
    others = size * (len(text) - len(measured))  # letters of other fonts are about as wide as high
    return float(width + others) / POINTS


@lru_cache(4096)
def fitted(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return `text` on one line of at most `width` inches, shortened in its middle."""
    longest = cell_len(text)
    while longest > SHORTEST and inches(on_a_line(text, longest), size, bold=bold) > width:
        longest -= 1
    return on_a_line(text, longest)


def in_lines(text: str, size: float, width: float, *, most: int, bold: bool = False) -> list[str]:
    """Return `text` on lines of at most `width` inches, broken after a sign where a name can be, `most` of them."""
    lines = [""]
    for part in re.findall(r"[^+,:; ]*[+,:; ]*", on_a_line(text, LONGEST_NAME)):
        if lines[-1] and inches((lines[-1] + part).rstrip(), size, bold=bold) > width:
            lines.append("")
        lines[-1] += part
    kept = [*lines[: most - 1], "".join(lines[most - 1 :])]
    return [fitted(line.rstrip(), size, width, bold=bold) for line in kept if line]


@cache
def _font(size: float, weight: str) -> font_manager.FontProperties:
    return font_manager.FontProperties(family=DEFAULT_FONT, size=size, weight=weight)


def legible_lines(text: str) -> str:
    """Return a title of one or more lines, each made legible."""
    return "\n".join(legible(line, LONGEST_LINE) for line in text.split("\n"))


def told_apart(names: Sequence[str], longest: int, *, size: float = 0.0, width: float = 0.0) -> list[str]:
    """Return a label for every name: on one line, with its number where names would be confused.

    At most `longest` letters; where a width in inches is given, no wider than that at a size in points.
    """
    short = [on_a_line(name, longest) for name in names]
    if not width:
        return _numbered(short)
    return [fitted(label, size, width) for label in _numbered([fitted(label, size, width) for label in short])]


def labels(names: Sequence[str], longest: int) -> list[str]:
    """Return a legible label of at most `longest` letters for every name, with its number where they look alike."""
    return written([on_a_line(name, longest) for name in names])


def written(names: Sequence[str]) -> list[str]:
    """Return names as a picture can show them that is drawn on this machine, with numbers where they look alike."""
    return _numbered([drawable(name) for name in names])


def _numbered(labels: Sequence[str]) -> list[str]:
    return [
        f"{number} {label}".strip() if not label or MISSING in label or labels.count(label) > 1 else label
        for number, label in enumerate(labels)
    ]


def drawable(text: str) -> str:
    """Return a line in which a letter that no font has is a square."""
    return "".join(sign if sign == " " or _has(sign) else MISSING for sign in text)


@cache
def _fallbacks() -> tuple[str, ...]:
    found = _known_fallbacks()
    if found:
        return found
    for path in font_manager.findSystemFonts():  # installed after matplotlib had made its list
        if Path(path).name.lower().startswith(FALLBACK_FILES):
            with contextlib.suppress(RuntimeError, OSError):  # no font that it can read
                font_manager.fontManager.addfont(path)
    return _known_fallbacks()


def _known_fallbacks() -> tuple[str, ...]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in FALLBACK_FONTS if name in installed)


def can_write(text: str) -> bool:
    """Return whether there is a font for every letter of `text`."""
    return all(sign.isspace() or _has(sign) for sign in set(text))


def _has(sign: str) -> bool:
    return any(ord(sign) in _letters(family) for family in (DEFAULT_FONT, *_fallbacks()))


@cache
def _letters(family: str) -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(family)).get_charmap())
