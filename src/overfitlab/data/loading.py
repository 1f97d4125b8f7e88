"""From what stands after `--data` to a dataset."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from overfitlab.data.catalog import library
from overfitlab.data.catalog.published import SETS
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.resizing import resized
from overfitlab.data.prepare.splits import set_groups_apart
from overfitlab.data.sources import digits, folder, npz
from overfitlab.data.sources.groups import arrays_for, read_groups
from overfitlab.errors import DataError, UsageError, nearest
from overfitlab.events import Listener
from overfitlab.files import found_path
from overfitlab.reasons import Reason, reason

SOURCES = ("auto", *SETS, "digits")
FEWEST_CLASSES = 2


def load(
    name: str = "auto",
    data_dir: Path | None = None,
    *,
    image_size: tuple[int, int] | None = None,
    groups: str | None = None,
    listener: Listener | None = None,
    trainable: bool = True,
    fetch: bool = True,
    white: int | None = None,
) -> Dataset:
    """Return the dataset of that name, or the images in that folder or `.npz` file.

    A published set is fetched where no copy is on this machine. `auto` is CIFAR-10 where it is on this machine or can
    be fetched, else the digits, with a note that says why. Images are resized to `image_size` (height, width); None
    leaves them as they are, and image files at 32x32. With `groups` images that belong together stay in one part, also
    where a test set is set apart here (see `sources.groups.read_groups`). Images that need not be `trainable` may be of
    a single class or few, and no test set is set apart from them. Without `fetch` nothing is downloaded. In images of
    more than 8 bits `white` is the level that becomes 255, None for the last one of the bits that they use. Raises
    `UsageError` for an unknown name and `DataError` where the data is missing or damaged; a copy that the user named is
    never passed over silently.
    """
    listener = listener or Listener()
    if name not in SOURCES:
        if data_dir is not None:
            raise UsageError("data_dir_not_needed", "--data {name} needs no --data-dir; leave it out", name=name)
        own = _own(name, image_size, listener, trainable, white, groups)
        return _grouped(own, groups)
    if data_dir is not None:
        if name == "digits":
            raise UsageError("data_dir_of_digits", "--data digits needs no --data-dir; leave one of them out")
        if not data_dir.is_dir():
            raise DataError(
                "data_dir_is_no_folder", "{folder} is not a folder; name the one that holds the data", folder=data_dir
            )
    published = replace(_published(name, data_dir, listener, fetch=fetch), notes=_passed_over(name))
    return resized(_grouped(published, groups), image_size, listener)


def brightest(source: str) -> int:
    """Return the value of a white pixel of a source's images: 255, and 16 for scikit-learn's digits."""
    return digits.BRIGHTEST if source == "digits" else 255


def is_own(dataset: Dataset) -> bool:
    """Return whether these are the user's own images, not a published set."""
    return dataset.source not in SOURCES


def _grouped(dataset: Dataset, groups: str | None) -> Dataset:
    if groups is None:
        return dataset
    grouping = read_groups(dataset, groups)
    test = set_groups_apart(dataset, grouping) if dataset.test_set_apart else dataset.test
    return replace(dataset, groups=grouping, test=test)


def _passed_over(name: str) -> tuple[Reason, ...]:
    """Return a note where the working folder has a folder of the same name, which may be what was meant."""
    try:
        meant = any(not entry.name.startswith(".") for entry in Path(name).iterdir())
    except OSError:
        return ()
    return (reason("folder_passed_over", name=name),) if meant else ()


def _published(name: str, data_dir: Path | None, listener: Listener, *, fetch: bool) -> Dataset:
    if name == "digits":
        return digits.load()
    if name != "auto":
        return _from_library(name, data_dir, listener, fetch=fetch)
    try:
        return _from_library("cifar10", data_dir, listener, fetch=fetch)
    except library.NotFoundError as error:
        return replace(digits.load(), note=reason("digits_instead", why=str(error)))


def _from_library(name: str, data_dir: Path | None, listener: Listener, *, fetch: bool) -> Dataset:
    loaded = library.load(name, data_dir, listener=listener, fetch=fetch)
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


def _own(
    name: str,
    image_size: tuple[int, int] | None,
    listener: Listener,
    trainable: bool,
    white: int | None,
    groups: str | None,
) -> Dataset:
    if not name.strip():
        raise UsageError("data_not_named", "--data is empty; name a data set, a folder of images, or an .npz file")
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - a name that cannot be expanded stays as it is
    try:
        path = found_path(path)
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise UsageError(
            "data_cannot_be_looked_at", "--data {name} cannot be examined ({reason})",
            name=name, reason=error,
        ) from error  # fmt: skip
    if is_folder:
        return folder.load(path, image_size, listener, trainable=trainable, white=white)
    if is_file and path.suffix.lower() != ".npz":
        raise UsageError(
            "data_is_other_file", "--data {name} is a file, but not an .npz file; name a folder of images",
            name=name,
        )  # fmt: skip
    if is_file:
        return npz.load(path, image_size, listener, trainable=trainable, white=white, used=arrays_for(groups))
    if os.sep in name or path.suffix.lower() == ".npz":
        raise DataError("data_not_there", "there is no folder or file {name}; check --data", name=name)
    near = nearest(name, SOURCES)
    if near is not None:
        raise UsageError(
            "no_data_called_like", "there is no data set, folder or file called {name}; did you mean {near!r}?",
            name=name, near=near,
        )  # fmt: skip
    raise UsageError(
        "no_data_called", "there is no data set, folder or file called {name}; choose from {known}",
        name=name, known=", ".join(sorted(SOURCES)),
    )  # fmt: skip
