"""From images, labels and what each image is for, to a dataset that can be trained on, or a reason why not."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from overfitlab.data.dataset import Dataset, Images, Indices, Labels
from overfitlab.data.prepare.splits import set_test_apart
from overfitlab.data.sources.layout import TEST, TRAIN, VALIDATION
from overfitlab.errors import DataError

MOST_CLASSES = 10_000


def assembled(
    images: Images,
    labels: Labels,
    parts: Sequence[str],
    class_names: tuple[str, ...],
    has: Collection[str],
    *,
    trainable: bool = True,
    **about: Any,
) -> Dataset:
    """Return the dataset; `parts` says of every image whether it is for TRAIN, VALIDATION or TEST, `has` which exist.

    A test set is set apart from the training images where there is none (see `splits.set_test_apart`), unless they
    are not meant to be trained on (`trainable`). `about` are further fields of `Dataset`. Raises `DataError` where a
    class has too few images to train on.
    """
    rows = {part: _rows(parts, part) for part in (TRAIN, VALIDATION, TEST)}
    where = about["origin"]
    if len(class_names) > MOST_CLASSES:
        raise DataError(
            "too_many_classes", "{place} has {classes:,} classes; at most {most:,} are possible",
            place=where, classes=len(class_names), most=MOST_CLASSES,
        )  # fmt: skip
    for part in (VALIDATION, TEST):
        if part in has and not len(rows[part]):
            raise DataError(
                "part_without_images",
                "{place} has no {part} image that can be read; add some, or remove its {part} part",
                place=where, part=part,
            )  # fmt: skip
    if trainable:
        _check_classes(where, labels[rows[TRAIN]], class_names, rows)
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
            raise DataError(
                "class_of_copies",
                "the images of class {name!r} of {place} are copies of each other, so none can be set apart for "
                "testing; remove the copies and add others, or remove the class",
                name=class_names[int(left.argmin())], place=where,
            )  # fmt: skip
    return Dataset(
        images=images,
        labels=labels,
        class_names=class_names,
        test=test,
        test_set_apart=set_apart,
        validation=rows[VALIDATION] if len(rows[VALIDATION]) else None,
        **about,
    )


def _check_classes(where: str, labels: Labels, class_names: tuple[str, ...], rows: dict[str, Indices]) -> None:
    """Refuse what cannot be split: each class needs an image for every part that is taken from the training images."""
    needs = ["training", *(part for part in (VALIDATION, TEST) if not len(rows[part]))]
    counts = np.bincount(labels, minlength=len(class_names))
    least = int(counts.argmin())
    name, count = class_names[least], int(counts[least])
    if not count:
        raise DataError(
            "class_without_images",
            "class {name!r} of {place} has no image that can be read; add some, or remove the class",
            name=name, place=where,
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


def _rows(parts: Sequence[str], part: str) -> Indices:
    return np.flatnonzero(np.array(parts, dtype=object) == part).astype(np.int64)
