"""Running a user's code: what it may import, where its prints go, and what went wrong, in one line.

This file imports no torch.
"""

import contextlib
import functools
import importlib
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from overfitlab.errors import OverfitlabError, is_want_of_memory

LONGEST_REASON = 200  # characters of somebody else's error message


@dataclass(frozen=True)
class OwnCode:
    """Code of a user's: where it lies."""

    place: str  # blamed where an error went through no line of theirs
    folder: Path | None = None  # that it imports from, besides what is installed

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the user's code: its folder can be imported from, what it prints goes to standard error.

        What it raises becomes an `OverfitlabError` that names its file and line.
        """
        with importable(self.folder), contextlib.redirect_stdout(sys.stderr):
            try:
                yield
            except (Exception, SystemExit) as error:
                ours = isinstance(error, OverfitlabError) and _blamed(error) is None
                if ours or is_want_of_memory(error):
                    raise
                raise self.explain(error) from error

    def explain(self, error: BaseException) -> OverfitlabError:
        """Return `error` in one line: the user's file, the line in it, and what was wrong."""
        return explained(error, self.place)


@contextlib.contextmanager
def importable(folder: Path | None) -> Iterator[None]:
    """Let modules in that folder be imported."""
    place = None if folder is None else str(folder.resolve())
    added = place is not None and place not in sys.path
    if place is not None and added:
        sys.path.insert(0, place)
    importlib.invalidate_caches()  # a file may be newer than the last look into its folder
    try:
        yield
    finally:
        if place is not None and added:
            with contextlib.suppress(ValueError):  # the user's code may have taken it out
                sys.path.remove(place)


def explained(error: BaseException, place: str) -> OverfitlabError:
    """Return what a user's code raised, in one line; `place` is blamed where no line of theirs can be."""
    reason = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:
        return OverfitlabError(
            "model_file_is_misspelt", "{path}, line {line}: {type}: {reason}",
            path=error.filename, line=error.lineno, type=type(error).__name__, reason=error.msg,
        )  # fmt: skip
    if len(reason) > LONGEST_REASON:
        reason = f"{reason[:LONGEST_REASON]}..."
    where = _blamed(error) or place
    if isinstance(error, OverfitlabError):  # a misused Builder
        said = error if reason == str(error) else reason
        return type(error)("builder_misused", "{place}: {reason}", place=where, reason=said)
    reason = reason.rstrip(": ")
    if not reason:
        return OverfitlabError("own_code_failed_silently", "{place}: {type}", place=where, type=type(error).__name__)
    return OverfitlabError(
        "own_code_failed", "{place}: {type}: {reason}", place=where, type=type(error).__name__, reason=reason
    )


def _blamed(error: BaseException) -> str | None:
    """Return the innermost place in a user's file that the error went through, "net.py, line 7"; None if it did not."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith("<") and not is_installed(Path(frame.filename))]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else None


def is_installed(path: Path) -> bool:
    """Return whether the file belongs to Python, to an installed package, or to this one."""
    return not _installed_folders().isdisjoint(path.resolve().parents)


@functools.cache
def _installed_folders() -> frozenset[Path]:
    folders = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")}
    return frozenset(folders | {Path(__file__).resolve().parent.parent})


def is_installed_module(name: str | None) -> bool:
    """Return whether the module of that name belongs to Python or to a package, and not to a user's own files."""
    if name is None or name == "__main__":
        return False
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:  # built into Python, or made up by a user's program
        return name.partition(".")[0] in sys.stdlib_module_names or _is_of_a_package(name)
    return is_installed(Path(file))


def _is_of_a_package(name: str) -> bool:
    """Return whether a module without a file of its own (an extension's part) belongs to an installed package."""
    package = name.partition(".")[0]
    return package != name and is_installed_module(package)
