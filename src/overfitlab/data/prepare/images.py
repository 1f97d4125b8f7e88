"""Image files of any common format, read into arrays of one size, whatever they hold.

Files come from strangers: only formats that decode in bounded memory are tried, sizes are checked before anything is
decoded, and whatever goes wrong in a decoder makes a file unreadable, never the program.
"""

import contextlib
import math
import os
import stat
import struct
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from overfitlab.data.dataset import Images
from overfitlab.data.prepare.decoders import formats, quiet_pillow
from overfitlab.data.prepare.png_chunks import SIGNATURE, without_remarks
from overfitlab.data.prepare.rounding import few_left
from overfitlab.data.prepare.unreadable import UnreadableImageError, beginning, dangling, not_an_image

LARGEST_FILE = 256 * 2**20  # bytes
JPEG2000_HEAD, JPEG2000_START, JPEG2000_CODING_STYLE = 2**16, b"\xff\x4f\xff\x51", 0xFF52
LARGEST_IMAGE = 89_478_485  # pixels: where Pillow begins to suspect a decompression bomb
LARGE_IMAGE = 8_000_000  # pixels; of such images only one is decoded at a time, which bounds the memory
WHITE = 65535  # the value of a white pixel in 16 bits, where a camera uses all of them
LOOKAHEAD = 4  # images a thread that are decoded before they are asked for
AVERAGED = ("L", "RGB", "RGBA", "CMYK", "YCbCr")
GRAY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
DEEP_ENDINGS = (".png", ".apng", ".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".jp2", ".j2k", ".jpx")
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")

# EXIF orientation -> what puts the image upright (Exif 2.32, tag 0x0112)
ORIENTATION_TAG = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)

Found = TypeVar("Found")


@dataclass
class Seen:
    """What comes to light of images while they are read, as they are in their files, in any order."""

    sizes: list[tuple[int, int]] = field(default_factory=list)  # height and width
    # images of 16 bits: lowest and highest value where rounding leaves few of many levels, else None
    deep: dict[Path, tuple[float, float] | None] = field(default_factory=dict)


_one_large_image = threading.Lock()
_one_rewritten = threading.Lock()


def read_image(path: Path, size: tuple[int, int], channels: int, white: int = WHITE) -> Images:
    """Return the image as uint8 [height, width, channels] for `size` (height, width) and 1 (gray) or 3 (RGB) channels.

    Upright as its EXIF orientation says, transparent parts over white, the first frame of an animation, 16-bit gray
    scaled to 8 bits so that `white` becomes 255. Both sides are resized to `size` without keeping their ratio, as
    Keras's `image_dataset_from_directory` does, but with a bilinear filter that averages over all pixels when it
    shrinks.

    Raises `UnreadableImageError`.
    """
    quiet_pillow()
    return _read(path, size, channels, white)


def read_images(
    paths: Sequence[Path],
    size: tuple[int, int],
    channels: int,
    threads: int | None = None,
    white: int = WHITE,
    seen: Seen | None = None,
) -> Generator[Images | UnreadableImageError]:
    """Yield what `read_image` returns or raises, in the order of `paths`, decoding a few images ahead in threads.

    What is to be known of the images as they are in their files is put into `seen`.
    """
    quiet_pillow()

    def attempt(path: Path) -> Images | UnreadableImageError:
        try:
            return _read(path, size, channels, white, seen)
        except UnreadableImageError as error:
            return error

    return _ahead(attempt, paths, threads)


def levels(paths: Sequence[Path], threads: int | None = None) -> Generator[int | None]:
    """Yield the highest level of each image of 16 bits, as it is stored, from 0 to 65535; None of what is unreadable.

    Of colours only the upper eight bits are known: it is the highest level that can have them.
    """
    quiet_pillow()

    def attempt(path: Path) -> int | None:
        try:
            return _with(path, _highest)
        except UnreadableImageError:  # reading it will give the reason
            return None

    return _ahead(attempt, paths, threads)


def of_sixteen_bits(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return which of the files are images of 16 bits: gray ones, and those of which Pillow gives the upper eight.

    Nothing is decoded, and of formats that have no 16 bits nothing is read.
    """
    quiet_pillow()
    possible = [path for path in paths if path.suffix.lower() in DEEP_ENDINGS]

    def attempt(path: Path) -> tuple[bool, bool]:
        try:
            return _with(path, lambda image: (_is_deep(image), _is_cut(image)))
        except UnreadableImageError:  # reading it will give the reason
            return False, False

    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        found = list(pool.map(attempt, possible))
    gray, cut = ([path for path, each in zip(possible, found, strict=True) if each[kind]] for kind in (0, 1))
    return gray, cut


def is_gray(path: Path) -> bool | None:
    """Return whether the file says that it is gray, without decoding it; None where it is no image."""
    quiet_pillow()
    try:
        return _with(path, lambda image: image.mode in GRAY)
    except UnreadableImageError:  # reading it will give the reason
        return None


def _ahead(attempt: Callable[[Path], Found], paths: Sequence[Path], threads: int | None) -> Generator[Found]:
    threads = threads or min(16, os.cpu_count() or 1)
    waiting: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="overfitlab-images") as pool:
        try:
            for path in paths:
                waiting.append(pool.submit(attempt, path))
                if len(waiting) > LOOKAHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def from_pillow(image: Image.Image, size: tuple[int, int] | None, channels: int, white: int = WHITE) -> Images:
    """Return an image that is open already as `read_image` returns one from a file; None for the size that it has.

    `white` is the level that becomes 255 where it has 16 bits.
    Raises `UnreadableImageError`.
    """
    quiet_pillow()
    with _reasons(None):
        if math.prod(image.size) > LARGEST_IMAGE:
            raise Image.DecompressionBombError
        upright = (image.height, image.width)
        if _orientation(image) in SIDEWAYS:
            upright = (image.width, image.height)
        return _array(image, size or upright, channels, white)


def image_size(path: Path) -> tuple[int, int]:
    """Return height and width of the upright image, without decoding it; raises `UnreadableImageError`."""
    quiet_pillow()

    def size(image: Image.Image) -> tuple[int, int]:
        width, height = image.size
        return (width, height) if _orientation(image) in SIDEWAYS else (height, width)

    return _with(path, size)


def resized(image: Images, size: tuple[int, int]) -> Images:
    """Return uint8 [H, W, C] in another size (height, width), as `read_image` resizes; C is 1 or 3."""
    if image.shape[:2] == size:
        return image
    plain = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    small = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.uint8).reshape(*size, image.shape[2])


def _read(path: Path, size: tuple[int, int], channels: int, white: int, seen: Seen | None = None) -> Images:
    def pixels(image: Image.Image) -> Images:
        if seen is not None:
            seen.sizes.append((image.height, image.width))
            if _is_deep(image) and math.prod(image.size) <= LARGE_IMAGE:
                seen.deep[path] = few_left(np.asarray(image), 255 / white)
        image.draft(None, (2 * max(size), 2 * max(size)))  # JPEG decodes at a half, quarter or eighth for nothing
        if math.prod(image.size) > LARGE_IMAGE:
            with _one_large_image:
                _leave_out_details(image, path, size)
                return _array(image, size, channels, white)
        return _array(image, size, channels, white)

    return _with(path, pixels)


def _highest(image: Image.Image) -> int:
    with _one_large_image if math.prod(image.size) > LARGE_IMAGE else contextlib.nullcontext():
        pixels = np.asarray(image)
        if _is_deep(image):
            return int(pixels.max(initial=0))
        colours = pixels[..., :-1] if "A" in image.getbands() else pixels
        return int(colours.max(initial=0)) * 256 + 255


def _with(path: Path, use: Callable[[Image.Image], Found]) -> Found:
    """Return what `use` makes of the image, not yet decoded; raises `UnreadableImageError`.

    Pillow refuses a PNG that says a great deal besides its pixels, such as a colour profile of more than a megabyte.
    Nothing of that is wanted here, so it is taken out.
    """
    try:
        with _opened(path) as image:
            return use(image)
    except _RemarksError:
        with _one_rewritten, _opened(path, rewritten=True) as image:
            return use(image)


class _RemarksError(Exception):
    """What a PNG says besides its pixels is in the way."""


@contextlib.contextmanager
def _opened(path: Path, *, rewritten: bool = False) -> Iterator[Image.Image]:
    """Give the image, not yet decoded; whatever goes wrong then or in the block becomes `UnreadableImageError`.

    Raises `_RemarksError` where the same file can probably be read when it is `rewritten` without what is no pixel.
    """
    with _reasons(path, rewritten=rewritten):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImageError("image_is_no_file", "it is not a regular file")
        if status.st_size == 0:
            raise UnreadableImageError("image_file_empty", "it is empty")
        if status.st_size > LARGEST_FILE:
            raise UnreadableImageError(
                "image_file_too_large", "it has {size:.0f} MB; at most {most} MB are read",
                size=status.st_size / 2**20, most=LARGEST_FILE // 2**20,
            )  # fmt: skip
        with (
            path.open("rb") as stream,
            Image.open(without_remarks(stream) if rewritten else stream, formats=formats()) as image,
        ):
            pixels = math.prod(image.size)
            if pixels > LARGEST_IMAGE:
                raise Image.DecompressionBombError
            yield image


@contextlib.contextmanager
def _reasons(path: Path | None, *, rewritten: bool = True) -> Iterator[None]:
    """Turn whatever goes wrong in the block into `UnreadableImageError`, with the reason; None for what is no file.

    What goes wrong with a PNG that is not `rewritten` becomes `_RemarksError`.
    """
    try:
        yield
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(
            "image_has_too_many_pixels", "it has more than {most:.0f} million pixels", most=LARGEST_IMAGE / 1e6
        ) from None
    except UnidentifiedImageError:
        if path is None:
            raise UnreadableImageError("image_format_unknown", "it is not an image of a known format") from None
        raise not_an_image(path, with_heif="HEIF" in formats()) from None
    except MemoryError:
        raise UnreadableImageError("image_beyond_memory", "it does not fit into memory", passing=True) from None
    except OSError as error:
        raise _said_by(error, path) from error
    except Exception as error:  # a decoder can fail on a damaged file in nearly any way
        if path and isinstance(error, ValueError) and not rewritten and beginning(path).startswith(SIGNATURE):
            raise _RemarksError from error
        raise UnreadableImageError(
            "image_breaks_decoder", "it is damaged ({reason})", reason=type(error).__name__
        ) from error


def _said_by(error: OSError, path: Path | None) -> UnreadableImageError:
    """Return what the system or the decoder says of a file."""
    passing = error.errno is not None
    reason = error.strerror or str(error)
    if path and isinstance(error, FileNotFoundError) and (link := dangling(path)) is not None:
        return link
    if not reason:
        return UnreadableImageError("image_damaged", "it is damaged", passing=passing)
    return UnreadableImageError(
        "image_unreadable", "{reason}", passing=passing, reason=reason[0].lower() + " ".join(reason[1:].split())
    )


def _leave_out_details(image: Image.Image, path: Path, size: tuple[int, int]) -> None:
    """Let a large JPEG 2000 image decode at a half, a quarter, ...: whole, it takes four bytes for every sample."""
    if image.format != "JPEG2000":
        return
    factor = min(image.width // (2 * max(size)), image.height // (2 * max(size)))
    halvings = min(max(factor, 1).bit_length() - 1, _resolutions(path))
    # the decoder rounds sizes up, and Pillow to the nearest: where they differ, it takes the image for a broken one
    while any(-(-side // 2**halvings) != (side + 2**halvings // 2) // 2**halvings for side in image.size):
        halvings -= 1
    setattr(image, "reduce", halvings)  # noqa: B010 - a property of this format; of others a method
    image.load()
    setattr(image, "reduce", 0)  # noqa: B010 - the method again


def _resolutions(path: Path) -> int:
    """Return how often a JPEG 2000 image was halved, by its coding style marker (ISO 15444-1, A.6.1); 0 if unknown."""
    with path.open("rb") as stream:
        head = stream.read(JPEG2000_HEAD)
    position = head.find(JPEG2000_START) + 2  # after the start of the codestream come markers, each with its length
    while 2 <= position <= len(head) - 10:
        marker, length = struct.unpack(">HH", head[position : position + 4])
        if marker == JPEG2000_CODING_STYLE:
            return head[position + 9]
        position += 2 + length
    return 0


def _array(image: Image.Image, size: tuple[int, int], channels: int, white: int) -> Images:
    orientation = _orientation(image)
    height, width = reversed(size) if orientation in SIDEWAYS else size
    image.load()
    plain = _eight_bits(_manageable(image, (width, height)), "L" if channels == 1 else "RGB", white)
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    if orientation in UPRIGHT:
        plain = plain.transpose(UPRIGHT[orientation])
    return np.asarray(plain, dtype=np.uint8).reshape(*size, channels)


def _manageable(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a large image at a fraction of its size, at least twice `size`: conversions take many times its memory."""
    factor = min(image.width // (2 * size[0]), image.height // (2 * size[1]))
    if math.prod(image.size) <= LARGE_IMAGE or factor < 2:
        return image
    if image.mode in AVERAGED:
        small = image.reduce(factor)
    else:  # a palette or 16 bits: there is no mean of those
        small = image.resize((image.width // factor, image.height // factor), Image.Resampling.NEAREST)
    small.format, small.info = image.format, image.info
    return small


def _is_deep(image: Image.Image) -> bool:
    return image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format in ("PNG", "PPM"))


def _is_cut(image: Image.Image) -> bool:
    """Return whether there are 16 bits a channel of which Pillow gives the upper eight."""
    return not _is_deep(image) and image.format in ("PNG", "TIFF") and ";16" in str(getattr(image, "tile", ""))


def _eight_bits(image: Image.Image, mode: str, white: int) -> Image.Image:
    """Return the image in `mode`, "L" or "RGB"."""
    if _is_deep(image):
        stored = np.asarray(image).astype(np.int64).clip(0, white)
        return Image.fromarray(((stored * 255 + white // 2) // white).astype(np.uint8)).convert(mode)
    if image.mode in ("I", "F"):
        raise UnreadableImageError(
            "image_of_32_bits", "its pixels are 32-bit numbers, which have no agreed range; convert it to 8 bits"
        )
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        ground = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(ground, over).convert("RGB").convert(mode)
    return image.convert(mode) if image.mode in ("1", "L") else image.convert("RGB").convert(mode)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # damaged EXIF is no reason to leave out an image
        return 1
