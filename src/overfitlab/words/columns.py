"""Text in columns of a terminal, where a syllable of Hangul takes two of them."""

import contextlib
import os
import re
import textwrap
from collections.abc import Iterator
from typing import IO

from rich.cells import cell_len

SECOND = "\N{HANGUL FILLER}"  # stands for the second column of a wide sign while lines are broken
NO_BREAK = "\N{NO-BREAK SPACE}"  # the same for a blank at which no line may break
# a percentage, `p < 0.05`, `n = 3`, `+0.2 to +1.3`, `12 min`
NUMBERS = re.compile(
    r"\d (?=%)|(?:\b[pn]|p값) [<=] (?=[\d<])|[+-]?\d[\d.,]* (?:to|~) [+-]?\d[\d.,]*"
    r"|\d (?=(?:points?|nats?|min|h|s|left|남음)\b)"
)
NAMED_NUMBERS = re.compile(r"(?<=\w): (?=[+-]?\d)|- (?=\w+: )")  # `- val_loss: 0.41`
# what is typed and pasted: a command, up to a word of the sentence around it or the sign that ends it
COMMAND = re.compile(
    r"(?<![\w/.-])(?:overfitlab (?:compare|data|diagnose|doctor|evaluate|explain|judge|list|methods|predict|report|show"
    r"|train|ui)\b|pip install\b|git (?:annex|lfs)\b)(?: (?!(?:and|answers|brings|can|create|has|is|lists|or|reads|says"
    r"|shows|starts|to|with)\b)[!-~]*[A-Za-z0-9_'/\\)}=-])*"
)
STANDARD = 80  # columns
WIDEST = 100  # columns of running text: longer lines are hard to read


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

    Lines break at words; a number stays with its sign and unit, and words keep their hyphens: `--first-seed`. A
    command or a path that is longer than a line stays whole all the same, so that it can be copied.
    """
    kept = text
    for pattern in (NUMBERS, NAMED_NUMBERS, COMMAND):
        kept = pattern.sub(lambda found: found[0].replace(" ", NO_BREAK), kept)
    doubled = "".join(sign + SECOND * (cell_len(sign) - 1) for sign in kept)
    lines = _folded(doubled, width, indent)
    return [line.replace(SECOND, "").replace(NO_BREAK, " ") for line in lines]


def _folded(text: str, width: int, indent: str) -> Iterator[str]:
    folding = textwrap.TextWrapper(width, indent, indent, break_on_hyphens=False, break_long_words=False)
    breaking = textwrap.TextWrapper(width, indent, indent, break_on_hyphens=False)
    for line in folding.wrap(text):
        word = line[len(indent) :]
        if len(line) <= width or word.isascii() or "/" in word or NO_BREAK in word:
            yield line
        else:  # a word of Hangul can be broken anywhere
            yield from breaking.wrap(word)


def flowing(text: str, width: int | None) -> str:
    """Return sentences whose lines break at words, none longer than `width` columns; as they are where None.

    Rows of a table, which have more than one blank between their cells, stay as they are; what is indented stays so.
    """
    if width is None:
        return text
    room = min(width, WIDEST)
    return "\n".join(part for line in text.split("\n") for part in _flowing(line, room) or [""])


def _flowing(line: str, room: int) -> list[str]:
    words = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    return wrapped(words, room, indent) if words == " ".join(words.split()) else [line]


def screen_width(stream: IO[str]) -> int | None:
    """Return how many columns a terminal shows, or $COLUMNS; None of a file or a pipe, where lines stay whole."""
    given = os.environ.get("COLUMNS", "")
    with contextlib.suppress(OSError, ValueError):
        if not stream.isatty():
            return None
        if given.isdecimal() and int(given) > 0:
            return int(given)
        return os.get_terminal_size(stream.fileno()).columns or STANDARD  # one that does not say how wide it is has 0
    return None
