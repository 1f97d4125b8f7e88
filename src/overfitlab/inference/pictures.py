"""Image files of the user's choice, as the run's network wants them."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from overfitlab.data.dataset import Images
from overfitlab.data.prepare.found_files import image_files
from overfitlab.data.prepare.images import read_images
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.errors import OverfitlabError
from overfitlab.files import found_path
from overfitlab.inference.trained import Trained
from overfitlab.reasons import Reason, reason

FULL = 255  # the value of a white pixel in a file


@dataclass(frozen=True)
class Unreadable:
    """A file that is no image, or a folder that holds none."""

    file: str
    reason: Reason


def expand(given: Sequence[str | Path]) -> list[Path | Unreadable]:
    """Return the files that are meant: each file as it is, and for a folder all images in it, sorted, at its place."""
    found: list[Path | Unreadable] = []
    for entry in (found_path(Path(each)) for each in given):
        if not _is_folder(entry):
            found.append(entry)
            continue
        try:
            inside, _ = image_files(entry)
        except OverfitlabError as error:
            found.append(Unreadable(str(entry), Reason.of(error)))
            continue
        found += inside or [Unreadable(str(entry), reason("folder_of_no_images"))]
    return found


def _is_folder(entry: Path) -> bool:
    try:
        return entry.is_dir()
    except (OSError, ValueError):  # no file can have that name, or it may not be looked at: reading gives the reason
        return False


@dataclass(frozen=True)
class Batch:
    """Files in a row: the readable ones have their images, uint8 [B, H, W, C], in the same order."""

    files: list[str | Unreadable]
    images: Images


def batches(trained: Trained, paths: Sequence[Path | Unreadable]) -> Iterator[Batch]:
    """Yield the files in their order, resized as in training; the next batch is read while this one is used."""
    height, width, channels = trained.image_shape
    readable = [path for path in paths if isinstance(path, Path)]
    reading = read_images(readable, (height, width), channels, trained.compute.threads, trained.white)
    waiting = iter(paths)
    stopped, reads = threading.Event(), threading.Lock()

    def next_batch() -> Batch | None:
        with reads:
            return read_batch()

    def read_batch() -> Batch | None:
        files: list[str | Unreadable] = []
        images: list[Images] = []
        for path in islice(waiting, trained.batch_size):
            if stopped.is_set():
                break
            read = path if isinstance(path, Unreadable) else next(reading)
            if isinstance(read, Unreadable):
                files.append(read)
            elif isinstance(read, UnreadableImageError):
                files.append(Unreadable(str(path), Reason.of(read)))
            else:
                files.append(str(path))
                images.append(scaled(read, trained.brightest))
        return Batch(files, np.stack(images) if images else _none(trained)) if files else None

    with contextlib.closing(reading), ThreadPoolExecutor(1, thread_name_prefix="overfitlab-batches") as pool:
        try:
            coming = pool.submit(next_batch)
            while (batch := coming.result()) is not None:
                coming = pool.submit(next_batch)
                yield batch
        finally:
            stopped.set()
            with reads:  # an interruption while its thread starts makes the pool forget it, and not wait for it
                pass


def as_channels(images: Images, channels: int) -> Images:
    """Return uint8 images [N, H, W, 1 or 3] with 1 (gray) or 3 (RGB) channels, exactly as Pillow converts them.

    Gray is the luma of ITU-R BT.601 (R * 19595 + G * 38470 + B * 7471) / 65536, rounded.
    """
    if images.shape[-1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    red, green, blue = (images[..., channel].astype(np.uint32) for channel in range(3))
    luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return luma.astype(np.uint8)[..., None]


def scaled(images: Images, brightest: int) -> Images:
    """Return images from files, whose white is 255, with the white that the network was trained on."""
    if brightest == FULL:
        return images
    values = np.rint(np.arange(FULL + 1) * brightest / FULL).astype(np.uint8)
    return values[images]


def _none(trained: Trained) -> Images:
    return np.empty((0, *trained.image_shape), dtype=np.uint8)
