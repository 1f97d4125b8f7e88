"""Training and validation parts of a dataset."""

from dataclasses import dataclass

import numpy as np

from overfitlab.config import Protocol
from overfitlab.data.dataset import Indices
from overfitlab.errors import OverfitlabError


@dataclass(frozen=True)
class Split:
    """Which images train and which validate: int64 indices into the dataset's images, in the order of the split."""

    training: Indices
    validation: Indices


def notebook_split(images: int, protocol: Protocol) -> Split:
    """Return the split that scikit-learn's `train_test_split` makes of that many images, index for index.

    Raises `OverfitlabError` where there are too few images for both parts.
    """
    from sklearn.model_selection import train_test_split

    try:
        training, validation = train_test_split(
            np.arange(images, dtype=np.int64),
            test_size=protocol.validation_fraction,
            random_state=protocol.split_seed,
        )
    except ValueError as error:
        raise OverfitlabError(f"{images} images cannot be split into training and validation: {error}") from error
    return Split(training=training, validation=validation)
