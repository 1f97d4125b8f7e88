"""Text in columns of a terminal, where a syllable of Hangul takes two of them."""

import contextlib
import os
import re
import textwrap
from typing import TextIO

from rich.cells import cell_len

SECOND = "\N{HANGUL FILLER}"  # stands for the second column of a wide sign while lines are broken
NO_BREAK = "\N{NO-BREAK SPACE}"  # the same for a blank at which no line may break
# a percentage, `p < 0.05`, `n = 3`, `+0.2 to +1.3`, `12 min`, `- val_loss: 0.41`
TOGETHER = re.compile(
    r"\d (?=%)|\b[pn] [<=] (?=[\d<])|[+-]?\d[\d.,]* (?:to|~) [+-]?\d[\d.,]*|\d (?=(?:points?|nats?|min|h|s)\b)"
    r"|(?<=\w): (?=[+-]?\d)|- (?=\w+: )"
)
STANDARD = 80  # columns


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` with blanks up to `width` columns, behind it or, flush right, in front of it."""
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks


def centred(text: str, width: int) -> str:
    """Return `text` in the middle of `width` columns."""
    return text.center(width - (cell_len(text) - len(text)))


def cut(text: str, width: int) -> str:
    """Return as much of the beginning of `text` as fits into `width` columns."""
    while cell_len(text) > width:
        text = text[:-1]
    return text


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return `text` on lines of at most `width` columns, each after the `indent`.

    Lines break at words; a number stays with its sign and unit, and words keep their hyphens: `--first-seed`.
    """
    kept = TOGETHER.sub(lambda found: found[0].replace(" ", NO_BREAK), text)
    doubled = "".join(sign + SECOND * (cell_len(sign) - 1) for sign in kept)
    lines = textwrap.wrap(doubled, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace(SECOND, "").replace(NO_BREAK, " ") for line in lines]


def screen_width(stream: TextIO) -> int | None:
    """Return how many columns a stream shows: those of its terminal, or $COLUMNS; None where lines stay whole."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    with contextlib.suppress(OSError, ValueError):  # a terminal that does not say how wide it is has 0
        if stream.isatty():
            return os.get_terminal_size(stream.fileno()).columns or STANDARD
    return None
