"""Names from anywhere, as they can be shown."""

import os
from pathlib import Path


def display_name(named: Path | str) -> str:
    """Return a name that can be shown on one line anywhere: what is not printable, or not text at all, is escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in os.fspath(named)
    )
