"""Which images train, which validate, and which test."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from overfitlab.config import Protocol
from overfitlab.data.dataset import Dataset, Images, Indices, Labels
from overfitlab.data.grouping import Grouping
from overfitlab.data.prepare import groups, sampling
from overfitlab.errors import DataError
from overfitlab.randomness import run_key

TEST_FRACTION = 0.2
LARGEST_RANDOM_STATE = 2**32  # of scikit-learn, exclusive


@dataclass(frozen=True)
class Split:
    """Rows of a dataset's images, int64: training and validation in the order of the split, test ascending."""

    training: Indices
    validation: Indices
    test: Indices
    whole: tuple[Indices, Indices] | None = None  # training and validation before fewer were taken, if in whole groups


def split(dataset: Dataset, protocol: Protocol, seed: int) -> Split:
    """Return the parts of a dataset under a protocol.

    Where the source has validation images of its own they are taken. Otherwise it is the split that scikit-learn's
    `train_test_split` makes of the images that are not for testing, index for index, with the protocol's `split_seed`
    or, where the split varies, with a number drawn for the run's seed. Where the protocol wants fewer images of a part,
    it is what `sklearn.utils.resample` draws from that part, without replacement. Where images come in groups, all of a
    group are in one part (see `groups.drawn`), which is then ascending.

    Raises `DataError` where there are too few images for both parts, or too few groups.
    """
    random_state = _random_state(protocol, seed)
    most, classes = protocol.training_images, len(dataset.class_names)
    if most is not None and most < classes:
        raise DataError(
            "fewer_images_than_classes",
            "{images} training images are too few for {classes} classes; use {classes} or more",
            images=most, classes=classes,
        )  # fmt: skip
    if dataset.validation is not None:
        validation = dataset.validation
        training = np.setdiff1d(dataset.learning, validation, assume_unique=True)
    else:
        training, validation = _parted(dataset, protocol, random_state)
    return Split(
        _at_most(protocol.training_images, training, dataset, protocol, random_state),
        _at_most(protocol.validation_images, validation, dataset, protocol, random_state),
        dataset.test,
        (training, validation) if dataset.groups is not None else None,
    )


def available_for_training(dataset: Dataset, protocol: Protocol) -> int:
    """Return how many images the training part has before a protocol takes some; about so many of whole groups."""
    if dataset.validation is not None:
        return len(dataset.learning) - len(dataset.validation)
    return len(dataset.learning) - math.ceil(protocol.validation_fraction * len(dataset.learning))


def _parted(dataset: Dataset, protocol: Protocol, random_state: int) -> tuple[Indices, Indices]:
    learning = dataset.learning
    if dataset.groups is not None:
        pool = groups.Pool(learning, dataset.groups.codes[learning], dataset.labels[learning], dataset.class_names)
        validation = groups.drawn(
            pool, protocol.validation_fraction, random_state, stratified=protocol.stratified, part="validation"
        )
        return np.setdiff1d(learning, validation, assume_unique=True), validation
    labels = dataset.labels[learning]
    counts = np.bincount(labels)
    validating = math.ceil(protocol.validation_fraction * len(learning))
    fewest = np.count_nonzero(counts) if protocol.stratified else 1
    if min(validating, len(learning) - validating) < fewest or (protocol.stratified and 1 in counts):
        raise DataError(
            "images_cannot_be_split",
            "{images} images of {classes} classes cannot be split into training and validation: every class needs two "
            "images or more, and each part at least one of every class",
            images=len(learning), classes=np.count_nonzero(counts),
        )  # fmt: skip
    if protocol.stratified:
        parts = sampling.stratified_parts(labels, protocol.validation_fraction, random_state)
    else:
        parts = sampling.parted(len(learning), protocol.validation_fraction, random_state)
    training, validation = (learning[part] for part in parts)
    return training, validation


def _at_most(most: int | None, rows: Indices, dataset: Dataset, protocol: Protocol, random_state: int) -> Indices:
    if most is None or len(rows) <= most:
        return rows
    if protocol.stratified:
        return rows[sampling.stratified_some(dataset.labels[rows], most, random_state)]
    return rows[sampling.some(len(rows), most, random_state)]


def set_test_apart(images: Images, labels: Labels, rows: Indices) -> Indices:
    """Return which of `rows` become the test set where there is none: a fifth of each class, at least one image.

    Those with the lowest SHA-256 of their pixels, never by a seed: the same images are for testing in every run, and
    identical images of one class are on the same side. Of a folder that grows, a few images near the boundary change
    sides, because the share stays a fifth.
    """
    chosen = []
    for label in np.unique(labels[rows]):
        of_class = rows[labels[rows] == label]
        hashes = [hashlib.sha256(np.ascontiguousarray(images[row]).data).digest() for row in of_class]
        order = sorted(range(len(of_class)), key=hashes.__getitem__)
        count = max(1, round(TEST_FRACTION * len(order)))
        while count < len(order) and hashes[order[count]] == hashes[order[count - 1]]:
            count += 1
        chosen.append(of_class[order[:count]])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def set_groups_apart(dataset: Dataset, grouping: Grouping) -> Indices:
    """Return which images become the test set where there is none and groups are to stay whole: about a fifth.

    As in `set_test_apart`, the content of the images decides, not a seed. A group that has a validation image of the
    source's own stays out of it. Raises `DataError` where no group can be taken.
    """
    rows = np.union1d(dataset.learning, dataset.test)
    own, needs, never = dataset.validation, 2, np.arange(0)
    if own is not None:
        rows, needs, never = np.setdiff1d(rows, own), 1, np.unique(grouping.codes[own])
    pool = groups.Pool(rows, grouping.codes[rows], dataset.labels[rows], dataset.class_names)
    return groups.set_apart(pool, dataset.images, TEST_FRACTION, needs=needs, part="test", never=never)


def _random_state(protocol: Protocol, seed: int) -> int:
    if "split" not in protocol.vary:
        return protocol.split_seed
    return int((run_key(seed, protocol.vary) / "split").generator().integers(LARGEST_RANDOM_STATE))
