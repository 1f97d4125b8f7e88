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
from overfitlab.errors import OverfitlabError

LARGEST_ARCHIVE = 512 * 2**20  # bytes, unpacked
BLOCK = 2**20


class OtherReleaseError(OverfitlabError):
    """A member's checksum is not the official one."""


class Reader:
    """Gives the members of a copy by name, each once, and remembers whether all of them are official so far.

    `strict` refuses others, with `OtherReleaseError`; what cannot be read raises `OverfitlabError`.
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
            other = published.look_alikes[md5]
            raise OverfitlabError(f"{self.copy.path} holds {other}, not {published.title}; name another folder")
        if md5 != published.members[member]:
            self.official = False
            if self._strict:
                raise OtherReleaseError(f"{self.copy.path} has other checksums than the official release")
        return content


def _anew(published: Published) -> str:
    return f"fetch {published.title} anew: overfitlab data fetch {published.name}"


def _folder_reader(copy: Copy) -> Callable[[str], bytes]:
    published = copy.published

    def read(member: str) -> bytes:
        path = member_file(copy.path, member)
        if path is None:
            raise OverfitlabError(f"{copy.path / member} is missing; {_anew(published)}")
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
                content: bytes = stream.read(published.largest_member + 1)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise OverfitlabError(f"{path} is damaged or cannot be read ({reason}); {_anew(published)}") from error
        if len(content) > published.largest_member:
            raise OverfitlabError(f"{path} is too large for a part of {published.title}; {_anew(published)}")
        return content

    return read


def _archive_reader(copy: Copy) -> Callable[[str], bytes]:
    contents: dict[str, bytes] = {}

    def read(member: str) -> bytes:
        if not contents:  # one pass: going back in a compressed archive means starting over
            contents.update(_members_of(copy.path, copy.published))
        if member not in contents:
            published = copy.published
            raise OverfitlabError(f"{copy.path} holds no {published.folder}/{member}; {_anew(published)}")
        return contents.pop(member)

    return read


class _BoundedGzip(gzip.GzipFile):
    """A compressed file that is given up where it unpacks to more than the archive could hold, headers included."""

    def __init__(self, path: Path, published: Published) -> None:
        super().__init__(path)
        self._too_large = OverfitlabError(f"{path} is too large for {published.title}; {_anew(published)}")
        self._largest_read = max(BLOCK, published.largest_member)

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes; raises `OverfitlabError` where they are more than a member may have."""
        if size is None or not 0 <= size <= self._largest_read or self.tell() > LARGEST_ARCHIVE:
            raise self._too_large
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to `offset`; raises `OverfitlabError` where that is beyond what the archive could hold."""
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
                        raise OverfitlabError(f"{path}: {member} is too large for a part of {published.title}")
                    content = archive.extractfile(info)
                    if content is not None:  # never None for a regular file, but its type says so
                        yield member, content.read()
            while stream.read(BLOCK):  # the checksum of the whole comes last, and is compared only there
                pass
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise OverfitlabError(f"{path} is damaged or incomplete ({error}); {_anew(published)}") from error
