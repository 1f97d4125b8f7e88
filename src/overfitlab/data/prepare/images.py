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
import warnings
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from overfitlab.data.dataset import Images
from overfitlab.errors import DataError

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "PPM", "JPEG2000", "HEIF")
ENDINGS = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
        *(".webp", ".avif", ".avifs", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".heic", ".heif"),
    )
)
LARGEST_FILE = 256 * 2**20  # bytes
JPEG2000_HEAD, JPEG2000_START, JPEG2000_CODING_STYLE = 2**16, b"\xff\x4f\xff\x51", 0xFF52
LARGEST_IMAGE = 89_478_485  # pixels: where Pillow begins to suspect a decompression bomb
LARGE_IMAGE = 8_000_000  # pixels; of such images only one is decoded at a time, which bounds the memory
LOOKAHEAD = 4  # images a thread that are decoded before they are asked for
AVERAGED = ("L", "RGB", "RGBA", "CMYK", "YCbCr")
GRAY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
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

_one_large_image = threading.Lock()


class UnreadableImageError(DataError):
    """A file that is no image, or a damaged or unsuitable one; its text is the reason, without the file's name.

    `passing` where the same file may well be read another time: no permission, no memory.
    """

    def __init__(self, code: str, template: str = "", /, *, passing: bool = False, **values: object) -> None:
        super().__init__(code, template, **values)
        self.passing = passing


def read_image(path: Path, size: tuple[int, int], channels: int) -> Images:
    """Return the image as uint8 [height, width, channels] for `size` (height, width) and 1 (gray) or 3 (RGB) channels.

    Upright as its EXIF orientation says, transparent parts over white, the first frame of an animation, 16-bit gray
    scaled to 8 bits. Both sides are resized to `size` without keeping their ratio, as Keras's
    `image_dataset_from_directory` does, but with a bilinear filter that averages over all pixels when it shrinks.

    Raises `UnreadableImageError`.
    """
    _quiet_pillow()
    return _read(path, size, channels)


def read_images(
    paths: Sequence[Path], size: tuple[int, int], channels: int, threads: int | None = None
) -> Generator[Images | UnreadableImageError]:
    """Yield what `read_image` returns or raises, in the order of `paths`, decoding a few images ahead in threads."""
    _quiet_pillow()
    threads = threads or min(16, os.cpu_count() or 1)

    def attempt(path: Path) -> Images | UnreadableImageError:
        try:
            return _read(path, size, channels)
        except UnreadableImageError as error:
            return error

    waiting: deque[Future[Images | UnreadableImageError]] = deque()
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


def picture(image: Image.Image, size: tuple[int, int], channels: int) -> Images:
    """Return an open picture as `read_image` returns a file."""
    return _array(image, size, channels)


def image_size(path: Path) -> tuple[int, int]:
    """Return height and width of the upright image, without decoding it; raises `UnreadableImageError`."""
    _quiet_pillow()
    with _opened(path) as image:
        width, height = image.size
        return (width, height) if _orientation(image) in SIDEWAYS else (height, width)


def is_gray(path: Path) -> bool | None:
    """Return whether the file says that it is gray, without decoding it; None where it is no image."""
    _quiet_pillow()
    try:
        with _opened(path) as image:
            return image.mode in GRAY
    except UnreadableImageError:  # reading it will give the reason
        return None


def resized(image: Images, size: tuple[int, int]) -> Images:
    """Return uint8 [H, W, C] in another size (height, width), as `read_image` resizes; C is 1 or 3."""
    if image.shape[:2] == size:
        return image
    plain = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    small = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.uint8).reshape(*size, image.shape[2])


def folder_identity(folder: Path) -> tuple[int, int]:
    """Return what is the same for all names of one folder; raises `OSError` where it cannot be looked at."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def image_files(folder: Path, elsewhere: Collection[tuple[int, int]] = ()) -> tuple[list[Path], list[Path]]:
    """Return the image files below `folder`, by their endings, and the other files; both sorted by path.

    Hidden files and folders are left out. Links are followed, but each folder is visited once, however many links lead
    to it, and those in `elsewhere` (see `folder_identity`) not at all. Raises `DataError` where a folder cannot be
    listed.
    """
    images: list[Path] = []
    others: list[Path] = []
    seen = set(elsewhere)
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            identity = folder_identity(current)
            if identity in seen and current is not folder:
                continue
            seen.add(identity)
            entries = [entry for entry in os.scandir(current) if not entry.name.startswith(".")]
        except OSError as error:
            raise DataError(
                "folder_cannot_be_listed", "{folder} cannot be listed ({reason})",
                folder=current, reason=error.strerror,
            ) from error  # fmt: skip
        for entry in entries:
            if _is_folder(entry):
                waiting.append(Path(entry.path))
            elif Path(entry.name).suffix.lower() in ENDINGS:
                images.append(Path(entry.path))
            else:
                others.append(Path(entry.path))
    return sorted(images, key=os.fsencode), sorted(others, key=os.fsencode)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: reading it as a file will give the reason
        return False


def _read(path: Path, size: tuple[int, int], channels: int) -> Images:
    with _opened(path) as image:
        image.draft(None, (2 * max(size), 2 * max(size)))  # JPEG decodes at a half, quarter or eighth for nothing
        if math.prod(image.size) > LARGE_IMAGE:
            with _one_large_image:
                _leave_out_details(image, path, size)
                return _array(image, size, channels)
        return _array(image, size, channels)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Give the image, not yet decoded; whatever goes wrong then or in the block becomes `UnreadableImageError`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImageError("image_is_no_file", "it is not a regular file")
        if status.st_size == 0:
            raise UnreadableImageError("image_file_empty", "it is empty")
        if status.st_size > LARGEST_FILE:
            raise UnreadableImageError(
                "image_file_too_large", "it has {size:.0f} MB, at most {most} are read",
                size=status.st_size / 2**20, most=LARGEST_FILE // 2**20,
            )  # fmt: skip
        with path.open("rb") as stream, Image.open(stream, formats=_formats()) as image:
            pixels = math.prod(image.size)
            if pixels > LARGEST_IMAGE:
                raise Image.DecompressionBombError
            yield image
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(
            "image_has_too_many_pixels", "it has more than {most:.0f} million pixels", most=LARGEST_IMAGE / 1e6
        ) from None
    except UnidentifiedImageError:
        if path.suffix.lower() in (".heic", ".heif") and "HEIF" not in _formats():
            raise UnreadableImageError(
                "image_needs_heif", "it is no image of a known format; for HEIC: pip install 'overfitlab[heif]'"
            ) from None
        raise UnreadableImageError("image_format_unknown", "it is no image of a known format") from None
    except MemoryError:
        raise UnreadableImageError("image_beyond_memory", "it does not fit into memory", passing=True) from None
    except OSError as error:
        reason = error.strerror or str(error)
        if not reason:
            raise UnreadableImageError("image_damaged", "it is damaged", passing=error.errno is not None) from error
        raise UnreadableImageError(
            "image_unreadable", "{reason}",
            passing=error.errno is not None, reason=reason[0].lower() + " ".join(reason[1:].split()),
        ) from error  # fmt: skip
    except Exception as error:  # a decoder can fail on a damaged file in nearly any way
        raise UnreadableImageError(
            "image_breaks_decoder", "it is damaged ({reason})", reason=type(error).__name__
        ) from error


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


def _array(image: Image.Image, size: tuple[int, int], channels: int) -> Images:
    orientation = _orientation(image)
    height, width = reversed(size) if orientation in SIDEWAYS else size
    image.load()
    plain = _eight_bits(_manageable(image, (width, height)), "L" if channels == 1 else "RGB")
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


def _eight_bits(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in `mode`, "L" or "RGB"."""
    if image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format in ("PNG", "PPM")):
        levels = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((levels + 128) // 257).astype(np.uint8)).convert(mode)
    if image.mode in ("I", "F"):
        raise UnreadableImageError(
            "image_of_32_bits", "its pixels are 32-bit numbers, which have no agreed range; convert it to 8 bits"
        )
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB").convert(mode)
    return image.convert(mode) if image.mode in ("1", "L") else image.convert("RGB").convert(mode)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # damaged EXIF is no reason to leave out an image
        return 1


def decoders() -> str:
    """Return a text that changes with what can be read: Pillow's version, and the formats that it knows."""
    return f"{PIL.__version__} {' '.join(_formats())}"


@cache
def _formats() -> list[str]:
    try:
        import pillow_heif  # the extra "heif"

        pillow_heif.register_heif_opener()
    except ImportError:
        pass
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _quiet_pillow() -> None:
    """Leave out remarks about odd files, which the user cannot act on, and make that about bombs an error.

    Warning filters belong to the whole process; setting them in the threads that decode would be a race.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
