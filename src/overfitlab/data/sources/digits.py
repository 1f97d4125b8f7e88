"""The 1,797 handwritten digits that come with scikit-learn: always there, no network needed."""

import importlib.util
from pathlib import Path

import numpy as np

from overfitlab.data.dataset import Dataset, Images, Labels
from overfitlab.data.prepare.splits import set_test_apart

BRIGHTEST = 16  # the value of a white pixel; zero is black


def load() -> Dataset:
    """Return the digits: images [1797, 8, 8, 1] of values 0 to 16, in scikit-learn's order, a fifth for testing."""
    images, labels = _read()
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


def _read() -> tuple[Images, Labels]:
    """Read the file in which scikit-learn has them: importing scikit-learn takes longer than some trainings on them."""
    found = importlib.util.find_spec("sklearn")
    file = Path(found.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if found else Path()
    if file.is_file():
        rows = np.loadtxt(file, np.uint8, delimiter=",")  # 64 pixels and the digit
        return np.ascontiguousarray(rows[:, :-1]).reshape(-1, 8, 8, 1), rows[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits  # a scikit-learn that has them elsewhere

    digits = load_digits()
    return digits.images.astype(np.uint8)[..., None], digits.target.astype(np.int64)
