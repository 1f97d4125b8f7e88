"""Where files go, and files that are either the old one or the new one, never half of either."""

import codecs
import contextlib
import errno
import hashlib
import os
import re
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import platformdirs

from overfitlab.errors import DamagedError, OverfitlabError, UsageError
from overfitlab.values import shown

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
LARGEST_CHECKED = 2**32  # bytes: the predictions of millions of images
MARKS = (  # UTF-32 first: its mark begins as that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
LINE_BREAK = ord("\n")
LONGEST_NAME = 143  # bytes: what eCryptfs takes of the name of a file; other systems take 255, or 255 signs
SHOWN_IN_TEMPORARY = 60  # bytes of the name of a file in that of its temporary one
TEMPORARY = ".overfitlab-tmp"  # the ending of files that a kill can leave behind


def user_path(given: str | os.PathLike[str], what: str = "path") -> Path:
    """Return the path that a user means, with `~` put in place.

    Raises `UsageError` for somebody who does not exist, and for what is no path at all; `what` is the argument's name.
    """
    try:
        return Path(text_of(what, given)).expanduser()
    except RuntimeError as error:
        raise UsageError("no_path", "{path}: {reason}", path=given, reason=error) from None


def file_name(begin: str, end: str = "") -> str:
    """Return a name that every file system takes: letters, digits and _ . + = -, and at most `LONGEST_NAME` bytes.

    Other signs become dashes, and `begin` is cut where it is too long; `end` is kept.
    """
    safe_begin, safe_end = (re.sub(r"[^\w.+=-]+", "-", text) for text in (begin, end))
    return cut(safe_begin, LONGEST_NAME - len(safe_end.encode())) + safe_end


def cut(name: str, most: int) -> str:
    """Return the beginning of a name, of at most `most` bytes, without half a sign at its end."""
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name


def found_path(path: Path) -> Path:
    """Return the path of what is there under a name that looks the same; `path` itself where nothing is.

    What macOS calls café, with e and accent apart, is written with one sign on a keyboard.
    """
    if os.path.lexists(path) or str(path).isascii():
        return path
    found = Path(path.anchor)
    for name in path.parts[1:] if path.anchor else path.parts:
        there = _looking_like(found, name)
        if there is None:
            return path
        found = there
    return found


def _looking_like(folder: Path, name: str) -> Path | None:
    if os.path.lexists(folder / name):
        return folder / name
    wanted = unicodedata.normalize("NFC", name)
    try:
        return next((each for each in folder.iterdir() if unicodedata.normalize("NFC", each.name) == wanted), None)
    except OSError:
        return None


def in_utf8(content: bytes) -> bytes | None:
    """Return a text without a byte-order mark, and in UTF-8 where it was in UTF-16 or UTF-32, as PowerShell writes it.

    Any other encoding stays as it is: names of files can be any bytes. None where it has the mark of an encoding that
    it is not in. A text in UTF-16 without a mark is known by its line breaks, or by letters that are each followed by a
    zero byte, as no list of names is: names between zero bytes have more than one letter.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    encoding = marked or _unmarked_utf16(content)
    if encoding is None:
        return content
    try:
        return content.decode(encoding).encode()
    except UnicodeError:
        return None if marked else content


def _unmarked_utf16(content: bytes) -> str | None:
    if b"\0" not in content or len(content) % 2:
        return None
    for encoding, first in (("utf-16-le", 0), ("utf-16-be", 1)):
        signs, zeros = content[first::2], content[1 - first :: 2]
        broken = any(sign == LINE_BREAK and zero == 0 for sign, zero in zip(signs, zeros, strict=True))
        single = len(signs) > 1 and not any(zeros) and 0 not in signs
        if broken or (single and (b"/" in signs or b"." in signs or b"\\" in signs)):
            return encoding
    return None


def text_of(what: str, given: object) -> str:
    """Return a name or a path that a user gave as text; raises `UsageError` for anything else."""
    found = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(found, str):
        raise UsageError(
            "neither_name_nor_path", "{argument} must be a name or a path, not {value}",
            argument=what, value=shown(given),
        )  # fmt: skip
    return found


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary file -> fsync -> rename -> fsync of the folder.

    A link at that place is replaced itself, and leads nowhere: the folder may come from a stranger. Raises `OSError`,
    which names `path`, where the disk refuses; `path` is then as it was.
    """
    with _named(path), _swapped(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose content takes the place of what a user named when the block ends, and not where it fails.

    A link stays, and its target is replaced; what is there and no regular file (a pipe, a device) is written to.
    Raises `OSError`, which names `path`, where the disk refuses.
    """
    path = Path(os.path.realpath(path))
    with _named(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as stream:
                yield stream
        else:
            with _swapped(path) as stream:
                yield stream


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error name the file itself, not the temporary one that is to take its place."""
    try:
        yield
    except OSError as error:
        if error.filename is None or os.fspath(error.filename).endswith(TEMPORARY):
            error.filename = str(path)
        raise


@contextlib.contextmanager
def _swapped(path: Path) -> Iterator[BinaryIO]:
    prefix = f".{cut(path.name, SHOWN_IN_TEMPORARY)}."
    handle, temporary = tempfile.mkstemp(prefix=prefix, suffix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())  # mkstemp makes it private
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong matters more; the next claim of the folder removes it
            Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_anew(path: Path, content: bytes) -> None:
    """Write a file that nothing depends on, in place of what is there; a crash or a look can find half of it.

    A link at that place is replaced itself. Raises `OSError` where the disk refuses.
    """
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as stream:
        stream.write(content)


Stamp = tuple[int, int, int] | None  # of a file: when it was written, its size, its number; None where there is none


def stamp_of(path: Path) -> Stamp:
    """Return by what a file that was read can be told from what is there now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_whole(path: Path, largest: int) -> bytes:
    """Return the content of a regular file of at most `largest` bytes; raises `OSError` for any other.

    In a folder of a stranger a pipe would make us wait for ever, and a device give without end.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
        os.close(handle)
        size = "too large for what it should be" if stat.S_ISREG(status.st_mode) else "no regular file"
        raise OSError(errno.EINVAL, f"it is {size}", str(path))
    with os.fdopen(handle, "rb") as stream:
        return stream.read(status.st_size + 1)


def read_checked(path: Path, sha256: str | None, largest: int = LARGEST_CHECKED) -> bytes:
    """Return the content of a file whose SHA-256 was noted when it was written; None where nothing was noted.

    Raises `DamagedError` where the file is missing, or its content is another one, and `OverfitlabError` where it has
    more than `largest` bytes, or cannot be read.
    """
    try:
        content = read_whole(path, largest)
    except FileNotFoundError as error:
        raise DamagedError(
            "own_file_unreadable", "{path} cannot be read ({reason}); fix that", path=path, reason=error.strerror
        ) from error
    except OSError as error:
        raise OverfitlabError(
            "own_file_unreadable", "{path} cannot be read ({reason}); fix that", path=path, reason=error.strerror
        ) from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedError(
            "own_file_damaged",
            "{path} is damaged (its checksum differs); move the folder of its run away, and train it again",
            path=path,
        )
    return content


def refusal(error: OSError) -> OverfitlabError:
    """Return what the system said, with the file where it is known, and what to do: "PLACE: REASON; mend that"."""
    name = error.filename if isinstance(error.filename, str | bytes | os.PathLike) else None
    where = None if name is None else Path(os.fsdecode(name))
    reason = error.strerror or str(error)
    if error.errno not in DISK_FULL:
        if where is None:
            return OverfitlabError("system_refuses", "{reason}; fix that", reason=reason)
        return OverfitlabError("system_refuses_at", "{path}: {reason}; fix that", path=where, reason=reason)
    if where is None:
        return OverfitlabError("disk_full", "the disk is full; free some space there")
    return OverfitlabError(
        "disk_of_folder_full", "the disk of {folder} is full; free some space there", folder=where.parent
    )


def said_of(error: OSError) -> str:
    """Return the English of `refusal`."""
    return str(refusal(error))


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
