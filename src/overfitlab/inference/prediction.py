"""What a trained network takes images for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Images
from overfitlab.inference.handed_in import Taken
from overfitlab.inference.pictures import Unreadable, batches
from overfitlab.inference.trained import Trained, computing


@dataclass(frozen=True)
class Predicted:
    """One image's class probabilities, float64 [K], which sum to one."""

    file: str
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Predictions:
    """Probabilities [N, K] of the images that could be read, in the order in which they were given."""

    files: list[str]  # [N]; of what is no file "image 0", "image 1", ...
    probabilities: NDArray[np.float64]
    class_names: tuple[str, ...]
    unreadable: list[Unreadable]  # the others, each with the reason

    @property
    def classes(self) -> list[str]:
        """The most probable class of each image [N]."""
        return [self.class_names[number] for number in self.probabilities.argmax(axis=1)]

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        unreadable = f", {len(self.unreadable)} unreadable" if self.unreadable else ""
        return f"<Predictions of {len(self)} images, {len(self.class_names)} classes{unreadable}>"


def stream(trained: Trained, paths: Sequence[Path | Unreadable]) -> Iterator[Predicted | Unreadable]:
    """Yield a prediction for every path, or why there is none, in their order and in bounded memory."""
    with computing(trained):
        for batch in batches(trained, paths):
            found = iter(probabilities(trained, batch.images))
            for file in batch.files:
                yield file if isinstance(file, Unreadable) else Predicted(file, next(found))


def collected(trained: Trained, outcomes: Iterator[Predicted | Unreadable]) -> Predictions:
    """Return all outcomes at once."""
    files, rows, unreadable = [], [], []
    for outcome in outcomes:
        if isinstance(outcome, Unreadable):
            unreadable.append(outcome)
        else:
            files.append(outcome.file)
            rows.append(outcome.probabilities)
    table = np.stack(rows) if rows else np.empty((0, len(trained.class_names)))
    return Predictions(files, table, trained.class_names, unreadable)


def of_everything(trained: Trained, given: Taken) -> Iterator[Predicted | Unreadable]:
    """Yield a prediction for everything that was handed in, files or not, in its order."""
    for paths, images, names in given.stretches():
        if paths:
            yield from stream(trained, paths)
        else:
            with computing(trained):
                yield from map(Predicted, names, _rows(trained, images))


def probabilities(trained: Trained, images: Images) -> NDArray[np.float64]:
    """Return the softmax [N, K] of uint8 images [N, H, W, C]."""
    rows = list(_rows(trained, images))
    return np.stack(rows) if rows else np.empty((0, len(trained.class_names)))


def _rows(trained: Trained, images: Images) -> Iterator[NDArray[np.float64]]:
    for x in trained.inputs(images):
        yield from np.exp(trained.log_probabilities(x)).astype(np.float64)
