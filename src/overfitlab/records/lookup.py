"""From what a user calls a run or a study to its folder."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from overfitlab.errors import OverfitlabError, UsageError


def by_name_or_id(
    wanted: str, there: Mapping[str, Path], record: Callable[[Path], dict[str, Any]], kinds: tuple[str, str], hint: str
) -> Path:
    """Return the folder of that name, or whose record has an id that begins so.

    `there` has the folders by name, and `kinds` says what they are, as ("run", "runs"). Raises `UsageError` where there
    is none, with the names that are near or else the `hint`, or more than one.
    """
    if wanted in there:
        return there[wanted]
    matching = {
        name: folder for name, folder in there.items() if wanted and _identity(folder, record).startswith(wanted)
    }
    if len(matching) == 1:
        return next(iter(matching.values()))
    one, many = kinds
    if matching:
        raise UsageError(
            f"{wanted!r} begins the ids of {len(matching)} {many}: {', '.join(matching)}; write more of it"
        )
    near = difflib.get_close_matches(wanted, there, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(near)}?" if near else hint
    raise UsageError(f"there is no {one} {wanted!r}; {advice}")


def _identity(folder: Path, record: Callable[[Path], dict[str, Any]]) -> str:
    """Return the id in a folder's record, and no text where that is damaged."""
    try:
        return str(record(folder)["id"])
    except OverfitlabError:
        return ""
