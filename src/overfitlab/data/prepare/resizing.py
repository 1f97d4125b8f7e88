"""A dataset in another image size."""

from dataclasses import replace

from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.cache import Recipe, cached
from overfitlab.data.prepare.images import resized as resized_image
from overfitlab.events import Listener
from overfitlab.reasons import reason


def resized(dataset: Dataset, size: tuple[int, int] | None, listener: Listener) -> Dataset:
    """Return the dataset with its images in `size` (height, width), as they are where it is None or theirs already."""
    if size is None or dataset.image_shape[:2] == size:
        return dataset
    shape = (*size, dataset.image_shape[2])
    recipe = Recipe(f"{dataset.name} {size}", dataset.content_hash, len(dataset.images), shape)
    images = (resized_image(image, size) for image in dataset.images)
    found = cached(recipe, reason("resizing_images", images=len(dataset.images)), images, listener)
    return replace(dataset, images=found.images, pixel_hash=found.pixel_hash)
