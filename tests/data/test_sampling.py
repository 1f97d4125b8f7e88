"""What is drawn is what scikit-learn draws, index for index, whatever the classes and their shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.utils import resample

from overfitlab.data.prepare import sampling

STATES = st.integers(0, 2**32 - 1)
SHARES = st.floats(0.01, 0.99)
CLASSES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def mixed(counts, state):
    """Labels of so many images of each class, in some order; one class in three has no name that follows the last."""
    names = np.cumsum(1 + np.arange(len(counts)) % 3)
    return np.random.default_rng(state).permutation(np.repeat(names, counts)).astype(np.int64)


@given(st.integers(2, 500), SHARES, STATES)
def test_parts(count, share, state):
    try:
        larger, smaller = train_test_split(np.arange(count), test_size=share, random_state=state)
    except ValueError:  # a part would have no image, which `split` has refused before
        return
    found = sampling.parted(count, share, state)
    assert [part.tolist() for part in found] == [larger.tolist(), smaller.tolist()]


@given(CLASSES, SHARES, STATES)
def test_stratified_parts(counts, share, state):
    labels = mixed(counts, state)
    rows = np.arange(len(labels))
    try:
        larger, smaller = train_test_split(rows, test_size=share, random_state=state, stratify=labels)
    except ValueError:
        return
    found = sampling.stratified_parts(labels, share, state)
    assert [part.tolist() for part in found] == [larger.tolist(), smaller.tolist()]


@given(st.integers(1, 500), st.integers(1, 500), STATES)
def test_some(count, most, state):
    most = min(count, most)
    wanted = resample(np.arange(count), replace=False, n_samples=most, random_state=state)
    assert sampling.some(count, most, state).tolist() == wanted.tolist()


@given(CLASSES, st.integers(1, 400), STATES)
def test_stratified_some(counts, most, state):
    labels = mixed(counts, state)
    most = min(len(labels), most)
    wanted = resample(np.arange(len(labels)), replace=False, n_samples=most, random_state=state, stratify=labels)
    assert sampling.stratified_some(labels, most, state).tolist() == wanted.tolist()


@pytest.mark.parametrize("counts", [[5000] * 10, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]])
def test_the_parts_of_real_data(counts):
    labels = mixed(counts, 0)
    larger, smaller = train_test_split(np.arange(len(labels)), test_size=0.3, random_state=7, stratify=labels)
    found = sampling.stratified_parts(labels, 0.3, 7)
    assert [part.tolist() for part in found] == [larger.tolist(), smaller.tolist()]
