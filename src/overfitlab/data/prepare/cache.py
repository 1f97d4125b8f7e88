"""Decoded images in a file on disk, made once and mapped into memory: there may be more of them than memory holds.

A cache is a folder below `images/` in the cache folder, named after what it was made from. It comes to its name only
when it is complete, its pixels are hashed whenever it is opened, and one that is damaged is made again.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import msgspec
import numpy as np

from overfitlab.data.dataset import Images, pixel_hash
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.errors import DamagedError, OverfitlabError
from overfitlab.events import Listener, TaskBegan, TaskEnded, TaskNoted
from overfitlab.files import TEMPORARY, cache_folder, sync_folder, write_atomically
from overfitlab.reasons import Reason, reason

FORMAT = 4
PIXELS, INDEX = "pixels.bin", "index.json"
SPARE = 64 * 2**20  # bytes that stay free on the disk


@dataclass(frozen=True)
class Cached:
    """Images that are on disk: uint8 [N, H, W, C], the rows of the source that they are, and why others are missing."""

    images: Images
    rows: list[int]
    skipped: dict[int, Reason]  # row of the source: why it is not there
    pixel_hash: str
    notes: tuple[Reason, ...]
    white: int | None
    native: tuple[int, int] | None


@dataclass
class Findings:
    """What comes to light while images are read, filled in by whoever produces them; it is kept with them."""

    notes: list[Reason] = field(default_factory=list)  # what was done to them
    white: int | None = None  # in images of 16 bits the value of white; None where there are none
    native: tuple[int, int] | None = None  # height and width that the images had, the medians


@dataclass(frozen=True)
class Recipe:
    """What a cache is made from: `origin` is its source and the size of the images, `state` the content as it is now.

    A cache of the same origin in another state is out of date.
    """

    origin: str
    state: str
    count: int  # images at most
    shape: tuple[int, int, int]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{_short_hash(self.origin)}-{_short_hash(f'{FORMAT} {self.shape} {self.state}')}"


def cached(
    recipe: Recipe,
    task: Reason,
    produce: Iterable[Images | UnreadableImageError],
    listener: Listener,
    findings: Findings | None = None,
) -> Cached:
    """Return the images of `recipe`, from the cache, else from `produce`, which gives them or the reasons in order.

    What `produce` finds while it is at that, it puts into `findings`.

    Raises `OverfitlabError` where the cache cannot be written, and `DamagedError` where it is changed meanwhile.
    """
    root = cache_folder() / "images"
    folder = root / recipe.name
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(root / f"{recipe.name}.lock", is_singleton=True)
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=0)
        if not lock.is_locked:
            listener.on(TaskNoted(reason("waiting_for_another_reader")))
            lock.acquire()
        try:
            found = _opened(folder, recipe)
            if found is None:
                _make(folder, recipe, task, produce, listener, findings or Findings())
                found = _opened(folder, recipe, just_made=True)
                _remove_outdated(root, recipe)
        finally:
            lock.release()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OverfitlabError(
                "images_fill_the_disk",
                "the decoded images cannot be kept in {folder} ({reason}); free some space there, or name another "
                "folder with $OVERFITLAB_CACHE",
                folder=root, reason=error.strerror or error,
            ) from error  # fmt: skip
        raise OverfitlabError(
            "images_cannot_be_kept",
            "the decoded images cannot be kept in {folder} ({reason}); make it writable, or name another folder with "
            "$OVERFITLAB_CACHE",
            folder=root, reason=error.strerror or error,
        ) from error  # fmt: skip
    if found is None:
        raise DamagedError(
            "cache_changed", "{folder} changed while it was read; run the same command again", folder=folder
        )
    return found


def _make(
    folder: Path,
    recipe: Recipe,
    task: Reason,
    produce: Iterable[Images | UnreadableImageError],
    listener: Listener,
    findings: Findings,
) -> None:
    needed = recipe.count * int(np.prod(recipe.shape)) + SPARE
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise OverfitlabError(
            "no_room_for_images",
            "the decoded images take up to {needed:,.0f} MB and {folder} has {free:,.0f} MB free; free some space, "
            "choose a smaller --image-size, or name another folder with $OVERFITLAB_CACHE",
            needed=needed / 1e6, folder=folder.parent, free=free / 1e6,
        )  # fmt: skip
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=TEMPORARY, dir=folder.parent))
    rows: list[int] = []
    skipped: dict[int, Reason] = {}
    passing = False
    listener.on(TaskBegan(task, recipe.count, "images"))
    try:
        with (temporary / PIXELS).open("wb") as stream:  # written, not mapped: a full disk is an error, not a signal
            for row, image in enumerate(produce):
                if isinstance(image, UnreadableImageError):
                    skipped[row] = Reason.of(image)
                    passing |= image.passing
                else:
                    stream.write(np.ascontiguousarray(image).data)
                    rows.append(row)
                listener.advanced(row + 1)
            stream.flush()
            os.fsync(stream.fileno())
        shape = (len(rows), *recipe.shape)
        index = {
            "format": FORMAT,
            "shape": shape,
            "pixel_hash": pixel_hash(_mapped(temporary / PIXELS, shape)),
            "rows": rows,
            "skipped": [[row, msgspec.to_builtins(reason)] for row, reason in skipped.items()],
            "passing": passing,
            "notes": [msgspec.to_builtins(note) for note in findings.notes],
            "white": findings.white,
            "native": findings.native,
        }
        write_atomically(temporary / INDEX, json.dumps(index).encode())
        if folder.exists():
            shutil.rmtree(folder)  # the damaged one
        temporary.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        listener.on(TaskEnded())


def _opened(folder: Path, recipe: Recipe, *, just_made: bool = False) -> Cached | None:
    """Return the images in `folder`, None where they are missing or not what was written.

    None also where images were left out for a reason that may have passed, unless that was a moment ago.
    """
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        shape = tuple(index["shape"])
        if index["passing"] and not just_made:
            return None
        if index["format"] != FORMAT or shape != (len(index["rows"]), *recipe.shape):
            return None
        images = _mapped(folder / PIXELS, shape)
        if pixel_hash(images) != index["pixel_hash"]:
            return None
        skipped = {int(row): msgspec.convert(reason, Reason) for row, reason in index["skipped"]}
        notes = tuple(msgspec.convert(note, Reason) for note in index["notes"])
        white = msgspec.convert(index["white"], int | None)
        native = msgspec.convert(index["native"], tuple[int, int] | None)
        return Cached(images, [int(row) for row in index["rows"]], skipped, index["pixel_hash"], notes, white, native)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError):
        return None


def _mapped(path: Path, shape: tuple[int, ...]) -> Images:
    if path.stat().st_size != int(np.prod(shape, dtype=np.int64)):
        raise ValueError("another size")
    if not shape[0]:
        return np.zeros(shape, np.uint8)  # nothing cannot be mapped
    # read-only: of a private, writable mapping Linux allows no more than there is memory
    return np.memmap(path, dtype=np.uint8, mode="r", shape=shape)


def _remove_outdated(root: Path, recipe: Recipe) -> None:
    """Remove other states of the same origin, and what killed processes left, unless somebody is at work on it."""
    for entry in root.glob(f"*{_short_hash(recipe.origin)}-*"):
        name = entry.name.removeprefix(".").partition(".")[0]
        if not entry.is_dir() or entry.name == recipe.name:
            continue
        lock = filelock.FileLock(root / f"{name}.lock", is_singleton=True)  # our own can be taken twice
        with contextlib.suppress(filelock.Timeout), lock.acquire(timeout=0):
            shutil.rmtree(entry, ignore_errors=True)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
