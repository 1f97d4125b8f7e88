"""Draws depend on their key and on nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from overfitlab.randomness import STREAMS, Key, run_key

paths = st.lists(st.text(max_size=5) | st.integers(-5, 5), max_size=4).map(tuple)


@given(st.integers(0, 2**63 - 1), paths, st.integers(0, 2**63 - 1), paths)
def test_equal_keys_and_only_they_draw_equal_numbers(seed, path, other_seed, other_path):
    one, other = Key(seed, path), Key(other_seed, other_path)
    same = (one.generator().random(8) == other.generator().random(8)).all()
    assert same == (one == other)


def test_neighbouring_keys_are_uncorrelated():
    draws = np.array([(Key(0) / "order" / epoch).generator().random(2000) for epoch in range(50)])
    between = np.corrcoef(draws)[np.triu_indices(50, k=1)]
    assert stats.kstest(between * np.sqrt(1998), "norm").pvalue > 1e-4
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 1e-4


def test_the_numbers_stay_what_they_are():
    """A change here would change every run: it needs a new major version."""
    assert (Key(777) / "order" / 1).generator().permutation(8).tolist() == [3, 0, 7, 5, 4, 1, 2, 6]


def test_streams_follow_the_seed_only_where_they_are_to_vary():
    for stream, word in STREAMS.items():
        for vary in ({"split"}, {"init"}, {"order"}, {"split", "init", "order"}, set()):
            one, other = (run_key(seed, vary) / stream / 3 for seed in (1, 2))
            assert (one != other) == (word in vary)
    assert run_key(5, {"init"}) / "init" / "conv1" == Key(5) / "init" / "conv1"  # the same draws as ever
