"""The 1,797 handwritten digits that come with scikit-learn: always there, no network needed."""

import numpy as np

from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.splits import set_test_apart

BRIGHTEST = 16  # the value of a white pixel; zero is black


def load() -> Dataset:
    """Return the digits: images [1797, 8, 8, 1] of values 0 to 16, in scikit-learn's order, a fifth for testing."""
    from sklearn.datasets import load_digits  # takes half a second, which --help need not pay

    digits = load_digits()
    images = digits.images.astype(np.uint8)[..., None]
    labels = digits.target.astype(np.int64)
    return Dataset(
        name="digits",
        images=images,
        labels=labels,
        class_names=tuple(str(digit) for digit in range(10)),
        test=set_test_apart(images, labels, np.arange(len(images))),
        test_set_apart=True,
        origin="scikit-learn",
        source="digits",
        official=True,
    )
