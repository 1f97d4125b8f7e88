"""Where copies of published data sets are looked for, and what a copy looks like there.

1. The folder that was named (`--data-dir`), then the one in $OVERFITLAB_DATA. A copy there may have other checksums
   than the official release, which a run then records.
2. This program's own cache, Keras's folder, torchvision's usual one, and Debian's. A copy there is taken only with the
   official checksums, because nobody vouched for it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from overfitlab.data.catalog.published import Published
from overfitlab.errors import DataError
from overfitlab.files import cache_folder, user_path

DATA_OPTION = "--data-dir"
DATA_VARIABLE = "OVERFITLAB_DATA"
CACHE_LABEL = "overfitlab's cache"
SYSTEM_FOLDER = Path("/usr/share/datasets")  # where Debian's packages of data sets put them


@dataclass(frozen=True)
class Place:
    """A folder to look in; `named` where the user pointed at it, `label` is who puts data there."""

    folder: Path
    label: str
    named: bool


@dataclass(frozen=True)
class Copy:
    """A copy of a published set: a tar file, or a folder with its members as files of their own."""

    published: Published
    place: Place
    path: Path

    @property
    def is_archive(self) -> bool:
        """Whether it is the tar file, which is read in place."""
        return self.published.layout == "tar" and not self.path.is_dir()

    def files(self) -> list[Path]:
        """Return the files that it consists of."""
        if self.is_archive:
            return [self.path]
        return [file for member in self.published.members if (file := member_file(self.path, member)) is not None]

    def size(self) -> int:
        """Return its size on disk, in bytes."""
        return sum(file.stat().st_size for file in self.files())


def places(data_dir: Path | None = None) -> list[Place]:
    """Return where copies are looked for, best first.

    Raises `DataError` where a folder that the user named is none.
    """
    found = []
    if data_dir is not None:
        found.append(Place(_existing(data_dir, DATA_OPTION), DATA_OPTION, named=True))
    if given := os.environ.get(DATA_VARIABLE):
        found.append(Place(_existing(user_path(given), f"${DATA_VARIABLE}"), f"${DATA_VARIABLE}", named=True))
    keras = user_path(os.environ.get("KERAS_HOME", "~/.keras")) / "datasets"
    return [
        *found,
        Place(cache_folder(), CACHE_LABEL, named=False),
        Place(keras, "Keras", named=False),
        Place(Path("data").absolute(), "torchvision", named=False),  # the root in nearly every example of it
        Place(SYSTEM_FOLDER, "the system", named=False),
    ]


def _existing(folder: Path, source: str) -> Path:
    if not folder.is_dir():
        raise DataError(
            "place_is_no_folder", "{folder} ({source}) is not a folder; name the one that holds the data",
            folder=folder, source=source,
        )  # fmt: skip
    return folder


def copies_in(place: Place, published: Published) -> Iterator[Copy]:
    """Yield the copies in one place, the preferred one first; they may turn out to be damaged or another release."""
    for folder in (published.folder, *published.other_folders):
        if _members_there(place.folder / folder, published) >= 1:
            yield Copy(published, place, place.folder / folder)
    if _members_there(place.folder, published) >= 2:  # one file called "train" would prove nothing
        yield Copy(published, place, place.folder)
    if published.layout == "tar":
        for name in (published.archives[0].name, *published.other_names):
            if (place.folder / name).is_file():
                yield Copy(published, place, place.folder / name)


def _members_there(folder: Path, published: Published) -> int:
    return sum(member_file(folder, member) is not None for member in published.members)


def member_file(folder: Path, member: str) -> Path | None:
    """Return the file that holds a member, as it is or compressed; None where there is none."""
    for file in (folder / f"{member}.gz", folder / member):
        if file.is_file():
            return file
    return None
