"""CIFAR-10 (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny Images") from a copy on this machine.

A copy is the folder `cifar-10-batches-py` of the official Python release, or the archive it comes in, which is read
in place. It is looked for, in this order, in

1. the folder that was named (`--data-dir`), then the one in $OVERFITLAB_DATA: a copy there may have other checksums
   than the official release, which the run then records;
2. this program's own cache, Keras's folder and torchvision's usual one: a copy there is taken only with the official
   checksums, because nobody vouched for it.
"""

import gzip
import hashlib
import os
import pickle
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from overfitlab.data.dataset import Dataset, Images, Labels
from overfitlab.data.unpickling import PickledArray, restricted_loads
from overfitlab.errors import OverfitlabError

FOLDER = "cifar-10-batches-py"
ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target.tar.gz")
MEMBERS = {  # member: md5 in the official release
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LARGEST_ARCHIVE = 512 * 2**20  # bytes, unpacked
LARGEST_MEMBER = 64 * 2**20  # bytes; the official ones have 31 MB, protocol-2 pickles of the same up to 45 MB


class NotFoundError(OverfitlabError):
    """There is no copy in any of the places."""


@dataclass(frozen=True)
class Place:
    """A folder to look in; `named` where the user pointed at it."""

    folder: Path
    named: bool


def places(data_dir: Path | None) -> list[Place]:
    """Return where a copy is looked for, best first."""
    from_environment = os.environ.get("OVERFITLAB_DATA")
    found = [Place(data_dir, named=True)] if data_dir else []
    if from_environment:
        found.append(Place(Path(from_environment).expanduser(), named=True))
    keras = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"
    usual = [
        Path(platformdirs.user_cache_dir("overfitlab")),
        keras,
        keras / "cifar-10-batches-py-target",  # Keras 3 unpacks to here
        Path("data").absolute(),  # the root in nearly every torchvision example
    ]
    return found + [Place(folder, named=False) for folder in usual]


def load(data_dir: Path | None = None) -> Dataset:
    """Return CIFAR-10: 50,000 training images in their official order, and 10,000 test images.

    Raises `NotFoundError` where there is no copy, and `OverfitlabError` where a folder that the user named holds none
    or a damaged one.
    """
    passed_over = []
    for place in places(data_dir):
        copy = _copy_in(place.folder)
        if copy is None:
            if place.named:
                source = "--data-dir" if place.folder == data_dir else "$OVERFITLAB_DATA"
                raise OverfitlabError(
                    f"no CIFAR-10 in {place.folder} ({source}); it should hold {FOLDER}/ or {ARCHIVES[0]}"
                )
            continue
        where, read_member = copy
        if place.named:
            return _dataset(where, read_member, strict=False)
        try:
            return _dataset(where, read_member, strict=True)
        except OverfitlabError:
            passed_over.append(where)
    raise NotFoundError(_not_found(passed_over))


def _not_found(passed_over: list[Path]) -> str:
    where = ", ".join(str(place.folder) for place in places(None))
    if passed_over:
        return (
            f"{passed_over[0]} is not the official CIFAR-10 release (other checksums, or damaged); "
            f"name its folder with --data-dir to use it all the same, or use --data digits"
        )
    return (
        f"CIFAR-10 is not on this machine (looked in {where}); put {ARCHIVES[0]} into one of these folders, "
        "name its folder with --data-dir, or use --data digits"
    )


def _copy_in(folder: Path) -> tuple[Path, Callable[[str], bytes]] | None:
    """Return where the copy in `folder` lies and how to read a member of it, None where there is no copy."""
    for unpacked in (folder / FOLDER, folder):
        if (unpacked / "test_batch").exists() or (unpacked / "data_batch_1").exists():
            return unpacked, _folder_reader(unpacked)
    for name in ARCHIVES:
        if (folder / name).is_file():
            return folder / name, _archive_reader(folder / name)
    return None


def _folder_reader(folder: Path) -> Callable[[str], bytes]:
    def read(member: str) -> bytes:
        path = folder / member
        try:
            if not path.is_file() or path.stat().st_size > LARGEST_MEMBER:
                raise OverfitlabError(f"{path} is missing or no CIFAR-10 batch; fetch CIFAR-10 anew")
            return path.read_bytes()
        except OSError as error:
            raise OverfitlabError(f"{path} cannot be read ({error.strerror}); fetch CIFAR-10 anew") from error

    return read


def _archive_reader(path: Path) -> Callable[[str], bytes]:
    """Return a function from a member's name to its bytes; nothing is ever written to disk."""
    contents: dict[str, bytes] = {}

    def read(member: str) -> bytes:
        if not contents:  # one pass: going back in a compressed archive means starting over
            contents.update(_members_of(path))
        if member not in contents:
            raise OverfitlabError(f"{path} holds no {FOLDER}/{member}; fetch CIFAR-10 anew")
        return contents.pop(member)

    return read


def _members_of(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with gzip.open(path) as stream:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for info in archive:
                    folder, _, member = info.name.removeprefix("./").rpartition("/")
                    if folder != FOLDER or member not in MEMBERS or not info.isfile():
                        continue
                    if info.size > LARGEST_MEMBER:
                        raise OverfitlabError(f"{path}: {member} is too large for a CIFAR-10 batch")
                    content = archive.extractfile(info)
                    if content is not None:  # never None for a regular file, but its type says so
                        yield member, content.read()
            while stream.read(2**20):  # the checksum of the whole comes last, and is compared only there
                if stream.tell() > LARGEST_ARCHIVE:
                    raise OverfitlabError(f"{path} is too large for CIFAR-10")
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise OverfitlabError(f"{path} is damaged or incomplete ({error}); fetch CIFAR-10 anew") from error


def _dataset(where: Path, read_member: Callable[[str], bytes], *, strict: bool) -> Dataset:
    official = True
    images, labels = [], []
    for member, md5 in MEMBERS.items():
        content = read_member(member)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            official = False
            if strict:
                raise OverfitlabError(f"{where} has other checksums than the official release")
        batch_images, batch_labels = _parse(where / member, content)
        images.append(batch_images)
        labels.append(batch_labels)
    return Dataset(
        name="cifar10",
        images=np.concatenate(images),
        labels=np.concatenate(labels),
        class_names=CLASS_NAMES,
        test=np.arange(sum(map(len, labels[:-1])), sum(map(len, labels)), dtype=np.int64),
        origin=str(where),
        source="cifar10",
        official=official,
        note="" if official else "this copy of CIFAR-10 has other checksums than the official release",
    )


def _parse(path: Path, content: bytes) -> tuple[Images, Labels]:
    """Return a batch's images [N, 32, 32, 3] and labels [N]; on disk an image is three planes of 32 x 32."""
    broken = f"{path} is not a readable CIFAR-10 batch"
    try:
        batch = restricted_loads(content)
    except pickle.UnpicklingError as error:
        raise OverfitlabError(f"{broken} ({error}); fetch CIFAR-10 anew") from error
    data = batch.get(b"data") if isinstance(batch, dict) else None
    labels = batch.get(b"labels") if isinstance(batch, dict) else None
    if (
        not isinstance(data, PickledArray)
        or not isinstance(labels, list)
        or not hasattr(data, "array")
        or data.array.shape != (len(labels), 3 * 32 * 32)
        or not labels
        or not all(type(label) is int and 0 <= label < len(CLASS_NAMES) for label in labels)
    ):
        raise OverfitlabError(f"{broken} (it lacks images or labels, or they do not match); fetch CIFAR-10 anew")
    planes = data.array.reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.array(labels, dtype=np.int64)
