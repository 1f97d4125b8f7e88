"""Whether probabilities mean what they say: of the images predicted with 0.8, are 80 % right?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
BINS = 15  # of Guo et al. and of most figures since


@dataclass(frozen=True)
class Calibration:
    """Images in bins of equal width by confidence, the probability of the predicted class.

    Bin m of M holds the confidences in ((m - 1) / M, m / M]. Empty bins have NaN for confidence and accuracy.
    """

    edges: Floats  # [M + 1], from 0 to 1
    images: Integers  # [M]
    correct: Integers  # [M]
    confidence: Floats  # [M], mean over the bin
    accuracy: Floats  # [M], share of the bin that is right
    mean_confidence: float  # over all images
    expected_error: float  # ECE: mean distance between confidence and accuracy, weighted by images, from 0 to 1


def calibration(
    probabilities: Floats, labels: Integers, bins: int = BINS, *, predicted: Integers | None = None
) -> Calibration:
    """Return the calibration of probabilities [N, K] with labels [N] (Guo et al., 2017, arXiv:1706.04599).

    `predicted` [N] are the likeliest classes where rounding can have made probabilities equal; None finds them.
    """
    confidence = np.clip(probabilities.max(axis=1), 0.0, 1.0)  # a softmax can end a rounding error above 1
    right = (probabilities.argmax(axis=1) if predicted is None else predicted) == labels
    edges = np.linspace(0.0, 1.0, bins + 1)
    numbers = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    images = np.bincount(numbers, minlength=bins)
    correct = np.bincount(numbers[right], minlength=bins)
    sums = np.bincount(numbers, weights=confidence, minlength=bins)
    some = images > 0
    divisor = np.where(some, images, 1)
    return Calibration(
        edges=edges,
        images=images,
        correct=correct,
        confidence=np.where(some, sums / divisor, np.nan),
        accuracy=np.where(some, correct / divisor, np.nan),
        mean_confidence=float(confidence.mean()),
        expected_error=float(np.abs(correct - sums).sum() / len(labels)),
    )
