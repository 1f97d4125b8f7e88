"""Names from anywhere, as they can be shown, and whether two of them look the same."""

import os
import unicodedata
from pathlib import Path

WITHOUT_WIDTH = "\u200b\u2060\ufeff\u00ad"  # joiners stay: they change what letters and emoji look like


def display_name(named: Path | str) -> str:
    """Return a name that can be shown on one line anywhere: what is not printable, or not text at all, is escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in os.fspath(named)
    )


def as_seen(name: str) -> str:
    """Return what is equal of names that look the same: composed signs (Unicode's NFC), without blanks at the ends.

    macOS and archives made there write 각 and é as several signs (NFD), other systems as one. Blanks of any kind are
    one, such as those that do not break, and signs without width, which come with names out of web pages, are none.
    """
    if name.isascii():
        return name.strip() or name
    plain = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in name if sign not in WITHOUT_WIDTH)
    return unicodedata.normalize("NFC", plain).strip() or name
