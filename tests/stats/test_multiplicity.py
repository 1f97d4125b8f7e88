"""Several contrasts at once: Holm beside statsmodels, and Shaffer beside all the ways in which methods can be equal."""

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from overfitlab.stats.multiplicity import adjusted, holm, shaffer


def of_statsmodels(p):
    with mock.patch("gc.collect"):  # statsmodels calls it each time, a quarter of a second beside PyTorch
        return multipletests(p, method="holm")[1]


def by_brute_force(contrasts):
    """Return Shaffer's multipliers from every assignment of means to methods."""
    methods = sorted({method for pair in contrasts for method in pair})
    possible = set()
    for means in itertools.product(range(len(methods)), repeat=len(methods)):
        mean = dict(zip(methods, means, strict=True))
        possible.add(sum(mean[one] == mean[other] for one, other in contrasts))
    count = len(contrasts)
    return tuple(max(1, *(nulls for nulls in possible if nulls <= count - step)) for step in range(count))


def pairs(text):
    return tuple((pair[0], pair[1]) for pair in text.split())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_is_that_of_statsmodels(p):
    np.testing.assert_allclose(adjusted(p, holm(len(p))), of_statsmodels(p), rtol=1e-12, atol=1e-300)


def test_many_studies_at_once_and_what_is_unknown():
    p = np.array([[0.01, 0.04, 0.03], [0.2, 0.5, 0.01]])
    np.testing.assert_allclose(adjusted(p, holm(3)), [of_statsmodels(row) for row in p])
    found = adjusted([0.02, np.nan, 0.01], holm(3))
    np.testing.assert_allclose(found, [0.04, np.nan, 0.03])  # the unknown one still counts as a test


def test_the_triangle():
    assert shaffer(pairs("ab ac bc")) == (3, 1, 1)
    np.testing.assert_allclose(adjusted([0.02, 0.015, 0.5], (3, 1, 1)), [0.045, 0.045, 0.5])


@pytest.mark.parametrize("others", range(1, 11))
def test_comparisons_with_one_baseline_are_holms(others):
    star = tuple((f"method {number}", "baseline") for number in range(others))
    assert shaffer(star) == holm(others)


@pytest.mark.parametrize(
    ("contrasts", "multipliers"),
    [
        ("ab ac ad bc bd cd", (6, 3, 3, 3, 2, 1)),  # all pairs of four: Shaffer's own example
        ("ab ac bc de", (4, 3, 2, 1)),  # a triangle and a pair on its own
        ("ab ac bc de df ef", (6, 4, 4, 3, 2, 1)),
        ("ab bc cd da", (4, 2, 2, 1)),  # a circle: one difference makes two
        ("ab cd ef", (3, 2, 1)),
        ("ab ac bc cd", (4, 3, 2, 1)),
        ("ab ac ad ae bc", (5, 4, 3, 2, 1)),
    ],
)
def test_mixed_graphs(contrasts, multipliers):
    assert by_brute_force(pairs(contrasts)) == multipliers
    assert shaffer(pairs(contrasts)) == multipliers


@settings(max_examples=30)
@given(st.sets(st.sampled_from(list(itertools.combinations("abcd", 2))), min_size=1))
def test_any_graph_of_four_methods(contrasts):
    assert shaffer(tuple(contrasts)) == by_brute_force(sorted(contrasts))


def test_more_methods_than_are_counted_take_holms():
    assert shaffer(tuple(itertools.combinations("abcdefgh", 2))) == holm(28)


def test_no_contrasts():
    assert shaffer(()) == holm(0) == ()
