"""Errors that reach a user as one line; each kind can be caught by itself.

OverfitlabError          something went wrong: exit code 1
├── UsageError           what was asked for makes no sense: exit code 2; also a `ValueError`
├── DataError            images or labels are missing, damaged, or no good for this
│   └── DownloadError    a published set could not be fetched
├── BusyError            another process works in the folder
├── DamagedError         a file that we wrote is missing, or no longer what was written
├── DivergedError        the loss is no longer a finite number
├── OutOfMemoryError     the machine had too little memory; it may pass
└── CancelledError       whoever listened asked for the end

Every error has a code, values, and an English message that says what is wrong and what to do about it; front ends that
speak another language find their words by the code (words/). No text is ever parsed back.
"""

import difflib
import errno
import re
from collections.abc import Iterable
from typing import ClassVar

from overfitlab.display import display_name

Value = str | int | float  # what can stand in a message, and in JSON


class OverfitlabError(Exception):
    """Something outside the program went wrong: data, disk, a diverged run.

    `OverfitlabError("folder_in_use", "{folder} is in use; choose another one", folder=path)`: the code names the
    message in every language, and the values fill its fields. A value that is an error itself is kept in `inner` too,
    so that another language can say all of it. Texts among the values are cleaned here, once: the name of a file cannot
    break the line.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, template: str = "", /, **values: object) -> None:
        self.code = code if template else ""
        self.template = template or code
        self.values: dict[str, Value] = {name: _plain(value) for name, value in values.items()}
        self.inner = {name: value for name, value in values.items() if isinstance(value, OverfitlabError)}
        super().__init__(self.template.format(**self.values) if template else code)

    def __reduce__(self) -> tuple[object, ...]:
        arguments = (type(self), self.code or self.template, self.template if self.code else "", self.values)
        return _again, arguments, vars(self)  # what a kind of its own has besides


class UsageError(OverfitlabError, ValueError):
    """What was asked for makes no sense: an unknown name, a value out of range."""

    exit_code = 2


class DataError(OverfitlabError):
    """Images or labels are missing, damaged, or no good for what was asked for."""


class DownloadError(DataError):
    """A published set could not be fetched."""


class BusyError(OverfitlabError):
    """Another process works in the folder."""


class DamagedError(OverfitlabError):
    """A file that this program wrote is missing, or no longer what was written."""


class DivergedError(OverfitlabError):
    """Training diverged: its loss is no longer a finite number."""


class OutOfMemoryError(OverfitlabError):
    """The machine had too little memory for it, which may pass."""


class CancelledError(OverfitlabError):
    """Whoever listened asked for the end; what was trained is kept."""


def _plain(value: object) -> Value:
    if isinstance(value, int | float):
        return value
    said = str(value)
    return display_name(" ".join(said.split()) if isinstance(value, Exception) else said)  # it may be of several lines


def _again(kind: type[OverfitlabError], code: str, template: str, values: dict[str, Value]) -> OverfitlabError:
    return kind(code, template, **values)


NO_MEMORY = re.compile(
    "can't allocate memory|not enough memory|out of memory"  # PyTorch, for each device
    "|could not create a (primitive|memory object)$"  # oneDNN, which names no reason
    "|failed to map segment from shared object"  # the loader of a library
)


def is_want_of_memory(error: BaseException) -> bool:
    """Return whether the machine had too little memory for something, which is nobody's mistake and may pass."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError | OutOfMemoryError) or NO_MEMORY.search(str(error)) is not None


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, None where none is near."""
    return next(iter(difflib.get_close_matches(str(name).lower(), sorted(known), n=1, cutoff=0.5)), None)


def unknown_name(kind: str, name: object, known: Iterable[str], meant: str | None = None) -> UsageError:
    """Return the error for a name that does not exist, with what was `meant`, or the nearest; `kind` is a noun."""
    known = sorted(known)
    near = meant or nearest(name, known)
    if near is not None:
        return UsageError(
            "unknown_name_like", "unknown {kind} {name!r}; did you mean {near!r}?", kind=kind, name=name, near=near
        )
    return UsageError(
        "unknown_name", "unknown {kind} {name!r}; choose from {known}", kind=kind, name=name, known=", ".join(known)
    )
