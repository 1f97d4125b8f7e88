"""From what a user calls a run or a study to its folder."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from overfitlab.errors import OverfitlabError, UsageError


def by_name_or_id(
    wanted: str, there: Mapping[str, Path], identity: Callable[[Path], str], kinds: tuple[str, str], hint: str
) -> Path:
    """Return the folder of that name, or whose record has an id that begins so.

    `there` has the folders by name, `identity` reads the id in one, and `kinds` says what they are, as ("run", "runs").
    Raises `UsageError` where there is none, with the names that are near or else the `hint`, or more than one.
    """
    if wanted in there:
        return there[wanted]
    matching = {
        name: folder for name, folder in there.items() if wanted and _known(folder, identity).startswith(wanted)
    }
    if len(matching) == 1:
        return next(iter(matching.values()))
    one, many = kinds
    if matching:
        raise UsageError(
            "id_is_ambiguous", "{wanted!r} begins the ids of {count} {kinds}: {names}; give more characters",
            wanted=wanted, count=len(matching), kinds=many, names=", ".join(matching)
        )  # fmt: skip
    near = difflib.get_close_matches(wanted, there, n=3, cutoff=0.5)
    if near:
        raise UsageError(
            "nothing_called_so_but", "there is no {kind} {wanted!r}; did you mean {near}?",
            kind=one, wanted=wanted, near=" or ".join(near)
        )  # fmt: skip
    raise UsageError("nothing_called_so", "there is no {kind} {wanted!r}; {hint}", kind=one, wanted=wanted, hint=hint)


def _known(folder: Path, identity: Callable[[Path], str]) -> str:
    """Return the id in a folder's record, and no text where that is damaged."""
    try:
        return identity(folder)
    except OverfitlabError:
        return ""
