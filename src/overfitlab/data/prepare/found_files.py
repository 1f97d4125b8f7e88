"""Which files below a folder are images, by their names; what systems leave among them is never seen.

Operating systems, network storage, archives and editors put folders and files of their own beside the user's: they are
neither classes nor images, even where there are pictures in them (thumbnails, deleted ones).
"""

import os
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from overfitlab.errors import DataError

ENDINGS = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
        *(".webp", ".avif", ".avifs", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".heic", ".heif"),
    )
)
# in lower case; names that begin with a dot (.DS_Store, .ipynb_checkpoints, .@__thumb, ._1.jpg) are left out anyway
SYSTEM_NAMES = frozenset(
    (
        *("__macosx", "icon\r", "resource.frk", "network trash folder", "temporary items"),  # macOS
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "zbthumbnail.info"),  # Windows
        *("$recycle.bin", "system volume information", "$extend", "config.msi", "msocache"),
        *("_gsdata_", "_vti_cnf", "_vti_pvt", "windowsimagebackup"),  # programs on Windows
        *("lost+found", "lost.dir"),  # Linux, Android
        *("@eadir", "@tmp", "@sharebin", "@synoresource", "#recycle", "#snapshot"),  # Synology
        *("@recycle", "@recently-snapshot", "@__thumb", "~snapshot"),  # QNAP, NetApp
        *("__pycache__", "node_modules"),  # editors and interpreters
    )
)
REPAIRED = re.compile(r"found\.\d{3}")  # folders in which Windows puts what it found on a damaged disk


@dataclass(frozen=True)
class Listing:
    """What lies directly in a folder, each sorted by name; without what is hidden or a system's own."""

    folders: list[Path]
    images: list[Path]  # by their endings
    others: list[Path]


@dataclass(frozen=True)
class Glance:
    """What kinds of things lie directly in a folder."""

    folders: list[Path]  # sorted by name
    images: int


def glance(folder: Path) -> Glance:
    """Return a look at `folder` that costs little where it holds many files; raises `DataError` as `listing` does."""
    folders: list[Path] = []
    images = 0
    for entry in _entries(folder):
        if _is_folder(entry):
            folders.append(Path(entry.path))
        elif _is_image(entry.name):
            images += 1
    return Glance(sorted(folders, key=by_name), images)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly in `folder`, sorted by name; raises `DataError` as `listing` does."""
    return glance(folder).folders


def listing(folder: Path) -> Listing:
    """Return what lies directly in `folder`; raises `DataError` where it cannot be listed."""
    return Listing(*(sorted(paths, key=by_name) for paths in _scanned(folder)))


def _scanned(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Return the folders, the images and the other files directly in `folder`, in any order."""
    folders: list[Path] = []
    images: list[Path] = []
    others: list[Path] = []
    for entry in _entries(folder):
        if _is_folder(entry):
            folders.append(Path(entry.path))
        elif _is_image(entry.name):
            images.append(Path(entry.path))
        else:
            others.append(Path(entry.path))
    return folders, images, others


def image_files(folder: Path, elsewhere: Collection[tuple[int, int]] = ()) -> tuple[list[Path], list[Path]]:
    """Return the image files below `folder`, by their endings, and the other files; both sorted by path.

    Hidden files and folders are left out, and those of systems. Links are followed, but each folder is visited once,
    however many links lead to it, and those in `elsewhere` (see `folder_identity`) not at all. Raises `DataError` where
    a folder cannot be listed.
    """
    images: list[Path] = []
    others: list[Path] = []
    seen = set(elsewhere)
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            identity = folder_identity(current)
        except OSError as error:
            raise _cannot_be_listed(current, error) from error
        if identity in seen and current is not folder:
            continue
        seen.add(identity)
        inside, some_images, some_others = _scanned(current)
        waiting += inside
        images += some_images
        others += some_others
    return sorted(images, key=by_name), sorted(others, key=by_name)


def by_name(path: Path) -> bytes:
    """Return what paths are sorted by: their bytes, of composed signs, so that the order is the same on every system.

    The order of the images is part of what they are (`Dataset.content_hash`).
    """
    return os.fsencode(unicodedata.normalize("NFC", str(path)))


def folder_identity(folder: Path) -> tuple[int, int]:
    """Return what is the same for all names of one folder; raises `OSError` where it cannot be looked at."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(folder) if not _is_a_systems(entry.name)]
    except OSError as error:
        raise _cannot_be_listed(folder, error) from error


def _cannot_be_listed(folder: Path, error: OSError) -> DataError:
    return DataError(
        "folder_cannot_be_listed", "{folder} cannot be listed ({reason})", folder=folder, reason=error.strerror
    )


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in ENDINGS  # noqa: PTH122 - a Path for each of many files takes its time


def _is_a_systems(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_NAMES or REPAIRED.fullmatch(name.lower()) is not None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: reading it as a file will give the reason
        return False
