"""The published sets, wherever they are: a copy on this machine, or one that is fetched."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overfitlab.data.catalog import download, verified
from overfitlab.data.catalog.members import OtherReleaseError, Reader
from overfitlab.data.catalog.places import CACHE_LABEL, DATA_OPTION, Copy, Place, copies_in, places
from overfitlab.data.catalog.published import SETS, Archive, Published
from overfitlab.data.sources import cifar, fashion_mnist
from overfitlab.data.sources.contents import Parts, UnreadableError
from overfitlab.errors import DataError, DownloadError, OverfitlabError, UsageError, unknown_name
from overfitlab.events import Listener, TaskNoted
from overfitlab.files import cache_folder
from overfitlab.reasons import Reason, reason

MIRROR_VARIABLE = "OVERFITLAB_MIRROR"
READERS: dict[str, Callable[[Callable[[str], bytes]], Parts]] = {
    "cifar10": cifar.read_cifar10,
    "cifar100": cifar.read_cifar100,
    "fashion_mnist": fashion_mnist.read_fashion_mnist,
}


class NotFoundError(DownloadError):
    """There is no copy in any of the places, and none could be fetched, or was to be."""


@dataclass(frozen=True)
class Loaded:
    """A published set, and which copy of it that is."""

    parts: Parts
    origin: str  # where it was read from, for people
    official: bool  # its checksums are those of the official release
    note: Reason | None  # what a reader of results has to know about this copy; None for an official one


def published_named(name: str) -> Published:
    """Return the published set of that name; raises `UsageError` where there is none."""
    if name not in SETS:
        raise unknown_name("data set", name, SETS)
    return SETS[name]


def load(name: str, data_dir: Path | None = None, *, listener: Listener | None = None, fetch: bool = True) -> Loaded:
    """Return a published set from the best copy on this machine; where there is none, fetch it into the cache.

    Raises `NotFoundError` where there is none and it cannot be fetched, or without `fetch` may not be, and `DataError`
    where a folder that the user named is missing, or holds a damaged copy, or (`data_dir`) none.
    """
    published = published_named(name)
    listener = listener or Listener()
    passed_over = []
    for place in places(data_dir):
        found = list(copies_in(place, published))
        if place.named and found:
            return read(found[0], strict=False)
        if place.label == DATA_OPTION:
            raise DataError(
                "data_dir_without_set", "no {title} in {folder} (--data-dir); it should hold {subfolder}/ or {archive}",
                title=published.title, folder=place.folder, subfolder=published.folder,
                archive=published.archives[0].name,
            )  # fmt: skip
        for copy in found:
            try:
                return read(copy, strict=True)
            except DataError as error:
                passed_over.append(copy)
                listener.on(TaskNoted(reason("passed_over", why=str(error))))
    if not fetch:
        raise _missing(published, passed_over)
    if not download.offline_is_forced():
        listener.on(TaskNoted(reason("fetching_once", title=published.title, megabytes=published.size / 1e6)))
    try:
        copy = _fetch(published, cache_folder(), listener)
    except DownloadError as error:
        raise NotFoundError(
            "set_not_fetched", "{missing}, and it cannot be fetched: {reason}",
            missing=_missing(published, passed_over), reason=error,
        ) from error  # fmt: skip
    return read(copy, strict=True)


def _missing(published: Published, passed_over: list[Copy]) -> NotFoundError:
    if passed_over:
        return NotFoundError(
            "set_not_official",
            "{path} is not the official {title} release (to use it anyway, name its folder with --data-dir)",
            path=passed_over[0].path, title=published.title,
        )  # fmt: skip
    return NotFoundError(
        "set_not_here", "{title} is not on this machine (looked in {folders})",
        title=published.title, folders=", ".join(str(place.folder) for place in places()),
    )  # fmt: skip


def read(copy: Copy, *, strict: bool) -> Loaded:
    """Return the content of a copy; `strict` takes only the official release.

    Raises `DataError` where it is damaged or, if strict, another release.
    """
    published = copy.published
    reader = Reader(copy, strict=strict)
    try:
        parts = READERS[published.name](reader)
    except OtherReleaseError:
        verified.remember(copy, official=False)
        raise
    except UnreadableError as error:
        verified.forget(copy)
        raise DataError(
            "set_damaged", "{path}: {reason}; fetch {title} again: overfitlab data fetch {name}",
            path=copy.path, reason=error, title=published.title, name=published.name,
        ) from error  # fmt: skip
    except OverfitlabError:
        verified.forget(copy)
        raise
    known = verified.recall(copy)
    if known is None or known.official != reader.official:
        verified.remember(copy, official=reader.official)
    note = None if reader.official else reason("other_checksums", name=published.title)
    return Loaded(parts, str(copy.path), reader.official, note)


def fetch(name: str, folder: Path | None = None, *, listener: Listener | None = None) -> Copy:
    """Fetch a published set into a folder, this program's cache by default; what is there already is only checked.

    Raises `DownloadError` where it cannot be had, and `OverfitlabError` where another file is in the way.
    """
    published = published_named(name)
    if folder is not None:
        _refuse_strangers(published, folder)
    try:
        return _fetch(published, folder or cache_folder(), listener or Listener())
    except DownloadError as error:
        raise type(error)(
            "set_cannot_be_fetched", "{title} cannot be fetched: {reason}", title=published.title, reason=error
        ) from error


def _refuse_strangers(published: Published, folder: Path) -> None:
    """Leave files alone that only happen to have the name of an archive; in the cache they are ours."""
    for archive in published.archives:
        target = fetched_into(published, folder) / archive.name
        if target.is_file() and not _wanted(archive).matches(target):
            raise OverfitlabError(
                "other_file_in_the_way",
                "{path} is there already, with another checksum; move it away or choose another folder with --to",
                path=target,
            )


def _fetch(published: Published, folder: Path, listener: Listener) -> Copy:
    into = fetched_into(published, folder)
    for archive in published.archives:
        try:
            download.fetch_file(
                _urls(archive),
                into / archive.name,
                size=archive.size,
                sha256=archive.sha256,
                md5=archive.md5,
                listener=listener,
            )
        except DownloadError as error:
            if len(published.archives) > 1:
                raise type(error)(
                    "files_to_fetch_elsewhere",
                    "{reason}; or fetch its files on another machine and put them into {folder}, name a folder "
                    "that holds them with --data-dir, or use --data digits",
                    reason=error,
                    folder=into,
                ) from error
            raise type(error)(
                "file_to_fetch_elsewhere",
                "{reason}; or fetch {file} on another machine and put it into {folder}, name a folder that holds it "
                "with --data-dir, or use --data digits",
                reason=error,
                file=archive.name,
                folder=into,
            ) from error
    place = Place(folder, CACHE_LABEL if folder == cache_folder() else "--to", named=False)
    copy = Copy(published, place, into if published.layout == "gz" else into / published.archives[0].name)
    verified.remember(copy, official=True, sha256={archive.name: archive.sha256 for archive in published.archives})
    return copy


def fetched_into(published: Published, folder: Path) -> Path:
    """Return where the archives of a set go; files of a set that has many get a folder of their own."""
    return folder / published.folder if published.layout == "gz" else folder


def _wanted(archive: Archive) -> download.Wanted:
    return download.Wanted(archive.size, archive.sha256, archive.md5)


def _urls(archive: Archive) -> list[str]:
    """Return where to ask for an archive: the user's own mirror, then those that are known."""
    base = os.environ.get(MIRROR_VARIABLE)
    if not base:
        return list(archive.urls)
    if not base.startswith(("http://", "https://")):
        raise UsageError(
            "no_mirror", "${variable} must be the http(s) address of a folder, not {address!r}",
            variable=MIRROR_VARIABLE, address=base,
        )  # fmt: skip
    return [f"{base.rstrip('/')}/{archive.name}", *archive.urls]
