"""Names from anywhere, as they can be shown, and whether two of them look the same."""

import os
import unicodedata
from pathlib import Path


def display_name(named: Path | str) -> str:
    """Return a name that can be shown on one line anywhere: what is not printable, or not text at all, is escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in os.fspath(named)
    )


def as_seen(name: str) -> str:
    """Return what is equal of names that look the same: composed signs (Unicode's NFC), without blanks at the ends.

    macOS and archives made there write 각 and é as several signs (NFD), other systems as one.
    """
    return unicodedata.normalize("NFC", name).strip() or name
