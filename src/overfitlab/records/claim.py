"""One process at a time in a folder, and which one that is."""

import contextlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import msgspec

from overfitlab.errors import BusyError, OverfitlabError
from overfitlab.files import TEMPORARY, read_whole, write_anew

LOCK = ".lock"
HOLDER = ".holder"  # who holds the lock: only then does it say anything
OURS = {LOCK, HOLDER}
LARGEST_HOLDER = 1000  # bytes
STATISTICS = Path("/proc")
GLANCE_SECONDS = 1.0  # somebody who only looks whether a folder is held lets go of it at once


class Holder(msgspec.Struct, frozen=True):
    """The process that works in a folder."""

    pid: int
    machine: str
    started: str = ""  # as the system counts it; a number of a process is given again, and this one is not


@contextlib.contextmanager
def claimed(
    path: Path, refuse: Callable[[], None], busy: BusyError, option: str, patience: float = 0
) -> Iterator[None]:
    """Make the folder where there is none, and keep other processes out of it until the block ends.

    `refuse` raises where something else is there. Raises `busy` where another process is in it and does not leave
    within `patience` seconds, and `OverfitlabError` where it cannot be written; `option` names another folder. A folder
    in which nothing was written is removed again, and those that were made for it.
    """
    refuse()  # before anything is written there
    made = [each for each in (path, *path.parents) if not each.exists()]  # the innermost first
    lock = filelock.FileLock(path / LOCK, timeout=max(patience, GLANCE_SECONDS))
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise busy from None
    except OSError as error:
        _remove_if_unused(path, made)
        raise OverfitlabError(
            "folder_not_writable", "cannot write to {folder} ({reason}); choose another folder with {option}",
            folder=path, reason=error.strerror or error, option=option
        ) from error  # fmt: skip
    try:
        refuse()  # again: somebody may have been quicker
        remove_leftovers(path)
        with contextlib.suppress(OSError):  # it is for those who look on
            write_anew(path / HOLDER, msgspec.json.encode(_myself()))
        yield
    finally:
        with contextlib.suppress(OSError):
            (path / HOLDER).unlink(missing_ok=True)
        _remove_if_unused(path, made)
        lock.release()


def remove_leftovers(path: Path) -> None:
    """Remove what a process that was killed in the middle of a write left in a folder that is claimed."""
    for leftover in path.glob(f".*{TEMPORARY}"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()


def is_held(path: Path) -> bool | None:
    """Return whether a process works in the folder; None where nobody can tell, as in one that may only be read."""
    try:
        with filelock.FileLock(path / LOCK, timeout=0, is_singleton=False):
            return False
    except filelock.Timeout:
        return True
    except (OSError, NotImplementedError):
        return None


def holder(path: Path) -> int | None:
    """Return the process of this machine that works in the folder, None where there is none, or it is not known.

    A folder may come from a stranger, and so may what it says of processes: it counts only while the lock is held,
    which whoever took it has written it anew, and of a process that began when it says.
    """
    if not is_held(path):
        return None
    try:
        found = msgspec.json.decode(read_whole(path / HOLDER, LARGEST_HOLDER), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None
    here = found.machine == platform.node() and found.started == _started(found.pid)
    return found.pid if here and found.pid > 1 else None


def _myself() -> Holder:
    return Holder(os.getpid(), platform.node(), _started(os.getpid()))


def _started(pid: int) -> str:
    """Return when a process began, as Linux counts it; empty elsewhere, or where there is none."""
    try:
        said = (STATISTICS / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return said.rpartition(")")[2].split()[19]  # man 5 proc: field 22; the name before it may hold blanks


def _remove_if_unused(path: Path, made: list[Path]) -> None:
    with contextlib.suppress(OSError):  # it is as good as gone, not ours, or somebody else's is in it now
        if made and {entry.name for entry in path.iterdir()} <= OURS:
            (path / LOCK).unlink(missing_ok=True)
            for each in made:
                each.rmdir()
