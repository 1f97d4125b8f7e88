"""The split is scikit-learn's, index for index."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from overfitlab.config import NOTEBOOK
from overfitlab.data.splits import notebook_split
from overfitlab.errors import OverfitlabError


def test_it_is_the_one_the_notebook_gets():
    """The notebook splits the images themselves; each image here is its own index."""
    images, labels = np.arange(50_000), np.arange(50_000) * 2
    x_train, x_val, y_train, y_val = train_test_split(images, labels, test_size=0.3, random_state=777)
    split = notebook_split(50_000, NOTEBOOK)
    assert split.training.tolist() == x_train.tolist()
    assert split.validation.tolist() == x_val.tolist()
    assert (y_train == 2 * split.training).all()
    assert (y_val == 2 * split.validation).all()
    assert (len(split.training), len(split.validation)) == (35_000, 15_000)


def test_it_is_numpys_permutation_underneath():
    """Independent of the scikit-learn that is installed: validation first, then training."""
    order = np.random.RandomState(777).permutation(1797)
    split = notebook_split(1797, NOTEBOOK)
    assert split.validation.tolist() == order[:540].tolist()
    assert split.training.tolist() == order[540:].tolist()


def test_too_few_images_are_one_line():
    with pytest.raises(OverfitlabError, match="1 images cannot be split"):
        notebook_split(1, NOTEBOOK)
