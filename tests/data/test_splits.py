"""The split is scikit-learn's, index for index, and the test set follows the content of the images."""

from dataclasses import replace

import numpy as np
import pytest
from refusals import refused
from sklearn.model_selection import train_test_split
from sklearn.utils import resample

from overfitlab.config import CLEAN, NOTEBOOK, QUICK
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.splits import available_for_training, set_test_apart, split
from overfitlab.errors import DataError
from overfitlab.randomness import run_key

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
    with refused(DataError, "images_cannot_be_split", images=count):
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


LABELS = np.repeat(np.arange(3), [600, 300, 100]).astype(np.int64)


@pytest.mark.parametrize("protocol", [NOTEBOOK, CLEAN], ids=["notebook", "clean"])
def test_fewer_images_are_those_that_scikit_learn_draws_from_each_part(protocol):
    data = dataset(1000, labels=LABELS)
    whole = split(data, protocol, seed=2)
    found = split(data, replace(protocol, training_images=90, validation_images=40), seed=2)
    drawn = run_key(2, protocol.vary) / "split"
    state = int(drawn.generator().integers(2**32)) if "split" in protocol.vary else 777
    for some, part, count in ((found.training, whole.training, 90), (found.validation, whole.validation, 40)):
        stratify = LABELS[part] if protocol.stratified else None
        wanted = resample(part, replace=False, n_samples=count, random_state=state, stratify=stratify)
        assert some.tolist() == wanted.tolist()
        assert len(set(some.tolist())) == count
        assert set(some.tolist()) <= set(part.tolist())


def test_fewer_images_keep_the_shares_of_the_classes_where_the_split_is_stratified():
    found = split(dataset(1000, labels=LABELS), replace(CLEAN, training_images=50, validation_images=20), seed=0)
    assert np.bincount(LABELS[found.training]).tolist() == [30, 15, 5]
    assert np.bincount(LABELS[found.validation]).tolist() == [12, 6, 2]


@pytest.mark.parametrize("seeds", [(0, 1), (3, 4)])
def test_fewer_images_vary_as_the_split_does(seeds):
    data = dataset(1000, labels=LABELS)
    varying = replace(CLEAN, training_images=50)
    fixed = replace(varying, vary=("init", "order"))
    one, other = (set(split(data, varying, seed).training.tolist()) for seed in seeds)
    assert one != other
    np.testing.assert_array_equal(*(split(data, fixed, seed).training for seed in seeds))


@pytest.mark.parametrize("wanted", [700, 701, 10**6])
def test_more_images_than_there_are_means_all_of_them(wanted):
    data = dataset(1000, labels=LABELS)
    found = split(data, replace(CLEAN, training_images=wanted, validation_images=wanted), seed=1)
    whole = split(data, CLEAN, seed=1)
    np.testing.assert_array_equal(found.training, whole.training)
    np.testing.assert_array_equal(found.validation, whole.validation)


def test_a_class_with_a_single_image_does_not_hinder_the_choice():
    """With validation images of the source's own a class may have one training image; it may go, or stay."""
    labels = np.repeat(np.arange(3), [20, 20, 1]).astype(np.int64)
    data = dataset(41, labels=labels, validation=np.arange(5))
    found = split(data, replace(QUICK, training_images=18), seed=0)
    assert len(found.training) == 18
    assert np.abs(np.bincount(labels[found.training], minlength=3) - np.array([15, 20, 1]) / 2).max() <= 0.5
    assert found.validation.tolist() == [0, 1, 2, 3, 4]


def test_validation_images_of_the_source_are_fewer_too():
    data = dataset(60, labels=np.arange(60) % 3, validation=np.arange(30))
    found = split(data, replace(QUICK, validation_images=6), seed=0)
    assert len(found.validation) == 6
    assert set(found.validation.tolist()) <= set(range(30))
    assert np.bincount(data.labels[found.validation]).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "data",
    [
        dataset(1000, labels=LABELS),
        dataset(7, labels=np.arange(7) % 2),
        dataset(101, test=np.arange(90, 101)),
        dataset(20, validation=np.arange(3)),
    ],
    ids=lambda data: str(len(data.labels)),
)
@pytest.mark.parametrize("protocol", [NOTEBOOK, CLEAN], ids=["notebook", "clean"])
def test_how_many_can_train_is_known_before_the_split(data, protocol):
    assert available_for_training(data, protocol) == len(split(data, protocol, seed=0).training)


def test_fewer_training_images_than_classes_are_refused():
    labels = np.arange(100) % 10
    with refused(DataError, "fewer_images_than_classes", images=9, classes=10):
        split(dataset(100, labels=labels), replace(CLEAN, training_images=9), seed=0)
