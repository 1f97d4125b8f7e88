"""Text in columns of a terminal, where a syllable of Hangul takes two of them."""

import textwrap

from rich.cells import cell_len

SECOND = "\N{HANGUL FILLER}"  # stands for the second column of a wide sign while lines are broken


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
    """Return `text` on lines of at most `width` columns, each after the `indent`."""
    doubled = "".join(sign + SECOND * (cell_len(sign) - 1) for sign in text)
    lines = textwrap.wrap(doubled, width, initial_indent=indent, subsequent_indent=indent)
    return [line.replace(SECOND, "") for line in lines]
