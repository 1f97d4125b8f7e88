"""Where a trained network finds the evidence for a class, image by image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from overfitlab.data.dataset import Images
from overfitlab.data.prepare.images import image_size, read_image
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.display import as_seen, display_name
from overfitlab.errors import unknown_name
from overfitlab.inference.grad_cam import FeatureMaps, choose_layer, feature_layers, grad_cam
from overfitlab.inference.handed_in import Taken
from overfitlab.inference.pictures import FULL, Batch, Unreadable, batches
from overfitlab.inference.trained import Trained, computing
from overfitlab.reasons import Reason

LARGEST_PICTURE = 512  # pixels a side, of the images on a sheet


@dataclass(frozen=True)
class Explanation:
    """One image's map for one class."""

    file: str
    probabilities: NDArray[np.float64]  # [K]
    explained: int  # the number of the class that the map is about
    map: NDArray[np.float64]  # [h, w] of the layer, not negative, in units of the class's logit
    picture: Images  # [H, W, C] at its own resolution, up to 512 pixels a side

    @property
    def predicted(self) -> int:
        """The number of the most probable class."""
        return int(self.probabilities.argmax())

    @property
    def nothing_found(self) -> bool:
        """Whether the map is zero everywhere: nothing in the layer speaks for the class."""
        return not self.map.any()


class Explainer:
    """Makes maps with one network, one layer and, if `class_name` is not None, for one class."""

    def __init__(self, trained: Trained, class_name: str | None = None, layer: str | None = None) -> None:
        """Raise `UsageError` for a class or a layer that the network does not have."""
        known = [as_seen(name) for name in trained.class_names]
        if class_name is not None and as_seen(class_name) not in known:
            raise unknown_name("class", class_name, map(display_name, trained.class_names))
        self._trained = trained
        self._class = None if class_name is None else known.index(as_seen(class_name))
        self.layer = choose_layer(self._layers, layer)

    @cached_property
    def _layers(self) -> list[FeatureMaps]:
        (x,) = self._trained.inputs(np.zeros((1, *self._trained.image_shape), dtype=np.uint8))
        return feature_layers(self._trained.model, x)

    def of_files(self, paths: Sequence[Path | Unreadable]) -> Iterator[Explanation | Unreadable]:
        """Yield a map for every file, or why there is none, in their order."""
        with computing(self._trained):
            for batch in batches(self._trained, paths):
                yield from self._of_batch(batch)

    def of_everything(self, given: Taken) -> Iterator[Explanation | Unreadable]:
        """Yield a map for everything that was handed in; with files among it, the white of every picture is theirs."""
        brightest = self._trained.brightest if given.has_files else FULL
        for paths, images, names in given.stretches():
            if paths:
                yield from self.of_files(paths)
                continue
            with computing(self._trained):
                for name, image, (probabilities, found, explained) in zip(
                    names, images, self._maps(images), strict=True
                ):
                    picture = np.rint(image * (FULL / brightest)).astype(np.uint8)
                    yield Explanation(name, probabilities, explained, found, picture)

    def _of_batch(self, batch: Batch) -> Iterator[Explanation | Unreadable]:
        maps = self._maps(batch.images)
        for file in batch.files:
            if isinstance(file, Unreadable):
                yield file
                continue
            probabilities, found, explained = next(maps)
            try:
                picture = _picture(Path(file), self._trained.image_shape[2], self._trained.white)
            except UnreadableImageError as error:  # it was readable a moment ago
                yield Unreadable(file, Reason.of(error))
                continue
            yield Explanation(file, probabilities, explained, found, picture)

    def _maps(self, images: Images) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], int]]:
        """Yield each image's probabilities, its map, and the number of the class that the map is about."""
        for x in self._trained.inputs(images):
            # those of a prediction, to the bit: layers that run one by one, for gradients, round differently
            probabilities = np.exp(self._trained.log_probabilities(x))
            chosen = torch.from_numpy(probabilities.argmax(1))
            if self._class is not None:
                chosen = torch.full_like(chosen, self._class)
            with self._trained.compute.autocast():
                maps, _ = grad_cam(self._trained.model, x, self.layer.name, chosen)
            self._trained.refuse_not_finite(maps)
            yield from zip(probabilities, maps.double().numpy(), chosen.tolist(), strict=True)


def _picture(path: Path, channels: int, white: int) -> Images:
    """Return the image at its own resolution, at most 512 pixels a side."""
    height, width = image_size(path)
    shrink = min(1.0, LARGEST_PICTURE / max(height, width))
    size = max(1, round(height * shrink)), max(1, round(width * shrink))
    return read_image(path, size, channels, white)
