"""From what stands after `--data` to a dataset."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from overfitlab.data.catalog import library
from overfitlab.data.catalog.published import SETS
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.resizing import resized
from overfitlab.data.sources import digits, folder, npz
from overfitlab.data.watching import Watcher
from overfitlab.errors import OverfitlabError, UsageError, unknown_name
from overfitlab.files import display_name

SOURCES = ("auto", *SETS, "digits")


def load(
    name: str = "auto",
    data_dir: Path | None = None,
    *,
    image_size: tuple[int, int] | None = None,
    watcher: Watcher | None = None,
    trainable: bool = True,
    fetch: bool = True,
) -> Dataset:
    """Return the dataset of that name, or the images in that folder or `.npz` file.

    A published set is fetched where no copy is on this machine. `auto` is CIFAR-10 where it is on this machine or can
    be fetched, else the digits, with a note that says why. Images are resized to `image_size` (height, width); None
    leaves them as they are, and image files at 32x32. Images that need not be `trainable` may be of a single class or
    few, and no test set is set apart from them. Without `fetch` nothing is downloaded. Raises `UsageError` for an
    unknown name and `OverfitlabError` where the data is missing or damaged; a copy that the user named is never passed
    over silently.
    """
    watcher = watcher or Watcher()
    if name not in SOURCES:
        if data_dir is not None:
            raise UsageError(f"--data {display_name(name)} needs no --data-dir; leave it out")
        return _own(name, image_size, watcher, trainable)
    if data_dir is not None:
        if name == "digits":
            raise UsageError("--data digits needs no --data-dir; leave one of them out")
        if not data_dir.is_dir():
            raise OverfitlabError(f"{data_dir} is not a folder; name the one that holds the data")
    return resized(_published(name, data_dir, watcher, fetch=fetch), image_size, watcher)


def brightest(source: str) -> int:
    """Return the value of a white pixel of a source's images: 255, and 16 for scikit-learn's digits."""
    return digits.BRIGHTEST if source == "digits" else 255


def is_own(dataset: Dataset) -> bool:
    """Return whether these are the user's own images, not a published set."""
    return dataset.source not in SOURCES


def _published(name: str, data_dir: Path | None, watcher: Watcher, *, fetch: bool) -> Dataset:
    if name == "digits":
        return digits.load()
    if name != "auto":
        return _from_library(name, data_dir, watcher, fetch=fetch)
    try:
        return _from_library("cifar10", data_dir, watcher, fetch=fetch)
    except library.NotFoundError as error:
        note = f"NOT CIFAR-10 but 1,797 small handwritten digits, so easy that hardly any overfitting shows. {error}"
        return replace(digits.load(), note=note)


def _from_library(name: str, data_dir: Path | None, watcher: Watcher, *, fetch: bool) -> Dataset:
    loaded = library.load(name, data_dir, watcher=watcher, fetch=fetch)
    parts = loaded.parts
    learning, test = len(parts.training_labels), len(parts.test_labels)
    return Dataset(
        name=name,
        images=np.concatenate([parts.training_images, parts.test_images]),
        labels=np.concatenate([parts.training_labels, parts.test_labels]),
        class_names=parts.class_names,
        test=np.arange(learning, learning + test, dtype=np.int64),
        origin=loaded.origin,
        source=name,
        official=loaded.official,
        note=loaded.note,
    )


def _own(name: str, image_size: tuple[int, int] | None, watcher: Watcher, trainable: bool) -> Dataset:
    if not name.strip():
        raise UsageError("--data is empty; name a data set, a folder of images, or an .npz file")
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - a name that cannot be expanded stays as it is
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise UsageError(f"--data {display_name(name)} cannot be looked at ({error})") from error
    if is_folder:
        return folder.load(path, image_size, watcher, trainable=trainable)
    if is_file and path.suffix.lower() != ".npz":
        raise UsageError(f"--data {display_name(name)} is a file, but no .npz; name a folder of images")
    if is_file:
        return npz.load(path, image_size, watcher, trainable=trainable)
    if os.sep in name or path.suffix.lower() == ".npz":
        raise OverfitlabError(f"there is no folder or file {display_name(name)}; check --data")
    hint = str(unknown_name("data", name, SOURCES)).partition("; ")[2]
    raise UsageError(f"there is no data set, folder or file called {display_name(name)}; {hint}")
