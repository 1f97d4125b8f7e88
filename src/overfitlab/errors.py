"""Errors that reach a user as one line.

Every message says what is wrong and what to do about it; the command line prints it without a traceback.
"""

import difflib
import errno
import re
from collections.abc import Iterable


class OverfitlabError(Exception):
    """Something outside the program went wrong: data, disk, a diverged run. Exit code 1."""

    exit_code = 1


class UsageError(OverfitlabError, ValueError):
    """What was asked for makes no sense: an unknown name, a value out of range. Exit code 2."""

    exit_code = 2


NO_MEMORY = re.compile(
    "can't allocate memory|not enough memory|out of memory"  # PyTorch, for each device
    "|could not create a (primitive|memory object)$"  # oneDNN, which names no reason
    "|failed to map segment from shared object"  # the loader of a library
)
MEMORY_ADVICE = "try fewer --jobs or a smaller --batch-size"


def is_want_of_memory(error: BaseException) -> bool:
    """Return whether the machine had too little memory for something, which is nobody's mistake and may pass."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or NO_MEMORY.search(str(error)) is not None


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UsageError:
    """Return the error for a name that does not exist, with the nearest one that does."""
    known = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
    return UsageError(f"unknown {kind} {name!r}; {hint}")
