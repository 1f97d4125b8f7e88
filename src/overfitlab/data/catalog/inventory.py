"""What data is on this machine, and whether it is as it was published."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overfitlab.data.catalog import download, library, verified
from overfitlab.data.catalog.members import OtherReleaseError
from overfitlab.data.catalog.places import Copy, copies_in, places
from overfitlab.data.catalog.published import SETS, Published
from overfitlab.errors import DataError, OverfitlabError, unknown_name
from overfitlab.events import Listener, TaskBegan, TaskEnded, TaskNoted
from overfitlab.files import cache_folder
from overfitlab.reasons import reason

OFFICIAL = "official"  # all members have the official checksums
OTHER = "other checksums"  # readable, but not the official release: used only from a folder that was named
UNVERIFIED = "not verified"  # never read as a whole, or changed since
DAMAGED = "damaged"
DIGITS = "digits"


@dataclass(frozen=True)
class Found:
    """A copy of a published set, and what is known of it."""

    copy: Copy
    state: str  # OFFICIAL, OTHER, UNVERIFIED or DAMAGED
    verified: str = ""  # when, ISO 8601 in UTC; empty where it was not
    problem: OverfitlabError | None = None  # of a damaged copy, and what to do about it
    sha256: Mapping[str, str] = field(default_factory=dict)  # of its files, where they have been hashed

    @property
    def used(self) -> bool:
        """Whether a training may take it, as far as is known."""
        return self.state in (OFFICIAL, UNVERIFIED) or (self.state == OTHER and self.copy.place.named)

    @property
    def size_fits(self) -> bool:
        """Whether its files are archives of the official size."""
        sizes = {archive.name: archive.size for archive in self.copy.published.archives}
        official = next(iter(sizes.values())) if self.copy.is_archive else None  # others name the tar file as they like
        return all(file.stat().st_size == (official or sizes.get(file.name)) for file in self.copy.files())

    @property
    def repacked(self) -> bool:
        """Whether its files are known to be other archives than the official ones."""
        official = {archive.sha256 for archive in self.copy.published.archives}
        packed = self.copy.is_archive or any(name.endswith(".gz") for name in self.sha256)
        return bool(self.sha256) and packed and not set(self.sha256.values()) <= official

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "path": str(self.copy.path),
            "place": self.copy.place.label,
            "bytes": self.copy.size(),
            "state": self.state,
            "used": self.used,
            "size_fits": self.size_fits,
            "verified": self.verified or None,
            "sha256": dict(self.sha256),
            "problem": None if self.problem is None else str(self.problem),
        }


@dataclass(frozen=True)
class Entry:
    """A data set: what it is, and where it is."""

    name: str
    title: str
    images: int
    image_shape: tuple[int, int, int]
    classes: int
    found: tuple[Found, ...]  # best first
    to_fetch: int | None  # bytes; None where it is always there
    partly_fetched: int = 0  # bytes of an unfinished transfer

    @property
    def here(self) -> bool:
        """Whether a training can begin without fetching anything."""
        return self.to_fetch is None or any(found.used for found in self.found)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "images": self.images,
            "image_shape": list(self.image_shape),
            "classes": self.classes,
            "here": self.here,
            "copies": [found.as_dict() for found in self.found],
            "bytes_to_fetch": self.to_fetch,
            "bytes_partly_fetched": self.partly_fetched,
        }


def inventory(data_dir: Path | None = None) -> list[Entry]:
    """Return every data set with the copies on this machine; quick, because no file is read.

    Raises `DataError` where a folder that the user named is none.
    """
    entries = [
        Entry(
            name=published.name,
            title=published.title,
            images=published.images,
            image_shape=published.image_shape,
            classes=published.classes,
            found=tuple(_as_remembered(copy) for copy in _copies(published, data_dir)),
            to_fetch=published.size,
            partly_fetched=_partly_fetched(published),
        )
        for published in SETS.values()
    ]
    digits = Entry(DIGITS, "scikit-learn's handwritten digits", 1797, (8, 8, 1), 10, (), None)
    return [*entries, digits]


def verify(name: str | None = None, data_dir: Path | None = None, *, listener: Listener | None = None) -> list[Found]:
    """Read every copy of that set (None: of all) as a whole, compare the checksums, and remember what came out.

    A copy in this program's cache that is not the official release counts as damaged: nothing else is put there.
    Raises `UsageError` for an unknown name.
    """
    if name is not None and name not in SETS:
        raise unknown_name("data set", name, SETS)
    wanted = [SETS[name]] if name else list(SETS.values())
    copies = [copy for published in wanted for copy in _copies(published, data_dir)]
    listener = listener or Listener()
    return [_verified(copy, listener) for copy in copies]


def fetch(name: str, folder: Path | None = None, *, listener: Listener | None = None) -> Found:
    """Return an official copy of a published set, fetched where there is none; it is read as a whole in any case.

    With a `folder`, the copy is put there; without one, any of the usual places will do, and the cache is what is
    filled. Raises `UsageError` for an unknown name, `DownloadError` where it cannot be had, and `OverfitlabError` where
    another file is in the way.
    """
    listener = listener or Listener()
    if folder is None:
        for copy in _copies(library.published_named(name), None):
            found = _verified(copy, listener)
            if found.state == OFFICIAL:
                listener.on(TaskNoted(reason("here_already", title=copy.published.title)))
                return found
    copy = library.fetch(name, folder, listener=listener)
    found = _verified(copy, listener)
    if found.state != OFFICIAL:
        raise found.problem or OtherReleaseError(
            "other_release", "{path} has other checksums than the official release", path=copy.path
        )
    return found


def _copies(published: Published, data_dir: Path | None) -> list[Copy]:
    copies: dict[Path, Copy] = {}  # two places can be one folder
    for place in places(data_dir):
        for copy in copies_in(place, published):
            copies.setdefault(copy.path.resolve(), copy)
    return list(copies.values())


def _as_remembered(copy: Copy) -> Found:
    known = verified.recall(copy)
    return Found(copy, UNVERIFIED) if known is None else _judged(copy, known)


def _judged(copy: Copy, known: verified.Verification) -> Found:
    if known.official:
        return Found(copy, OFFICIAL, known.at, sha256=known.sha256)
    if copy.place.folder == cache_folder():
        problem = DataError(
            "not_what_was_fetched", "{path} is not what was downloaded; fetch it again: overfitlab data fetch "
                                    "{name}",
            path=copy.path, name=copy.published.name,
        )  # fmt: skip
        return Found(copy, DAMAGED, known.at, problem)
    return Found(copy, OTHER, known.at, sha256=known.sha256)


def _verified(copy: Copy, listener: Listener) -> Found:
    try:
        hashes = _hashes(copy, listener)
        official = library.read(copy, strict=False).official
    except OSError as error:
        verified.forget(copy)
        problem = DataError(
            "copy_unreadable", "{path} cannot be read ({reason})",
            path=error.filename or copy.path, reason=error.strerror,
        )  # fmt: skip
        return Found(copy, DAMAGED, problem=problem)
    except OverfitlabError as error:
        return Found(copy, DAMAGED, problem=error)
    return _judged(copy, verified.remember(copy, official=official, sha256=hashes))


def _hashes(copy: Copy, listener: Listener) -> dict[str, str]:
    """Return the SHA-256 of the files as they are."""
    listener.on(TaskBegan(reason("verifying", file=str(copy.path)), copy.size(), "bytes"))
    hashes = {}
    done = 0
    try:
        for file in copy.files():
            digest = hashlib.sha256()
            with file.open("rb") as stream:
                while block := stream.read(2**20):
                    digest.update(block)
                    done += len(block)
                    listener.advanced(done)
            hashes[file.name] = digest.hexdigest()
    finally:
        listener.on(TaskEnded())
    return hashes


def _partly_fetched(published: Published) -> int:
    parts = (
        download.part_of(library.fetched_into(published, cache_folder()) / archive.name)
        for archive in published.archives
    )
    return sum(part.stat().st_size for part in parts if part.is_file())
