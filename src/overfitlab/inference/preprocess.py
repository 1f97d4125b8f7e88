"""From a picture to what a trained network takes, outside of overfitlab's own commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from overfitlab.data import loading
from overfitlab.data.dataset import Images
from overfitlab.data.prepare.images import WHITE, from_pillow, read_image, resized
from overfitlab.errors import UsageError
from overfitlab.inference.levels import on_the_scale
from overfitlab.inference.pictures import as_channels, scaled
from overfitlab.runs.run import Run


@dataclass(frozen=True)
class Preprocess:
    """What was done to the images that a network was trained on; called, it does it to others."""

    mean: tuple[float, ...]  # per channel, in the unit of the pixels, from 0 to `brightest`
    std: tuple[float, ...]
    size: tuple[int, int]  # height, width
    brightest: int  # the value of a white pixel: 255, and 16 for scikit-learn's digits
    white: int | None = None  # the level of white in numbers of more than 8 bits; None where there were none

    def __call__(self, images: Any) -> Tensor:
        """Return a batch for the network, float32 [B, C, H, W], on the CPU.

        Args:
            images: a picture of PIL; a file; an array [H, W], [H, W, C] or [N, H, W, C]; a tensor [C, H, W] or
                [N, C, H, W], as torchvision has them; or several of them in a list. C is 1 or 3. Numbers are whole, as
                in training, or fractions from 0 to 1. Each image is resized and standardized as in training.

        Raises:
            UsageError: it is none of those.
            DataError: a file cannot be read.
        """
        pictures = self._all(images)
        x = torch.from_numpy(np.stack(pictures)).to(torch.float32)
        mean, std = (torch.tensor(each, dtype=torch.float64).to(torch.float32) for each in (self.mean, self.std))
        return x.sub_(mean).div_(std).permute(0, 3, 1, 2).contiguous()  # networks write x.view(len(x), -1)

    def _all(self, images: Any) -> list[Images]:
        """Return each image as uint8 [H, W, C] in the size of the training."""
        channels = len(self.mean)
        if isinstance(images, Image.Image):
            return [scaled(from_pillow(images, self.size, channels, self.white or WHITE), self.brightest)]
        if isinstance(images, str | Path):
            return [scaled(read_image(Path(images), self.size, channels, self.white or WHITE), self.brightest)]
        if isinstance(images, Tensor):
            by_torch = images.detach().cpu()
            if by_torch.ndim not in (3, 4):
                raise _unfit(f"a tensor {list(images.shape)}")
            return self._array(by_torch.movedim(-3, -1).numpy(), f"a tensor {list(images.shape)}")
        if isinstance(images, np.ndarray):
            return self._array(images, f"an array {list(images.shape)}")
        if isinstance(images, Sequence) and images:
            return [each for image in images for each in self._all(image)]
        raise _unfit("nothing" if isinstance(images, Sequence) else repr(images)[:100])

    def _array(self, array: NDArray[Any], said: str) -> list[Images]:
        if array.ndim == 2:
            array = array[..., None]
        batch = array if array.ndim == 4 else array[None]
        if batch.ndim != 4 or batch.shape[-1] not in (1, 3) or not batch.size:
            raise _unfit(said)
        channels = len(self.mean)
        levels = np.ascontiguousarray(on_the_scale(batch, self.brightest, self.white))
        return [resized(each, self.size) for each in as_channels(levels, channels)]


def preprocess_of(run: Run) -> Preprocess:
    """Return what the images of a run went through; raises `UsageError` for a run of another program."""
    data = run.own.data
    height, width, _ = data.image_shape
    return Preprocess(tuple(data.mean), tuple(data.std), (height, width), loading.brightest(data.source), data.white)


def _unfit(said: str) -> UsageError:
    return UsageError(
        "no_images_to_prepare",
        "images must be PIL images, files, arrays [H, W, C] or [N, H, W, C], or tensors [C, H, W] or [N, C, H, W] "
        "with 1 or 3 channels, not {given}",
        given=said,
    )
