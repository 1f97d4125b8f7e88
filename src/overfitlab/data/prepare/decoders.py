"""The decoders of Pillow that are used, and how they are kept from talking."""

import warnings
from functools import cache

import PIL
from PIL import Image

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "PPM", "JPEG2000", "HEIF")


def decoders() -> str:
    """Return a text that changes with what can be read: Pillow's version, and the formats that it knows."""
    return f"{PIL.__version__} {' '.join(formats())}"


@cache
def formats() -> list[str]:
    """Return the formats that are read, by Pillow's names."""
    try:
        import pillow_heif  # the extra "heif"

        pillow_heif.register_heif_opener()
    except ImportError:
        pass
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def quiet_pillow() -> None:
    """Leave out remarks about odd files, which the user cannot act on, and make that about bombs an error.

    Warning filters belong to the whole process; setting them in the threads that decode would be a race.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
