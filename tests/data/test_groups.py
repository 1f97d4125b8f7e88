"""Whole groups: none in two parts, under any seed, as balanced as whole groups allow; and what that cost is known."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from overfitlab.config import CLEAN, NOTEBOOK, QUICK
from overfitlab.data.dataset import Dataset
from overfitlab.data.grouping import Grouping
from overfitlab.data.prepare.balance import balance
from overfitlab.data.prepare.groups import Pool, drawn
from overfitlab.data.prepare.splits import set_groups_apart, split
from overfitlab.errors import DataError

NO_ROWS = np.arange(0, dtype=np.int64)


def dataset(labels, groups, *, validation=None, test=NO_ROWS, apart=True) -> Dataset:
    """Return a dataset of tiny pictures that differ, with a test set of whole groups where it has none."""
    labels = np.asarray(labels, dtype=np.int64)
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 4, 4, 1), dtype=np.uint8)
    names = tuple(f"class {number}" for number in range(labels.max() + 1))
    grouping = Grouping.of([str(group) for group in groups], "name:(.)")
    found = Dataset("x", pixels, labels, names, test, "", "x", official=False, test_set_apart=apart, groups=grouping,
                    validation=validation)  # fmt: skip
    return replace(found, test=set_groups_apart(found, grouping)) if apart else found


def patients(seed, count=50, classes=3, *, mixed=False):
    """Return labels and groups: patients with 1 to 20 pictures, each of one class, or (mixed) of several."""
    rng = np.random.default_rng(seed)
    sizes, shares = rng.integers(1, 20, count), rng.dirichlet(np.full(classes, 3.0))
    groups = np.repeat(np.arange(count), sizes)
    of_group = rng.choice(classes, count, p=shares)
    of_group[: 3 * classes] = np.arange(3 * classes) % classes  # each class has three groups at least
    labels = np.where(mixed and rng.random(len(groups)) < 0.5, rng.integers(0, classes, len(groups)), of_group[groups])
    order = rng.permutation(len(groups))
    return labels[order], groups[order]


def parts(data, protocol, seed):
    found = split(data, protocol, seed)
    return {"training": found.training, "validation": found.validation, "test": found.test}


def together(data, found):
    """Return in how many parts each group is."""
    return Counter(int(group) for rows in found.values() for group in np.unique(data.groups.codes[rows]))


@given(
    st.integers(0, 10**6), st.integers(0, 50), st.sampled_from([NOTEBOOK, CLEAN, QUICK]), st.booleans(),
    st.integers(10, 80),
)  # fmt: skip
def test_no_group_is_in_two_parts_and_no_image_is_lost(made, seed, protocol, mixed, count):
    data = dataset(*patients(made, count, mixed=mixed))
    found = parts(data, protocol, seed)
    assert set(together(data, found).values()) == {1}
    rows = np.concatenate(list(found.values()))
    assert len(np.unique(rows)) == len(rows)
    if protocol.training_images is None:
        assert sorted(rows) == list(range(len(data.labels)))
    assert all(np.bincount(data.labels[found[part]], minlength=3).min() > 0 for part in found)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=4, max_size=60), st.integers(0, 9))
def test_any_groups_are_split_or_refused_in_a_line(pairs, seed):
    groups, labels = (np.array(side) for side in zip(*pairs, strict=True))
    labels = np.unique(labels, return_inverse=True)[1]
    try:
        data = dataset(labels, groups)
        found = parts(data, CLEAN, seed)
    except DataError as error:
        assert error.code in ("one_group_only", "groups_hold_whole_classes")  # noqa: PT017
        return
    assert set(together(data, found).values()) == {1}
    assert set(data.labels[found["training"]]) == set(labels), "a class cannot be learnt"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("mixed", [False, True], ids=["one class each", "several classes"])
@pytest.mark.parametrize("count", [15, 60])
def test_it_is_as_balanced_as_scikit_learns(count, mixed):
    """Their property is ours, and over many draws ours is nearer to the size and the shares that were asked for."""

    def off(labels, part):
        totals = np.bincount(labels, minlength=3)
        there = totals > 0
        shares = np.bincount(labels[part], minlength=3)[there] / totals[there]
        return abs(len(part) / len(labels) - 0.2) + np.abs(shares - 0.2).mean()

    ours, stratified, shuffled = [], [], []
    for made in range(8):
        labels, groups = patients(made, count, mixed=mixed)
        rows = np.arange(len(labels))
        pool = Pool(rows, groups, labels, ("a", "b", "c"))
        for seed in range(4):
            part = drawn(pool, 0.2, seed, stratified=True, part="validation")
            rest = np.setdiff1d(rows, part)
            assert not set(groups[part]) & set(groups[rest])
            ours.append(off(labels, part))
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(rows, labels, groups)
            stratified.append(off(labels, next(iter(folds))[1]))
            once = GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(rows, labels, groups)
            shuffled.append(off(labels, next(iter(once))[1]))
    assert np.mean(ours) < np.mean(stratified) + 0.01
    assert np.mean(ours) < np.mean(shuffled) / 2


def test_it_varies_with_the_seed_and_the_test_part_does_not():
    data = dataset(*patients(1))
    drawn_parts = [parts(data, CLEAN, seed) for seed in range(5)]
    assert len({tuple(found["validation"]) for found in drawn_parts}) == 5
    assert len({tuple(found["test"]) for found in drawn_parts}) == 1
    again = parts(data, CLEAN, 3)
    np.testing.assert_array_equal(again["validation"], drawn_parts[3]["validation"])


def test_the_test_part_follows_the_content_and_not_the_order_or_the_names():
    labels, groups = patients(2)
    data = dataset(labels, groups)
    order = np.random.default_rng(5).permutation(len(labels))
    other = Grouping.of([f"patient {group}" for group in groups[order]], "other")
    shuffled = replace(data, images=data.images[order], labels=data.labels[order], groups=other, test=NO_ROWS)
    assert sorted(order[set_groups_apart(shuffled, other)]) == sorted(data.test)


def test_names_matter_nowhere():
    labels, groups = patients(3)
    one, other = dataset(labels, groups), dataset(labels, [f"p{group}" for group in groups])
    assert one.groups.sha256 == other.groups.sha256
    for seed in range(3):
        np.testing.assert_array_equal(split(one, CLEAN, seed).validation, split(other, CLEAN, seed).validation)
    elsewhere = dataset(labels, np.where(groups == 4, 5, groups))
    assert elsewhere.groups.sha256 != one.groups.sha256


def test_fewer_images_come_from_the_same_parts():
    data = dataset(*patients(4))
    whole, some = split(data, CLEAN, 1), split(data, replace(CLEAN, training_images=40, validation_images=20), 1)
    assert (len(some.training), len(some.validation)) == (40, 20)
    assert set(some.training) <= set(whole.training)
    np.testing.assert_array_equal(some.whole[0], whole.training)


def test_a_class_in_two_groups_is_in_training_and_test():
    """A third part it cannot be in; of the two that it can, training comes first and test next."""
    labels = np.repeat([0, 0, 0, 0, 0, 0, 1, 1], 10)
    data = dataset(labels, np.repeat(np.arange(8), 10))
    found = split(data, CLEAN, 0)
    assert {1} <= set(data.labels[found.training]) & set(data.labels[found.test])
    cost = balance(data, found, data.groups, CLEAN)
    assert cost.parts["validation"].lacking == (1,)
    assert cost.parts["training"].lacking == cost.parts["test"].lacking == ()


def test_a_class_in_one_group_is_in_training_alone():
    labels = np.repeat([0, 0, 0, 0, 1], 10)
    data = dataset(labels, np.repeat(np.arange(5), 10))
    for seed in range(5):
        found = split(data, CLEAN, seed)
        assert set(data.labels[found.training]) == {0, 1}
        assert balance(data, found, data.groups, CLEAN).parts["test"].lacking == (1,)


def test_one_group_that_holds_most_of_the_images_stays_in_training():
    labels = np.arange(100) % 2
    groups = np.where(np.arange(100) < 80, 0, np.arange(100) // 2)
    data = dataset(labels, groups)
    found = split(data, CLEAN, 0)
    cost = balance(data, found, data.groups, CLEAN)
    assert 0 in data.groups.codes[found.training]
    assert cost.largest == 80
    assert cost.parts["test"].images < cost.parts["test"].asked == 20


def test_one_group_is_refused():
    with refused(DataError, "one_group_only", images=10, part="test"):
        dataset(np.arange(10) % 2, np.zeros(10))


def test_groups_that_are_classes_are_refused():
    with refused(DataError, "groups_hold_whole_classes", groups=2, part="test", name="class 0"):
        dataset(np.arange(10) % 2, np.arange(10) % 2)


def test_two_groups_are_enough_for_two_parts_only():
    labels, groups = np.arange(20) % 2, np.arange(20) // 10
    data = dataset(labels, groups)  # one for the test part
    with refused(DataError, "one_group_only", images=10, part="validation"):
        split(data, CLEAN, 0)


def test_groups_across_parts_that_the_source_brings_are_counted():
    labels, groups = np.arange(40) % 2, np.arange(40) // 4
    data = dataset(labels, groups, test=np.arange(30, 40), validation=np.arange(18, 30), apart=False)
    found = split(data, CLEAN, 0)
    cost = balance(data, found, data.groups, CLEAN)
    # groups of four: rows 16 to 19 are in training and validation, rows 28 to 31 in validation and test
    assert cost.shared == {"training/validation": 1, "validation/test": 1}
    assert cost.parts["test"].asked is None
    assert cost.parts["validation"].asked is None


def test_a_group_with_validation_images_of_the_source_is_never_set_apart_for_testing():
    labels, groups = np.arange(60) % 2, np.arange(60) // 4
    for start in range(0, 40, 7):
        data = dataset(labels, groups, validation=np.arange(start, start + 10))
        assert not set(data.groups.codes[data.test]) & set(data.groups.codes[data.validation])
        assert len(data.test)


def test_what_it_cost_is_what_numpy_counts():
    data = dataset(*patients(6))
    found = split(data, CLEAN, 2)
    cost = balance(data, found, data.groups, CLEAN)
    for part, rows, pool, asked in (
        ("validation", found.validation, data.learning, int(np.ceil(0.3 * len(data.learning)))),
        ("test", found.test, np.arange(len(data.labels)), round(0.2 * len(data.labels))),
    ):
        said = cost.parts[part]
        shares = np.bincount(data.labels[rows], minlength=3) / len(rows)
        expected = np.bincount(data.labels[pool], minlength=3) / len(pool)
        assert (said.images, said.asked) == (len(rows), asked)
        assert said.groups == len(set(data.groups.codes[rows]))
        assert said.farthest == np.abs(shares - expected).argmax()
        assert said.share == pytest.approx(shares[said.farthest])
        assert said.expected == pytest.approx(expected[said.farthest])
