"""From images, labels and what each image is for, to a dataset that can be trained on, or a reason why not."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overfitlab.data.dataset import Dataset, Images, Indices, Labels, Skipped
from overfitlab.data.prepare.identical import is_blank
from overfitlab.data.prepare.splits import set_test_apart
from overfitlab.data.sources.part_names import PARTS, TEST, TRAIN, VALIDATION
from overfitlab.errors import DataError

MOST_CLASSES = 10_000


@dataclass(frozen=True)
class Unread:
    """A file that was left out, and the class and the part that it is of."""

    label: int
    part: str
    file: Skipped


def assembled(
    images: Images,
    labels: Labels,
    parts: Sequence[str],
    class_names: tuple[str, ...],
    has: Collection[str],
    unread: Sequence[Unread] = (),
    others: Sequence[Unread] = (),
    *,
    trainable: bool = True,
    **about: Any,
) -> Dataset:
    """Return the dataset; `parts` says of every image whether it is for TRAIN, VALIDATION or TEST, `has` which exist.

    `unread` are files that cannot be read, and `others` files that are no images by their names. A test set is set
    apart from the training images where there is none (see `splits.set_test_apart`), unless they are not meant to be
    trained on (`trainable`). `about` are further fields of `Dataset`. Raises `DataError` where a class has too few
    images to train on.
    """
    rows = {part: _rows(parts, part) for part in PARTS}
    where = about["origin"]
    if len(class_names) > MOST_CLASSES:
        raise DataError(
            "too_many_classes", "{place} has {classes:,} classes; at most {most:,} are possible",
            place=where, classes=len(class_names), most=MOST_CLASSES,
        )  # fmt: skip
    for part in (VALIDATION, TEST):
        if part in has and not len(rows[part]):
            _refuse_empty_part(where, part, [each.file for each in unread if each.part == part])
    if trainable:
        of_training = [each for each in unread if each.part == TRAIN]
        _check_classes(where, labels[rows[TRAIN]], class_names, rows, of_training, others)
    elif not len(labels) and unread:
        raise DataError(
            "no_image_readable", "none of the {count:,} images of {place} can be read; the first, {file}: {reason}",
            place=where, count=len(unread), file=unread[0].file.name, reason=unread[0].file.reason.error(),
        )  # fmt: skip
    if len(set(class_names)) < len(class_names):
        twice = Counter(class_names).most_common(1)[0][0]
        raise DataError(
            "class_names_twice", "{place} has two classes called {name!r}; give each a name of its own",
            place=where, name=twice,
        )  # fmt: skip
    set_apart = trainable and not len(rows[TEST])
    test = set_test_apart(images, labels, rows[TRAIN]) if set_apart else rows[TEST]
    if set_apart:
        left = np.bincount(labels[np.setdiff1d(rows[TRAIN], test)], minlength=len(class_names))
        if left.min() < (1 if len(rows[VALIDATION]) else 2):
            least = int(left.argmin())
            of_class = rows[TRAIN][labels[rows[TRAIN]] == least]
            _refuse_copies(where, images, of_class, class_names[least], about.get("image_names"))
    return Dataset(
        images=images,
        labels=labels,
        class_names=class_names,
        test=test,
        test_set_apart=set_apart,
        validation=rows[VALIDATION] if len(rows[VALIDATION]) else None,
        **about,
    )


def _check_classes(
    where: str,
    labels: Labels,
    class_names: tuple[str, ...],
    rows: dict[str, Indices],
    unread: Sequence[Unread],
    others: Sequence[Unread],
) -> None:
    """Refuse what cannot be split: each class needs an image for every part that is taken from the training images."""
    needs = ["training", *(part for part in (VALIDATION, TEST) if not len(rows[part]))]
    counts = np.bincount(labels, minlength=len(class_names))
    least = int(counts.argmin())
    name, count = class_names[least], int(counts[least])
    of_class = [each.file for each in unread if each.label == least]
    if not count:
        _refuse_empty_class(where, name, of_class, [each.file for each in others if each.label == least])
    if count < len(needs) and of_class:
        raise DataError(
            "class_of_few_readable",
            "class {name!r} of {place} needs one image each for {parts}, and of its {files:,} only {count} can be "
            "read; the first that cannot, {file}: {reason}",
            name=name, place=where, parts=" and ".join(needs), files=count + len(of_class), count=count,
            file=of_class[0].name, reason=of_class[0].reason.error(),
        )  # fmt: skip
    if count == 1 and len(needs) > 1:
        raise DataError(
            "class_of_one_image",
            "class {name!r} of {place} has 1 image, but needs one each for {parts}; add some, or remove the class",
            name=name, place=where, parts=" and ".join(needs),
        )  # fmt: skip
    if count < len(needs):
        raise DataError(
            "class_of_few_images",
            "class {name!r} of {place} has {count} images, but needs one each for {parts}; add some, or remove the "
            "class",
            name=name, place=where, count=count, parts=" and ".join(needs),
        )  # fmt: skip


def _refuse_empty_class(where: str, name: str, unread: Sequence[Skipped], others: Sequence[Skipped]) -> None:
    """Say why a class has no image to train on."""
    if unread:
        raise DataError(
            "class_unreadable",
            "class {name!r} of {place} has no training image that can be read, of {files:,}; the first, {file}: "
            "{reason}",
            name=name, place=where, files=len(unread), file=unread[0].name, reason=unread[0].reason.error(),
        )  # fmt: skip
    if others:
        raise DataError(
            "class_of_other_files",
            "class {name!r} of {place} has no image; the first of {files:,} other files is {file}, whose name does "
            "not end like a format that is read (.jpg, .png, .tif, ...)",
            name=name, place=where, files=len(others), file=others[0].name,
        )  # fmt: skip
    raise DataError(
        "class_without_images", "class {name!r} of {place} has no training image; add some, or remove the class",
        name=name, place=where,
    )  # fmt: skip


def _refuse_empty_part(where: str, part: str, unread: Sequence[Skipped]) -> None:
    if unread:
        raise DataError(
            "part_unreadable",
            "{place} has no {part} image that can be read, of {files:,}; the first, {file}: {reason}",
            place=where, part=part, files=len(unread), file=unread[0].name, reason=unread[0].reason.error(),
        )  # fmt: skip
    raise DataError(
        "part_without_images", "{place} has no {part} image; add some, or remove its {part} part",
        place=where, part=part,
    )  # fmt: skip


def _refuse_copies(where: str, images: Images, rows: Indices, name: str, files: Sequence[str] | None) -> None:
    """Say why none of the images of a class can be set apart for testing: so many of them look the same."""
    about = {"name": name, "place": where, "size": "x".join(map(str, images.shape[1:3]))}
    if all(is_blank(images[row]) for row in rows):
        first = f"image {rows[0]}" if files is None else files[rows[0]]
        raise DataError(
            "class_of_blanks",
            "the images of class {name!r} of {place} are blank, of one colour each (the first: {file}, read at "
            "{size}); add others, or remove the class",
            file=first, **about,
        )  # fmt: skip
    raise DataError(
        "class_of_copies",
        "the images of class {name!r} of {place} are copies of each other, as read at {size}, so none can be set apart "
        "for testing; remove the copies and add others, or remove the class",
        **about,
    )  # fmt: skip


def _rows(parts: Sequence[str], part: str) -> Indices:
    return np.flatnonzero(np.array(parts, dtype=object) == part).astype(np.int64)
