"""From what stands after `--data` to a dataset."""

from dataclasses import replace
from pathlib import Path

from overfitlab.data import cifar, digits
from overfitlab.data.dataset import Dataset
from overfitlab.data.watching import Watcher
from overfitlab.errors import OverfitlabError, UsageError, unknown_name

SOURCES = ("auto", "cifar10", "digits")


def load(
    name: str = "auto",
    data_dir: Path | None = None,
    *,
    image_size: tuple[int, int] | None = None,
    watcher: Watcher | None = None,
) -> Dataset:
    """Return the dataset of that name, in that folder or in that file.

    `auto` is CIFAR-10 where it is on this machine, else the digits, with a note that says so. Raises `UsageError`
    for an unknown name and `OverfitlabError` where the data is missing or damaged; a copy that the user named is
    never passed over silently.
    """
    if name not in SOURCES:
        raise unknown_name("data", name, SOURCES)
    if data_dir is not None:
        if name == "digits":
            raise UsageError("--data digits needs no --data-dir; leave one of them out")
        if not data_dir.is_dir():
            raise OverfitlabError(f"{data_dir} is not a folder; name the one that holds CIFAR-10")
    if name == "digits":
        return digits.load()
    if name == "cifar10":
        return cifar.load(data_dir)
    try:
        return cifar.load(data_dir)
    except cifar.NotFoundError as error:
        note = f"NOT CIFAR-10 but 1,797 small handwritten digits, so easy that hardly any overfitting shows. {error}"
        return replace(digits.load(), note=note)
