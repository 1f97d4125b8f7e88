"""A folder of the user's own images."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np

from overfitlab.data.dataset import Dataset, Images, Skipped
from overfitlab.data.prepare.cache import Findings, Recipe, cached
from overfitlab.data.prepare.decoders import decoders
from overfitlab.data.prepare.images import Seen, is_gray, read_images
from overfitlab.data.prepare.rounding import FULL, NARROW, Left, note_of, refuse_most
from overfitlab.data.prepare.sixteen_bits import white_of
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.data.sources.layout import Layout, read_layout
from overfitlab.data.sources.parts import Unread, assembled
from overfitlab.display import display_name
from overfitlab.errors import DataError
from overfitlab.events import Listener
from overfitlab.reasons import Reason, reason

DEFAULT_SIZE = (32, 32)
CLASSES_SAID = 3  # of which it is said what rounding leaves


def load(
    folder: Path,
    image_size: tuple[int, int] | None,
    listener: Listener,
    *,
    trainable: bool = True,
    white: int | None = None,
) -> Dataset:
    """Return the images below `folder`, resized to `image_size` (height, width), 32x32 where it is None.

    They are gray where every file is gray, else RGB. The order is that of the files' names. Files that cannot be read
    are left out and listed in `skipped`, those that lie in no folder of a class too. In images of 16 bits `white`
    becomes 255; None for what they use: 4095 where none of them is brighter, as those of a 12-bit camera. Raises
    `DataError` where the folder cannot be trained on, or only where there is nothing to evaluate if it need not be
    (`trainable`).
    """
    layout = read_layout(folder, trainable=trainable)
    if not layout.files:
        raise _without_images(folder, layout)
    height, width = image_size or DEFAULT_SIZE
    channels = 1 if _all_gray(layout.files) else 3
    findings = Findings()

    def decoded() -> Iterator[Images | UnreadableImageError]:
        seen = Seen()
        level = white_of(layout.files, white, findings)
        low, high = FULL, 0
        for image in read_images(layout.files, (height, width), channels, white=level, seen=seen):
            if high - low < NARROW and not isinstance(image, UnreadableImageError):  # mostly the first one is enough
                low, high = min(low, int(image.min())), max(high, int(image.max()))
            yield image
        if seen.sizes and high - low < NARROW:
            findings.notes.append(reason("few_levels_used", array=display_name(folder), low=low, high=high))
        if seen.sizes:
            findings.native = (
                round(median(each[0] for each in seen.sizes)),
                round(median(each[1] for each in seen.sizes)),
            )
        _judge_rounding(folder, layout, seen, high - low, level, findings, given=white is not None)

    origin = f"{folder.resolve()} {height}x{width}" + ("" if white is None else f" white {white}")
    recipe = Recipe(origin, _state(folder, layout.files), len(layout.files), (height, width, channels))
    found = cached(recipe, reason("reading_images", images=len(layout.files)), decoded(), listener, findings)
    names = [display_name(path.relative_to(folder)) for path in layout.files]
    unread = [
        Unread(layout.labels[row], layout.parts[row], Skipped(names[row], found.skipped[row]))
        for row in sorted(found.skipped)
    ]
    resized = _resized(found.native, (height, width)) if image_size is None else []
    return assembled(
        found.images,
        np.array([layout.labels[row] for row in found.rows], dtype=np.int64),
        [layout.parts[row] for row in found.rows],
        layout.class_names,
        layout.has,
        unread,
        [Unread(other.label, other.part, _no_image(folder, other.path)) for other in layout.others],
        trainable=trainable,
        name=display_name(folder.resolve().name) or "images",
        origin=display_name(folder),
        source=str(folder.absolute()),
        official=False,
        image_names=[names[row] for row in found.rows],
        skipped=[
            *(one.file for one in unread),
            *(Skipped(display_name(path.relative_to(folder)), reason("image_in_no_class")) for path in layout.loose),
            *(_no_image(folder, path) for path in (*(other.path for other in layout.others), *layout.strays)),
        ],
        pixel_hash=found.pixel_hash,
        notes=(*layout.notes, *found.notes, *resized),
        white=found.white,
    )


def _judge_rounding(
    folder: Path, layout: Layout, seen: Seen, levels: int, white: int, findings: Findings, *, given: bool
) -> None:
    """Say where rounding images of 16 bits to 256 levels leaves next to nothing, of the whole folder or of a class."""
    images: dict[int, int] = {}
    few: dict[int, list[Left]] = {}
    for path, label in zip(layout.files, layout.labels, strict=True):
        if path not in seen.deep:
            continue
        images[label] = images.get(label, 0) + 1
        found, ends = few.setdefault(label, []), seen.deep[path]
        if ends is not None:
            found.append(Left(display_name(path.relative_to(folder)), *ends))
    if not given:
        every = [each for found in few.values() for each in found]
        refuse_most(every, sum(images.values()), levels, display_name(folder), white)
    for label in sorted(few, key=lambda label: -len(few[label]) / images[label])[:CLASSES_SAID]:
        note_of(few[label], images[label], layout.class_names[label], white, findings)


def _no_image(folder: Path, path: Path) -> Skipped:
    return Skipped(display_name(path.relative_to(folder)), reason("no_ending_of_an_image"))


def _without_images(folder: Path, layout: Layout) -> DataError:
    if layout.others:
        return DataError(
            "folder_of_other_files",
            "{folder} has no image files in its subfolders; the first of {files:,} other files is {file}, whose "
            "name does not end like a format that is read (.jpg, .png, .tif, ...)",
            folder=folder, files=len(layout.others), file=layout.others[0].path.relative_to(folder),
        )  # fmt: skip
    return DataError("folder_without_images", "{folder} has no image files in its subfolders", folder=folder)


def _all_gray(files: Sequence[Path]) -> bool:
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        return all(gray is not False for gray in pool.map(is_gray, files))


def _resized(native: tuple[int, int] | None, size: tuple[int, int]) -> list[Reason]:
    """Return a note of the size that the images had, where nobody asked for another one."""
    if native is None or native == size:
        return []
    before, after = (f"{height}x{width}" for height, width in (native, size))
    return [reason("images_resized", before=before, after=after)]


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
