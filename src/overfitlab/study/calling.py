"""A study whose network or images were handed over in Python: what to call there, since its command cannot be typed."""

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence

from overfitlab.models.handed import PYTHON

METHODS, DATA, MODEL, CONTRAST = 2, "data", "model", "contrast"  # where methods begin, and options of their own
ARRAYS = re.compile(r"arrays-[0-9a-f]{12}\.npz")  # what `data.sources.handed_in` calls them
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
NUMBERS = frozenset((
    "alpha", "batch-size", "epochs", "first-seed", "jobs", "learning-rate", "seeds", "threads", "training-images",
    "until-decided",
))  # fmt: skip
GROUPS, OF_GROUPS = "groups", re.compile(r"groups-[0-9a-f]{12}\.csv")


def as_called(command: str) -> str:
    """Return the call in Python for the command of a study that cannot be typed; every other command as it is."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    options = list(_options(words))
    if not any(_is_handed_over(name, value) for name, value in options):
        return command
    methods = list(itertools.takewhile(lambda word: not word.startswith("--"), words[METHODS:]))
    given = [repr(methods)] if methods else []
    contrasts = [value for name, value in options if name == CONTRAST]
    for name, value in options:
        if name == CONTRAST:
            continue
        if _is_handed_over(name, value):
            own = value.removeprefix(PYTHON)  # a class or a function; arrays, and what has no name, are what they are
            said = own if name == MODEL and own.isidentifier() else name
        elif not value:
            said = "True"
        else:
            said = value if name in NUMBERS and NUMBER.fullmatch(value) else repr(value)
        given.append(f"{name.replace('-', '_')}={said}")
    given += [f"contrasts={contrasts!r}"] if contrasts else []
    return f"overfitlab.compare({', '.join(given)})"


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the options of a command, without dashes, and what follows each; no text after one that takes nothing."""
    for word, after in zip(words, (*words[1:], "--"), strict=True):
        if word.startswith("--"):
            name, equals, value = word.removeprefix("--").partition("=")
            yield name, value if equals else "" if after.startswith("--") else after


def _is_handed_over(name: str, value: str) -> bool:
    written = {DATA: ARRAYS, GROUPS: OF_GROUPS}.get(name)
    return (name == MODEL and value.startswith(PYTHON)) or (
        written is not None and written.fullmatch(value) is not None
    )
