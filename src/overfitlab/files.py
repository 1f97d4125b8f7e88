"""Where files go, and files that are either the old one or the new one, never half of either."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import platformdirs

from overfitlab.errors import UsageError

TEMPORARY = ".overfitlab-tmp"  # the ending of files that a kill can leave behind


def user_path(given: str | Path) -> Path:
    """Return the path that a user means, with `~` put in place; raises `UsageError` for somebody who does not exist."""
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{given}: {error}") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary file -> fsync -> rename -> fsync of the folder.

    Raises `OSError` where the disk refuses; `path` is then as it was.
    """
    with replacing(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose content takes the place of `path` when the block ends, and not where it fails.

    A link stays, and its target is replaced; what is there and no regular file (a pipe, a device) is written to.
    Raises `OSError` where the disk refuses.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as stream:
            yield stream
        return
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())  # mkstemp makes it private
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def cache_folder() -> Path:
    """Return the folder of what can be made or fetched again: $OVERFITLAB_CACHE, else where the system keeps such."""
    named = os.environ.get("OVERFITLAB_CACHE")
    return user_path(named) if named else Path(platformdirs.user_cache_dir("overfitlab"))


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system can."""
    if os.name == "nt":  # Windows has no such thing as opening a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)  # the only way to read it is to set it
    os.umask(mask)
    return mask
