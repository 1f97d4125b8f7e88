"""A folder of the user's own images."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from overfitlab.data.dataset import Dataset, Skipped
from overfitlab.data.prepare.cache import Recipe, cached
from overfitlab.data.prepare.images import decoders, is_gray, read_images
from overfitlab.data.sources.layout import read_layout
from overfitlab.data.sources.parts import assembled
from overfitlab.display import display_name
from overfitlab.errors import DataError
from overfitlab.events import Listener
from overfitlab.reasons import reason

DEFAULT_SIZE = (32, 32)


def load(folder: Path, image_size: tuple[int, int] | None, listener: Listener, *, trainable: bool = True) -> Dataset:
    """Return the images below `folder`, resized to `image_size` (height, width), 32x32 where it is None.

    They are gray where every file is gray, else RGB. The order is that of the files' names. Files that cannot be read
    are left out and listed in `skipped`. Raises `DataError` where the folder cannot be trained on, or only where there
    is nothing to evaluate if it need not be (`trainable`).
    """
    layout = read_layout(folder, trainable=trainable)
    if not layout.files:
        raise DataError("folder_without_images", "{folder} holds no image files in its subfolders", folder=folder)
    height, width = image_size or DEFAULT_SIZE
    origin = f"{folder.resolve()} {height}x{width}"
    channels = 1 if _all_gray(layout.files) else 3
    recipe = Recipe(origin, _state(folder, layout.files), len(layout.files), (height, width, channels))
    decoded = read_images(layout.files, (height, width), channels)
    found = cached(recipe, reason("reading_images", images=len(layout.files)), decoded, listener)
    names = [display_name(path.relative_to(folder)) for path in layout.files]
    skipped = [Skipped(names[row], found.skipped[row]) for row in sorted(found.skipped)]
    skipped += [
        Skipped(display_name(path.relative_to(folder)), reason("no_ending_of_an_image")) for path in layout.others
    ]
    return assembled(
        found.images,
        np.array([layout.labels[row] for row in found.rows], dtype=np.int64),
        [layout.parts[row] for row in found.rows],
        layout.class_names,
        layout.has,
        trainable=trainable,
        name=display_name(folder.resolve().name) or "images",
        origin=display_name(folder),
        source=str(folder.absolute()),
        official=False,
        image_names=[names[row] for row in found.rows],
        skipped=skipped,
        pixel_hash=found.pixel_hash,
    )


def _all_gray(files: Sequence[Path]) -> bool:
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        return all(gray is not False for gray in pool.map(is_gray, files))


def _state(folder: Path, files: Sequence[Path]) -> str:
    """Return a hash of names, sizes and times of the files: it changes with their content."""
    digest = hashlib.sha256(decoders().encode())
    for path in files:
        name = os.fsencode(path.relative_to(folder))
        try:
            status = path.stat()
            digest.update(f"{name!r} {status.st_size} {status.st_mtime_ns}\n".encode())
        except OSError as error:
            digest.update(f"{name!r} {error.errno}\n".encode())
    return digest.hexdigest()
