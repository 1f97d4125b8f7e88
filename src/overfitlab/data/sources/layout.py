"""How a folder of images is laid out: which files, of which class, for which part."""

import os
from dataclasses import dataclass
from pathlib import Path

from overfitlab.data.prepare.images import folder_identity, image_files
from overfitlab.display import display_name
from overfitlab.errors import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PART_NAMES = {
    "train": TRAIN, "training": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
SHOWN = 3  # names in a message


@dataclass(frozen=True)
class Layout:
    """Image files in a fixed order, the class and the part of each, and the files that are no images by their names."""

    class_names: tuple[str, ...]
    files: list[Path]
    labels: list[int]
    parts: list[str]
    others: list[Path]
    has: frozenset[str]  # the parts that have a folder


def read_layout(folder: Path, *, trainable: bool = True) -> Layout:
    """Return what `DIR/class/...` or `DIR/train|val|test/class/...` holds; an empty folder is a class without images.

    Raises `DataError` where it is neither, or has one class only and is to be trained on (`trainable`).
    """
    subfolders = _subfolders(folder)
    parts = {entry: PART_NAMES[entry.name.lower()] for entry in subfolders if entry.name.lower() in PART_NAMES}
    if not any(_subfolders(entry) for entry in parts):
        return _of_classes(folder, {TRAIN: [folder]}, trainable)  # a class may well be called "test"
    strangers = [entry for entry in subfolders if entry not in parts]
    if strangers:
        raise DataError(
            "parts_beside_classes",
            "{folder} holds {parts} and also {others}; leave either parts (train, val, test) or classes in it",
            folder=folder, parts=_listed(parts), others=_listed(strangers),
        )  # fmt: skip
    if TRAIN not in parts.values():
        raise DataError(
            "folder_without_train", "{folder} holds {parts} but no train/; add it",
            folder=folder, parts=_listed(parts),
        )  # fmt: skip
    by_part: dict[str, list[Path]] = {}
    for entry, part in parts.items():
        by_part.setdefault(part, []).append(entry)
    twice = next((entries for entries in by_part.values() if len(entries) > 1), None)
    if twice:
        raise DataError(
            "parts_mean_the_same", "{folder} holds {parts}, which mean the same; leave one of them",
            folder=folder, parts=_listed(twice),
        )  # fmt: skip
    return _of_classes(folder, by_part, trainable)


def _of_classes(folder: Path, by_part: dict[str, list[Path]], trainable: bool) -> Layout:
    (train,) = by_part[TRAIN]
    classes = [entry.name for entry in _subfolders(train)]
    if not classes:
        raise DataError(
            "folder_without_classes",
            "{folder} has no subfolders, one per class; put the images of each class into a subfolder of its own: "
            "cats/1.jpg, dogs/2.jpg",
            folder=folder,
        )
    if trainable and len(classes) == 1:
        raise DataError(
            "one_class_only", "{place} has one class only, {name}; at least two are needed",
            place=folder, name=classes[0],
        )  # fmt: skip
    files: list[Path] = []
    labels: list[int] = []
    parts: list[str] = []
    others: list[Path] = []
    elsewhere = _identities([folder, *(root for roots in by_part.values() for root in roots)])
    for part in (TRAIN, VALIDATION, TEST):
        for root in by_part.get(part, []):
            for entry in _subfolders(root):
                if entry.name not in classes:
                    raise DataError(
                        "class_not_in_train",
                        "class {name} is in {folder} but not in {train}; the names of the classes must be the same in "
                        "all parts",
                        name=entry.name, folder=root, train=train,
                    )  # fmt: skip
                images, rest = image_files(entry, elsewhere)
                files += images
                others += rest
                labels += [classes.index(entry.name)] * len(images)
                parts += [part] * len(images)
    return Layout(tuple(display_name(name) for name in classes), files, labels, parts, others, frozenset(by_part))


def _identities(roots: list[Path]) -> set[tuple[int, int]]:
    """Return the folders that links must not lead into: those of the layout: no image has two classes."""
    found: dict[tuple[int, int], Path] = {}
    for root in roots:
        for entry in [root, *_subfolders(root)]:
            identity = folder_identity(entry)
            other = found.setdefault(identity, entry)
            if other.name != entry.name and root not in (entry, other):
                raise DataError(
                    "folder_of_two_names", "{folder} and {other} are one folder under two names; remove the link",
                    folder=other, other=entry,
                )  # fmt: skip
    return set(found)


def _subfolders(folder: Path) -> list[Path]:
    try:
        entries = [Path(entry.path) for entry in os.scandir(folder) if not entry.name.startswith(".")]
        return sorted((entry for entry in entries if entry.is_dir()), key=os.fsencode)
    except OSError as error:
        raise DataError(
            "folder_cannot_be_listed", "{folder} cannot be listed ({reason})",
            folder=folder, reason=error.strerror,
        ) from error  # fmt: skip


def _listed(entries: list[Path] | dict[Path, str]) -> str:
    names = [f"{entry.name}/" for entry in entries]
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
