"""What a trained network says of each image: confusion, calibration and disagreement are computed from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Predicted:
    """The predictions of one run for the images of one part."""

    rows: NDArray[np.int64]  # [N] of the dataset
    labels: NDArray[np.int64]  # [N]
    classes: NDArray[np.int64]  # [N] the likeliest class, before the probabilities are rounded
    probabilities: NDArray[np.float16]  # [N, K]
    losses: NDArray[np.float32] | None = None  # [N] nats, infinite or NaN where they are; None in older runs

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each image [N] is classified rightly; their mean is the accuracy."""
        correct: NDArray[np.bool_] = self.classes == self.labels
        return correct
