"""Statistics of paired differences, beside SciPy and statsmodels."""

import itertools

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from overfitlab.stats import paired

SIZES = [2, 3, 5, 8, 12, 30]


def drawn(n, seed=0):
    return np.random.default_rng(seed).normal(0.4, 1.3, n)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_estimate_is_the_paired_t_test_of_scipy(n, confidence):
    one, other = drawn(n, 1), drawn(n, 2)
    found = paired.estimate(one - other, confidence)
    expected = stats.ttest_rel(one, other)
    interval = expected.confidence_interval(confidence)
    np.testing.assert_allclose(found.mean, (one - other).mean(), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, (one - other).std(ddof=1), rtol=1e-12)
    np.testing.assert_allclose((found.low, found.high), (interval.low, interval.high), rtol=1e-10)
    np.testing.assert_allclose(found.p, expected.pvalue, rtol=1e-10)


def test_many_at_once_are_as_each_alone():
    values = np.random.default_rng(3).normal(size=(4, 5, 6))
    together = paired.estimate(values)
    same = paired.equivalence(values, 0.5)
    for index in itertools.product(range(4), range(5)):
        alone = paired.estimate(values[index])
        for field in ("mean", "deviation", "low", "high", "p"):
            assert getattr(together, field)[index] == pytest.approx(getattr(alone, field), rel=1e-12)
        assert same[index] == pytest.approx(paired.equivalence(values[index], 0.5), rel=1e-12)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("margin", [0.2, 1.0, 3.0])
def test_equivalence_is_that_of_statsmodels(n, margin):
    one, other = drawn(n, 4), drawn(n, 5)
    expected, *_ = ttost_paired(one, other, -margin, margin)
    np.testing.assert_allclose(paired.equivalence(one - other, margin), expected, rtol=1e-9)


@pytest.mark.parametrize(("images", "margin"), [(20, 0.5), (359, 0.5), (10_000, 0.5), (750, 1.0)])
@pytest.mark.parametrize("own", [0.01, 0.1, 100.0])
def test_equivalence_reckons_with_the_noise_of_a_margin_of_images(images, margin, own):
    values = own * stats.zscore([-1.0, 0.5, 0.1, 0.5, 0.0], ddof=1) + 0.02
    error = max(own, np.sqrt(100 / images * margin)) / np.sqrt(5)
    expected = max(stats.t.sf((0.02 + margin) / error, 4), stats.t.cdf((0.02 - margin) / error, 4))
    assert paired.equivalence(values, margin, 100 / images) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("images", [20, 359, 10_000])
def test_no_difference_in_any_seed_is_no_certainty(n, images):
    found = paired.equivalence([0.0] * n, 0.5, 100 / images)
    assert found > 0
    assert found == pytest.approx(stats.t.sf(0.5 * np.sqrt(n) / np.sqrt(50 / images), n - 1), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 11])
def test_sign_flip_is_the_exact_permutation_test_of_scipy(n):
    values = drawn(n, 6)
    expected = (
        stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        ).pvalue
        if n > 1
        else 1.0
    )  # SciPy wants two observations
    assert paired.sign_flip(values) == pytest.approx(expected, abs=1e-12)


def test_the_floor_where_flips_are_drawn():
    """Beyond 20 differences p is (1 + as far) / (1 + drawn)."""
    values = np.arange(1.0, 31)
    assert paired.sign_flip(values) == paired.sign_flip_floor(len(values)) == 1 / 65_537
    assert paired.sign_flip_floor(20) == 2.0**-19


@pytest.mark.parametrize(("n", "floor"), [(3, 0.25), (5, 0.0625), (6, 0.03125), (8, 0.0078125), (9, 0.00390625)])
def test_the_floor_of_the_sign_flip_test(n, floor):
    assert paired.sign_flip_floor(n) == floor
    assert paired.sign_flip(np.arange(1.0, n + 1)) == floor


def test_sign_flip_counts_ties_and_zeros():
    assert paired.sign_flip([1.0, -1.0]) == 1.0
    assert paired.sign_flip([0.0, 0.0, 0.0]) == 1.0
    assert paired.sign_flip([0.1, 0.2, 0.3]) == 0.25  # sums of decimal fractions in another order are still equal


def test_sign_flip_of_many_is_close_to_the_t_test_and_always_the_same():
    values = drawn(40, 7)
    found = paired.sign_flip(values)
    assert found == paired.sign_flip(values)
    assert found == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.02)


def test_bootstrap_of_many_is_close_to_the_normal_interval_and_always_the_same():
    values = drawn(400, 8)
    low, high = paired.bootstrap(values)
    assert (low, high) == paired.bootstrap(values)
    expected = paired.estimate(values)
    assert low == pytest.approx(float(expected.low), abs=0.02)
    assert high == pytest.approx(float(expected.high), abs=0.02)


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [0.5] * 6])
def test_no_bootstrap_of_next_to_nothing(values):
    assert np.isnan(paired.bootstrap(values)).all()


def test_one_difference_has_a_mean_and_nothing_else():
    found = paired.estimate([1.5])
    assert found.mean == 1.5
    assert np.isnan([found.deviation, found.low, found.high, found.p]).all()
    assert np.isnan(paired.equivalence([1.5], 1))


def test_equal_differences_have_no_p_unless_they_are_zero():
    constant, zero = paired.estimate([0.1] * 5), paired.estimate([0.0] * 5)
    assert constant.deviation == 0
    assert np.isnan(constant.p)
    assert np.isnan(paired.equivalence([0.1] * 5, 1))
    assert (zero.mean, zero.low, zero.high, zero.p) == (0, 0, 0, 1)
    assert np.isnan(paired.equivalence([0.0] * 5, 0.5))  # without images there is no noise to reckon with


def test_no_differences_at_all():
    with pytest.raises(ValueError, match="no differences"):
        paired.estimate([])
