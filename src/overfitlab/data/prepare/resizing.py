"""A dataset in another image size."""

import contextlib
from dataclasses import replace
from pathlib import Path
from statistics import median

from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.cache import Recipe, cached
from overfitlab.data.prepare.images import UnreadableImageError, image_size
from overfitlab.data.prepare.images import resized as resized_image
from overfitlab.events import Listener
from overfitlab.reasons import reason

LOOKED_AT = 31  # files whose size is asked for, to say about how large they are


def resized(dataset: Dataset, size: tuple[int, int] | None, listener: Listener) -> Dataset:
    """Return the dataset with its images in `size` (height, width), as they are where it is None or theirs already."""
    if size is None or dataset.image_shape[:2] == size:
        return dataset
    shape = (*size, dataset.image_shape[2])
    recipe = Recipe(f"{dataset.name} {size}", dataset.content_hash, len(dataset.images), shape)
    images = (resized_image(image, size) for image in dataset.images)
    found = cached(recipe, reason("resizing_images", images=len(dataset.images)), images, listener)
    return replace(dataset, images=found.images, pixel_hash=found.pixel_hash)


def with_remark_on_size(dataset: Dataset, folder: Path, asked: tuple[int, int] | None) -> Dataset:
    """Return a dataset of image files with the remark that they were resized, unless `asked` for or of that size."""
    height, width, _ = dataset.image_shape
    names = dataset.image_names or ()
    sizes = []
    for name in names[:: -(-len(names) // LOOKED_AT) or 1]:
        with contextlib.suppress(UnreadableImageError):  # a name that is not printable is none of a file
            sizes.append(image_size(folder / name))
    if asked is not None or not sizes or all(size == (height, width) for size in sizes):
        return dataset
    before = "x".join(str(round(median(side))) for side in zip(*sizes, strict=True))
    remark = reason("resized_from", before=before, now=f"{height}x{width}")
    return replace(dataset, remarks=(*dataset.remarks, remark))
