"""Reading the members of a copy: bounded, checked, and with nothing unpacked to disk."""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from overfitlab.data.catalog.places import Copy, member_file
from overfitlab.data.catalog.published import Published
from overfitlab.errors import DataError

LARGEST_ARCHIVE = 512 * 2**20  # bytes, unpacked
BLOCK = 2**20


class OtherReleaseError(DataError):
    """A member's checksum is not the official one."""


class Reader:
    """Gives the members of a copy by name, each once, and remembers whether all of them are official so far.

    `strict` refuses others, with `OtherReleaseError`; what cannot be read raises `DataError`.
    """

    def __init__(self, copy: Copy, *, strict: bool) -> None:
        self.copy = copy
        self.official = True
        self._strict = strict
        self._read = _archive_reader(copy) if copy.is_archive else _folder_reader(copy)

    def __call__(self, member: str) -> bytes:
        """Return the uncompressed content of a member."""
        content = self._read(member)
        published = self.copy.published
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if md5 in published.look_alikes:
            raise DataError(
                "other_set", "{path} holds {other}, not {title}; name another folder",
                path=self.copy.path, other=published.look_alikes[md5], title=published.title,
            )  # fmt: skip
        if md5 != published.members[member]:
            self.official = False
            if self._strict:
                raise OtherReleaseError(
                    "other_release", "{path} has other checksums than the official release", path=self.copy.path
                )
        return content


def _folder_reader(copy: Copy) -> Callable[[str], bytes]:
    published = copy.published

    def read(member: str) -> bytes:
        path = member_file(copy.path, member)
        if path is None:
            raise DataError(
                "member_missing", "{path} is missing; fetch {title} again: overfitlab data fetch {name}",
                path=copy.path / member, title=published.title, name=published.name,
            )  # fmt: skip
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
                content: bytes = stream.read(published.largest_member + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                "member_unreadable",
                "{path} is damaged or cannot be read ({reason}); fetch {title} again: overfitlab data fetch {name}",
                path=path, reason=getattr(error, "strerror", None) or error, title=published.title, name=published.name,
            ) from error  # fmt: skip
        if len(content) > published.largest_member:
            raise DataError(
                "member_too_large",
                "{path} is too large for a part of {title}; fetch {title} again: overfitlab data fetch {name}",
                path=path, title=published.title, name=published.name,
            )  # fmt: skip
        return content

    return read


def _archive_reader(copy: Copy) -> Callable[[str], bytes]:
    contents: dict[str, bytes] = {}

    def read(member: str) -> bytes:
        if not contents:  # one pass: going back in a compressed archive means starting over
            contents.update(_members_of(copy.path, copy.published))
        if member not in contents:
            published = copy.published
            raise DataError(
                "archive_without_member", "{path} does not contain {member}; fetch {title} again: overfitlab data "
                                          "fetch {name}",
                path=copy.path, member=f"{published.folder}/{member}", title=published.title, name=published.name,
            )  # fmt: skip
        return contents.pop(member)

    return read


class _BoundedGzip(gzip.GzipFile):
    """A compressed file that is given up where it unpacks to more than the archive could hold, headers included."""

    def __init__(self, path: Path, published: Published) -> None:
        super().__init__(path)
        self._too_large = DataError(
            "archive_too_large", "{path} is too large for {title}; fetch {title} again: overfitlab data fetch "
                                 "{name}",
            path=path, title=published.title, name=published.name,
        )  # fmt: skip
        self._largest_read = max(BLOCK, published.largest_member)

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes; raises `DataError` where they are more than a member may have."""
        if size is None or not 0 <= size <= self._largest_read or self.tell() > LARGEST_ARCHIVE:
            raise self._too_large
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to `offset`; raises `DataError` where that is beyond what the archive could hold."""
        if offset > LARGEST_ARCHIVE:
            raise self._too_large
        return super().seek(offset, whence)


def _members_of(path: Path, published: Published) -> Iterator[tuple[str, bytes]]:
    try:
        with _BoundedGzip(path, published) as stream:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for info in archive:
                    folder, _, member = info.name.removeprefix("./").rpartition("/")
                    if folder != published.folder or member not in published.members or not info.isfile():
                        continue
                    if info.size > published.largest_member:
                        raise DataError(
                            "archived_member_too_large", "{path}: {member} is too large for a part of {title}",
                            path=path, member=member, title=published.title,
                        )  # fmt: skip
                    content = archive.extractfile(info)
                    if content is not None:  # never None for a regular file, but its type says so
                        yield member, content.read()
            while stream.read(BLOCK):  # the checksum of the whole comes last, and is compared only there
                pass
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise DataError(
            "archive_damaged",
            "{path} is damaged or incomplete ({reason}); fetch {title} again: overfitlab data fetch {name}",
            path=path, reason=error, title=published.title, name=published.name,
        ) from error  # fmt: skip
