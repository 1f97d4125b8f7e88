"""One process at a time in a folder."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from overfitlab.errors import BusyError, OverfitlabError
from overfitlab.files import TEMPORARY

LOCK = ".lock"
GLANCE_SECONDS = 1.0  # somebody who only looks whether a folder is held lets go of it at once


@contextlib.contextmanager
def claimed(
    path: Path, refuse: Callable[[], None], busy: BusyError, option: str, patience: float = 0
) -> Iterator[None]:
    """Make the folder where there is none, and keep other processes out of it until the block ends.

    `refuse` raises where something else is there. Raises `busy` where another process is in it and does not leave
    within `patience` seconds, and `OverfitlabError` where it cannot be written; `option` names another folder. A folder
    in which nothing was written is removed again.
    """
    refuse()  # before anything is written there
    made = not path.exists()
    lock = filelock.FileLock(path / LOCK, timeout=max(patience, GLANCE_SECONDS))
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise busy from None
    except OSError as error:
        if made:
            _remove_if_unused(path)
        raise OverfitlabError(
            "folder_not_writable", "cannot write to {folder} ({reason}); choose another folder with {option}",
            folder=path, reason=error.strerror or error, option=option
        ) from error  # fmt: skip
    try:
        refuse()  # again: somebody may have been quicker
        remove_leftovers(path)
        yield
    finally:
        if made:
            _remove_if_unused(path)
        lock.release()


def remove_leftovers(path: Path) -> None:
    """Remove what a process that was killed in the middle of a write left in a folder that is claimed."""
    for leftover in path.glob(f".*{TEMPORARY}"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()


def _remove_if_unused(path: Path) -> None:
    with contextlib.suppress(OSError):  # it is as good as gone, or not ours
        if {entry.name for entry in path.iterdir()} <= {LOCK}:
            (path / LOCK).unlink(missing_ok=True)
            path.rmdir()
