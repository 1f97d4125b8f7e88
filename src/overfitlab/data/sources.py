"""From the name after `--data` to a dataset."""

from dataclasses import replace
from pathlib import Path

from overfitlab.data import digits, library
from overfitlab.data.dataset import Dataset
from overfitlab.data.published import SETS
from overfitlab.data.watching import Watcher
from overfitlab.errors import OverfitlabError, UsageError, unknown_name

SOURCES = ("auto", *SETS, "digits")


def load(name: str = "auto", data_dir: Path | None = None, *, watcher: Watcher | None = None) -> Dataset:
    """Return the dataset of that name.

    A published set is fetched where no copy is on this machine. `auto` is CIFAR-10 where it is on this machine or can
    be fetched, else the digits, with a note that says why. Raises `UsageError` for an unknown name and
    `OverfitlabError` where the data is missing or damaged; a copy that the user named is never passed over silently.
    """
    if name not in SOURCES:
        raise unknown_name("data", name, SOURCES)
    if data_dir is not None:
        if name == "digits":
            raise UsageError("--data digits needs no --data-dir; leave one of them out")
        if not data_dir.is_dir():
            raise OverfitlabError(f"{data_dir} is not a folder; name the one that holds the data")
    if name == "digits":
        return digits.load()
    if name != "auto":
        return _published(name, data_dir, watcher)
    try:
        return _published("cifar10", data_dir, watcher)
    except library.NotFoundError as error:
        note = f"NOT CIFAR-10 but 1,797 small handwritten digits, so easy that hardly any overfitting shows. {error}"
        return replace(digits.load(), note=note)


def _published(name: str, data_dir: Path | None, watcher: Watcher | None) -> Dataset:
    loaded = library.load(name, data_dir, watcher=watcher)
    return Dataset(
        name=name,
        images=loaded.parts.training_images,
        labels=loaded.parts.training_labels,
        class_names=loaded.parts.class_names,
        test_images=loaded.parts.test_images,
        test_labels=loaded.parts.test_labels,
        origin=loaded.origin,
        official=loaded.official,
        note=loaded.note,
    )
