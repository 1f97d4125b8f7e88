"""The 1,797 handwritten digits that come with scikit-learn: always there, no network needed."""

import numpy as np

from overfitlab.data.dataset import Dataset


BRIGHTEST = 16  # the value of a white pixel; zero is black


def load() -> Dataset:
    """Return the digits: images [1797, 8, 8, 1] with values from 0 to 16, in scikit-learn's order, no test set."""
    from sklearn.datasets import load_digits  # takes half a second, which --help need not pay

    digits = load_digits()
    return Dataset(
        name="digits",
        images=digits.images.astype(np.uint8)[..., None],
        labels=digits.target.astype(np.int64),
        class_names=tuple(str(digit) for digit in range(10)),
        test_images=None,
        test_labels=None,
        origin="scikit-learn",
        official=True,
    )
