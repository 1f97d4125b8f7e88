"""The split is scikit-learn's, index for index, and the test set follows the content of the images."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from overfitlab.config import CLEAN, NOTEBOOK
from overfitlab.data.dataset import Dataset
from overfitlab.data.splits import set_test_apart, split
from overfitlab.errors import OverfitlabError

NO_ROWS = np.arange(0, dtype=np.int64)


def dataset(count: int, test=NO_ROWS, labels=None, **changes) -> Dataset:
    labels = np.zeros(count, np.int64) if labels is None else labels
    names = tuple(str(label) for label in range(labels.max(initial=0) + 1))
    return Dataset("x", np.zeros((count, 1, 1, 1), np.uint8), labels, names, test, "", "x", official=False, **changes)


def test_it_is_the_one_the_notebook_gets():
    """The notebook splits the images themselves; each image here is its own index."""
    images, labels = np.arange(50_000), np.arange(50_000) * 2
    x_train, x_val, y_train, y_val = train_test_split(images, labels, test_size=0.3, random_state=777)
    found = split(dataset(60_000, test=np.arange(50_000, 60_000)), NOTEBOOK, seed=3)
    assert found.training.tolist() == x_train.tolist()
    assert found.validation.tolist() == x_val.tolist()
    assert found.test.tolist() == list(range(50_000, 60_000))
    assert (y_train == 2 * found.training).all()
    assert (y_val == 2 * found.validation).all()
    assert (len(found.training), len(found.validation)) == (35_000, 15_000)


def test_it_is_numpys_permutation_underneath():
    """Independent of the scikit-learn that is installed: validation first, then training."""
    order = np.random.RandomState(777).permutation(1797)
    found = split(dataset(1797), NOTEBOOK, seed=0)
    assert found.validation.tolist() == order[:540].tolist()
    assert found.training.tolist() == order[540:].tolist()


def test_the_clean_split_is_stratified_and_varies_with_the_seed():
    labels = np.repeat(np.arange(3), [600, 300, 100]).astype(np.int64)
    data = dataset(1000, labels=labels)
    one, again, other = (split(data, CLEAN, seed) for seed in (0, 0, 1))
    assert np.bincount(labels[one.validation]).tolist() == [180, 90, 30]
    np.testing.assert_array_equal(one.training, again.training)
    assert set(one.validation.tolist()) != set(other.validation.tolist())


def test_a_split_that_does_not_vary_is_the_same_for_every_seed():
    data = dataset(100, labels=np.arange(100) % 2)
    fixed = replace(CLEAN, vary=("init", "order"))
    np.testing.assert_array_equal(split(data, fixed, 0).validation, split(data, fixed, 1).validation)


@pytest.mark.parametrize("protocol", [NOTEBOOK, CLEAN])
def test_validation_images_of_the_source_are_taken(protocol):
    data = dataset(10, test=np.array([8, 9]), validation=np.array([0, 1, 2]))
    found = split(data, protocol, seed=5)
    assert found.training.tolist() == [3, 4, 5, 6, 7]
    assert found.validation.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("count", "labels"), [(1, None), (4, np.array([0, 0, 0, 1]))])
def test_too_few_images_are_one_line(count, labels):
    with pytest.raises(OverfitlabError, match=f"{count} images cannot be split"):
        split(dataset(count, labels=labels), CLEAN if labels is not None else NOTEBOOK, seed=0)


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (200, 4, 4, 3), dtype=np.uint8), np.repeat(np.arange(2), [150, 50]).astype(np.int64)


def test_a_fifth_of_each_class_is_set_apart_whatever_the_order(pictures):
    images, labels = pictures
    test = set_test_apart(images, labels, np.arange(200))
    assert np.bincount(labels[test]).tolist() == [30, 10]
    order = np.random.default_rng(1).permutation(200)
    again = set_test_apart(images[order], labels[order], np.arange(200))
    assert sorted(order[again].tolist()) == test.tolist()


def test_new_images_hardly_move_the_old_ones(pictures):
    """A seed would deal all images anew; here an image changes sides only near the boundary."""
    images, labels = pictures
    before = set(set_test_apart(images, labels, np.arange(195)).tolist())
    after = set(set_test_apart(images, labels, np.arange(200)).tolist())
    assert len(before - after) <= 3


def test_identical_images_stay_together(pictures):
    images, labels = pictures
    doubled = np.concatenate([images, images])
    test = set(set_test_apart(doubled, np.concatenate([labels, labels]), np.arange(400)).tolist())
    assert {row + 200 for row in test if row < 200} == {row for row in test if row >= 200}
