"""Single images from Python, as arrays: Pillow's, NumPy's, PyTorch's."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overfitlab.data.prepare.images import GRAY, from_pillow
from overfitlab.errors import UsageError
from overfitlab.values import shown

Array = NDArray[Any]
CHANNELS = (1, 3)
ONE, SEVERAL = 3, 4  # dimensions of an image with channels, and of images


def is_tensor(value: object) -> bool:
    """Return whether that is a tensor of PyTorch, without importing it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_picture(value: object) -> bool:
    """Return whether that is an image of Pillow."""
    return isinstance(value, Image.Image)


def is_array(value: object) -> bool:
    """Return whether that is an array or a tensor of any library (NumPy, PyTorch, JAX, TensorFlow)."""
    return is_tensor(value) or (hasattr(value, "__array__") and hasattr(value, "shape") and hasattr(value, "dtype"))


def numbers(value: Any) -> Array:
    """Return an array or a tensor as NumPy's; raises `UsageError` where it has none of its own."""
    try:
        if is_tensor(value):
            tensor = value.detach().cpu()
            plain = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor  # NumPy does not have that
            return np.asarray(plain.resolve_conj().resolve_neg().numpy())
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            "no_array_in_memory", "{value} cannot be read as an array ({reason})", value=shown(value), reason=error
        ) from error


def channels_last(array: Array, *, first: bool) -> Array | None:
    """Return an image [H, W, C] or [C, H, W], or images [N, ...] of that, with the channels last; None for others.

    Where both readings are possible it is the one that `first` says: PyTorch's tensors have their channels first.
    """
    height_axis = array.ndim - 3
    fits_first, fits_last = array.shape[height_axis] in CHANNELS, array.shape[-1] in CHANNELS
    if fits_first and (first or not fits_last):
        return np.moveaxis(array, height_axis, -1)
    return array if fits_last else None


def pixels(image: object) -> Array:
    """Return one image as an array [H, W, C]; Pillow's as uint8, upright, gray with one channel, else RGB.

    An array is [H, W], [H, W, C] or [C, H, W], C being 1 or 3. Raises `UsageError` for anything else, and
    `UnreadableImageError` where Pillow cannot decode it.
    """
    if isinstance(image, Image.Image):
        return from_pillow(image, None, 1 if image.mode in GRAY else 3)
    if is_array(image):
        array = numbers(image)
        found = array[..., None] if array.ndim == ONE - 1 else None
        if array.ndim == ONE:
            found = channels_last(array, first=is_tensor(image))
        if found is not None:
            return found
    raise UsageError(
        "no_picture",
        "an image must be a Pillow image, or an array or tensor [H, W], [H, W, C] or [C, H, W] with 1 or 3 "
        "channels, not {value}",
        value=shown(image),
    )
