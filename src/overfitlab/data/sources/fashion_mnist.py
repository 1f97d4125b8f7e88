"""Fashion-MNIST: from its four IDX files to arrays.

Xiao, Rasul and Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
arXiv 1708.07747. An IDX file is a header of big-endian 32-bit numbers, a magic one and the size of each dimension,
and then the bytes.
"""

import math
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.sources.contents import Parts, UnreadableError

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
UNSIGNED_BYTES = 0x08  # the third byte of the magic number; the fourth is how many dimensions there are
SIDE = 28  # pixels


def read_fashion_mnist(read: Callable[[str], bytes]) -> Parts:
    """Return Fashion-MNIST from a function that gives its members; images are [N, 28, 28, 1] in official order.

    Raises `UnreadableError` where a member is not readable.
    """
    images, labels = [], []
    for part in ("train", "t10k"):
        pictures = idx(f"{part}-images-idx3-ubyte", read(f"{part}-images-idx3-ubyte"), dimensions=3)
        classes = idx(f"{part}-labels-idx1-ubyte", read(f"{part}-labels-idx1-ubyte"), dimensions=1)
        if pictures.shape[1:] != (SIDE, SIDE) or not len(pictures):
            raise UnreadableError(
                "idx_images_of_other_size", "{member} holds no images of {side}x{side}",
                member=f"{part}-images-idx3-ubyte", side=SIDE,
            )  # fmt: skip
        if len(classes) != len(pictures) or classes.max() >= len(CLASSES):
            raise UnreadableError(
                "idx_labels_do_not_fit", "{member} does not have one label from 0 to 9 for each image",
                member=f"{part}-labels-idx1-ubyte",
            )  # fmt: skip
        images.append(pictures[..., None].copy())  # a view of bytes cannot be written, which PyTorch dislikes
        labels.append(classes.astype(np.int64))
    return Parts(images[0], labels[0], images[1], labels[1], CLASSES)


def idx(name: str, content: bytes, *, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes; a view of `content`, so that a header asks for no memory.

    Raises `UnreadableError` where the header does not say what the content is.
    """
    header = 4 * (1 + dimensions)
    if len(content) < header:
        raise UnreadableError("idx_too_short", "{member} is not an IDX file: it is too short", member=name)
    magic, *shape = struct.unpack(f">{1 + dimensions}I", content[:header])
    if magic != (UNSIGNED_BYTES << 8) | dimensions:
        raise UnreadableError(
            "idx_of_another_kind",
            "{member} is not an IDX file of bytes in {dimensions} dimensions (magic number {magic:#010x})",
            member=name, dimensions=dimensions, magic=magic,
        )  # fmt: skip
    if math.prod(shape) != len(content) - header:
        raise UnreadableError(
            "idx_damaged", "{member} is damaged: its header says {shape}, but its size is another",
            member=name, shape="x".join(map(str, shape)),
        )  # fmt: skip
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
