"""CIFAR-10 and CIFAR-100: from the members of the official Python release to arrays.

Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images". A member is a pickle of a dictionary; it is
read by an unpickler that knows nothing but arrays of bytes.
"""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from overfitlab.data.dataset import Images, Labels
from overfitlab.data.sources.contents import Parts, UnreadableError
from overfitlab.data.sources.unpickling import PickledArray, restricted_loads

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR10_TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))  # in their official order
CIFAR10_TEST = "test_batch"
LONGEST_NAME = 40


def read_cifar10(read: Callable[[str], bytes]) -> Parts:
    """Return CIFAR-10 from a function that gives its members; images are [N, 32, 32, 3] in official order.

    Raises `UnreadableError` where a member is not readable.
    """
    images, labels = [], []
    for member in (*CIFAR10_TRAINING, CIFAR10_TEST):
        batch = _batch(member, read(member))
        images.append(_images(member, batch))
        labels.append(_labels(member, batch, b"labels", len(images[-1]), len(CIFAR10_CLASSES)))
    return Parts(
        training_images=np.concatenate(images[:-1]),
        training_labels=np.concatenate(labels[:-1]),
        test_images=images[-1],
        test_labels=labels[-1],
        class_names=CIFAR10_CLASSES,
    )


def read_cifar100(read: Callable[[str], bytes]) -> Parts:
    """Return CIFAR-100 with its 100 fine classes, likewise; the 20 coarse ones are not used."""
    names = _class_names(read("meta"))
    images, labels = [], []
    for member in ("train", "test"):
        batch = _batch(member, read(member))
        images.append(_images(member, batch))
        labels.append(_labels(member, batch, b"fine_labels", len(images[-1]), len(names)))
    return Parts(images[0], labels[0], images[1], labels[1], names)


def _batch(member: str, content: bytes) -> dict[Any, Any]:
    try:
        batch = restricted_loads(content)
    except pickle.UnpicklingError as error:
        raise UnreadableError(
            "cifar_unreadable", "{member} is not a readable CIFAR batch ({reason})", member=member, reason=error
        ) from error
    if not isinstance(batch, dict):
        raise UnreadableError(
            "cifar_without_dictionary", "{member} is not a readable CIFAR batch (it holds no dictionary)", member=member
        )
    return batch


def _images(member: str, batch: dict[Any, Any]) -> Images:
    """Return a batch's images [N, 32, 32, 3]; on disk an image is three planes of 32 x 32."""
    data = batch.get(b"data")
    if not isinstance(data, PickledArray) or not hasattr(data, "array"):
        raise UnreadableError(
            "cifar_without_images", "{member} is not a readable CIFAR batch (it lacks images)", member=member
        )
    if data.array.ndim != 2 or data.array.shape[1] != 3 * 32 * 32 or not len(data.array):
        raise UnreadableError(
            "cifar_images_of_other_size", "{member} is not a readable CIFAR batch (its images are not 32x32x3)",
            member=member,
        )  # fmt: skip
    return np.ascontiguousarray(data.array.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _labels(member: str, batch: dict[Any, Any], key: bytes, images: int, classes: int) -> Labels:
    labels = batch.get(key)
    if not isinstance(labels, list) or len(labels) != images:
        raise UnreadableError(
            "cifar_without_labels",
            "{member} is not a readable CIFAR batch (it lacks labels, or does not have one for each image)",
            member=member,
        )
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise UnreadableError(
            "cifar_labels_out_of_range",
            "{member} is not a readable CIFAR batch (its labels are not whole numbers from 0 to {last})",
            member=member, last=classes - 1,
        )  # fmt: skip
    return np.array(labels, dtype=np.int64)


def _class_names(content: bytes) -> tuple[str, ...]:
    names = _batch("meta", content).get(b"fine_label_names")
    if (
        not isinstance(names, list)
        or len(names) != 100
        or not all(isinstance(name, bytes) and 0 < len(name) <= LONGEST_NAME and name.isascii() for name in names)
        or len(set(names)) != len(names)
    ):
        raise UnreadableError(
            "cifar_without_names", "meta is not a readable CIFAR batch (it lacks the names of 100 classes)"
        )
    return tuple(name.decode("ascii") for name in names)
