"""Evidence that may be read after every seed, beside reference values, independent integrals and direct simulation."""

import csv
import math
from importlib.resources import files

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from overfitlab.config import LONGEST_ROUNDS, SHORTEST_ROUNDS
from overfitlab.stats.sequential import (
    FEWEST,
    ONE_SIDED,
    TWO_SIDED,
    half_width,
    log_evidence,
    log_evidence_above,
    p_of_maximum,
    threshold,
)

# n, t, two-sided p of n seeds alone, E, E+(t), E+(-t): from a closed form that another program checked
ORACLE = [
    (4, 3, 0.0576689, 2.79508, 5.39316, 0.197009),
    (5, 5, 0.00749043, 9.70079, 19.2462, 0.155401),
    (7, 0, 1, 0.353553, 0.353553, 0.353553),
    (7, 2, 0.0924263, 1.59683, 3.04462, 0.149041),
    (7, 5, 0.00245234, 25.5509, 50.9844, 0.117370),
    (9, 3, 0.0170717, 5.81788, 11.5269, 0.108907),
    (12, 5, 0.000402530, 129.613, 259.150, 0.0753048),
    (20, 3, 0.00736172, 8.43455, 16.8053, 0.0637829),
]
WIDTHS = [  # n, tau where E reaches 7.03, 8.50 and 20
    (5, 4.2064, 4.6472, 8.45319),
    (7, 3.3860, 3.5884, 4.64018),
    (9, 3.1483, 3.2994, 4.02112),
    (12, 3.0076, 3.1292, 3.68399),
    (20, 2.9083, 3.0039, 3.42478),
]
LEVELS = [0.05, 0.025, 0.05 / 3, 0.0125, 0.01, 0.005]
THRESHOLDS = {  # planned maximum: two-sided at these levels, one-sided at the first three
    8: (5.69, 9.05, 11.79, 14.38, 16.68, 25.88, 6.48, 11.23, 14.91),
    12: (7.03, 11.88, 16.36, 20.46, 24.24, 41.10, 7.84, 13.91, 18.90),
    20: (8.50, 15.32, 21.71, 27.70, 33.53, 60.95, 9.30, 16.87, 23.77),
    30: (9.51, 17.70, 25.38, 32.81, 40.17, 74.94, 10.28, 18.93, 27.24),
    None: (20, 40, 60, 80, 100, 200, 20, 40, 60),
}


def bayes_factor(values, sides):
    """Return E of the values by brute force: N(0, 1) over the standardized effect, the right-Haar prior over sigma."""
    n, mean = len(values), np.mean(values)
    spread = np.sum((values - mean) ** 2)
    log_sigma = np.linspace(-5, 8, 2001)  # in which the right-Haar prior is flat
    effect = np.linspace(0.0 if sides == ONE_SIDED else -9, 9, 1801)

    def likelihood(effect):
        sigma = np.exp(log_sigma)[:, None]
        return np.exp(-(spread / sigma**2 + n * (mean / sigma - effect) ** 2) / 2 - n * log_sigma[:, None])

    prior = stats.norm.pdf(effect) * (2 if sides == ONE_SIDED else 1)
    mixed = integrate.simpson(likelihood(effect) * prior, x=effect)
    return integrate.simpson(mixed, x=log_sigma) / integrate.simpson(likelihood(0.0)[:, 0], x=log_sigma)


def of_noncentral_t(t, n, sides):
    """Return E as the ratio of the densities of t, with effects from N(0, 1) and without one."""
    low = 0.0 if sides == ONE_SIDED else -8.0
    grid = np.linspace(low, 8, 4001)
    densities = stats.nct.pdf(t, n - 1, np.sqrt(n) * grid) * stats.norm.pdf(grid) * (2 if sides == ONE_SIDED else 1)
    return integrate.simpson(densities, x=grid) / stats.t.pdf(t, n - 1)


@pytest.mark.parametrize(("n", "t", "p", "evidence", "above", "below"), ORACLE)
def test_the_reference_values(n, t, p, evidence, above, below):
    assert 2 * stats.t.sf(t, n - 1) == pytest.approx(p, rel=2e-6)
    assert math.exp(log_evidence(t, n)) == pytest.approx(evidence, rel=2e-6)
    assert math.exp(log_evidence(-t, n)) == pytest.approx(evidence, rel=2e-6)
    assert math.exp(log_evidence_above(t, n)) == pytest.approx(above, rel=4e-6)
    assert math.exp(log_evidence_above(-t, n)) == pytest.approx(below, rel=6e-6)


@pytest.mark.parametrize("n", [4, 7, 12])
@pytest.mark.parametrize("t", [-2.5, 0.7, 4.0])
def test_it_is_a_bayes_factor_of_the_differences(n, t):
    values = np.random.default_rng(n).standard_normal(n)
    values = (values - values.mean()) / values.std(ddof=1) * 0.8
    values += t * 0.8 / np.sqrt(n)
    assert math.exp(log_evidence(t, n)) == pytest.approx(bayes_factor(values, TWO_SIDED), rel=1e-6)
    assert math.exp(log_evidence_above(t, n)) == pytest.approx(bayes_factor(values, ONE_SIDED), rel=1e-6)


@pytest.mark.parametrize("n", [4, 5, 9, 20, 40])
@pytest.mark.parametrize("t", [-4.0, -1.0, 0.0, 2.0, 6.0])
def test_it_is_a_mixture_of_ratios_of_t_densities(n, t):
    assert math.exp(log_evidence(t, n)) == pytest.approx(of_noncentral_t(t, n, TWO_SIDED), rel=1e-7)
    assert math.exp(log_evidence_above(t, n)) == pytest.approx(of_noncentral_t(t, n, ONE_SIDED), rel=1e-7)


def test_both_halves_make_the_whole():
    t, n = np.linspace(-30, 30, 121), np.arange(2, 41)[:, None]
    halves = (np.exp(log_evidence_above(t, n)) + np.exp(log_evidence_above(-t, n))) / 2
    np.testing.assert_allclose(halves, np.exp(log_evidence(t, n)), rtol=1e-12)


def test_evidence_has_no_more_than_its_limit():
    """However large t is: what n differences without spread would give, which is why they give none."""
    assert math.exp(log_evidence(1e9, 4)) == pytest.approx(5**1.5)
    assert np.isfinite(log_evidence_above(np.array([-1e9, 1e9]), 4)).all()


@pytest.mark.parametrize(("n", "alone", "twenty", "never"), WIDTHS)
def test_half_widths(n, alone, twenty, never):
    assert half_width(n, 7.03) == pytest.approx(alone, abs=6e-5)
    assert half_width(n, 8.50) == pytest.approx(twenty, abs=6e-5)
    assert half_width(n, 20) == pytest.approx(never, abs=6e-5)


@pytest.mark.parametrize("n", [4, 5, 8, 12, 30])
@pytest.mark.parametrize("x", [3.0, 7.03, 20.0])
def test_a_half_width_is_where_the_evidence_reaches_x(n, x):
    if x >= (1 + n) ** ((n - 1) / 2):  # more than any t gives
        assert np.isinf(half_width(n, x))
        return
    root = optimize.brentq(lambda t: float(log_evidence(t, n)) - math.log(x), 0, 1e6, xtol=1e-12)
    assert half_width(n, x) == pytest.approx(root, rel=1e-8)


def test_four_seeds_bound_nothing_without_a_maximum():
    assert np.isinf(half_width(4, 20))
    assert np.isfinite(half_width(np.array([5, 6, 40]), 20)).all()


@pytest.mark.parametrize("maximum", THRESHOLDS)
def test_the_thresholds(maximum):
    found = [threshold(level, maximum, TWO_SIDED) for level in LEVELS]
    found += [threshold(level, maximum, ONE_SIDED) for level in LEVELS[:3]]
    assert found == pytest.approx(THRESHOLDS[maximum], rel=0.015)


@pytest.mark.parametrize("sides", [TWO_SIDED, ONE_SIDED])
@pytest.mark.parametrize("maximum", [6, 12, 33, None])
def test_a_threshold_is_where_p_is_alpha(sides, maximum):
    for alpha in (0.2, 0.05, 0.05 / 7, 1e-4):
        assert p_of_maximum(math.log(threshold(alpha, maximum, sides)), maximum, sides) == pytest.approx(alpha)


def largest(paths, maximum, sides):
    """Return the largest log evidence of so many paths without a difference."""
    values = np.random.default_rng(maximum).standard_normal((paths, maximum))
    evidence = log_evidence if sides == TWO_SIDED else log_evidence_above
    found = np.full(paths, -np.inf)
    for n in range(FEWEST, maximum + 1):
        t = np.sqrt(n) * values[:, :n].mean(1) / values[:, :n].std(1, ddof=1)
        found = np.maximum(found, evidence(t, n))
    return found


@pytest.mark.parametrize("sides", [TWO_SIDED, ONE_SIDED])
@pytest.mark.parametrize("maximum", [6, 9, 12, 20])
def test_between_grid_points_it_is_what_paths_reach(sides, maximum):
    """Counted, not weighted: another way than the one that made the table."""
    paths = 60_000
    reached = largest(paths, maximum, sides)
    for x in (1.6, 3.0, 4.7, 7.0, 10.1, 15.3, 23.7):
        p = float(p_of_maximum(math.log(x), maximum, sides))
        error = np.sqrt(p * (1 - p) / paths)
        assert (reached >= math.log(x)).mean() == pytest.approx(p, abs=3.5 * error + 0.005 * p), x


@pytest.mark.parametrize("sides", [TWO_SIDED, ONE_SIDED])
def test_p_falls_with_evidence_and_rises_with_the_maximum(sides):
    reached = np.linspace(-1, 12, 400)
    found = np.array([p_of_maximum(reached, maximum, sides) for maximum in (6, 8, 12, 20, 30, 60, 100, None)])
    assert (np.diff(found, axis=1) <= 1e-12).all()
    assert (np.diff(found[:, reached > 0.3], axis=0) >= -0.01 * found[:-1, reached > 0.3]).all()
    assert (found[:, reached <= 0] == 1).all()  # no evidence
    assert (found <= np.minimum(1, np.exp(-reached)) + 1e-12).all()  # Ville's bound


@pytest.mark.parametrize("sides", [TWO_SIDED, ONE_SIDED])
@pytest.mark.parametrize("maximum", [6, 7, 12, 40, 100, None])
def test_no_difference_is_certain(sides, maximum):
    evidence = log_evidence if sides == TWO_SIDED else log_evidence_above
    sizes = range(FEWEST, (maximum or 100) + 1)
    found = [float(p_of_maximum(evidence(t, n), maximum, sides)) for t in (10, 1e3, 1e9) for n in sizes]
    assert all(0 < p <= 1 for p in found)


def test_a_maximum_between_two_of_the_table_takes_the_larger_one():
    assert p_of_maximum(2.0, 33, TWO_SIDED) == p_of_maximum(2.0, 35, TWO_SIDED)
    assert p_of_maximum(2.0, 33, TWO_SIDED) > p_of_maximum(2.0, 30, TWO_SIDED)


@pytest.mark.parametrize("maximum", [SHORTEST_ROUNDS - 1, LONGEST_ROUNDS + 1])
def test_other_maxima_are_refused(maximum):
    with pytest.raises(ValueError, match="planned maximum"):
        p_of_maximum(1.0, maximum, TWO_SIDED)


def test_the_table_is_part_of_the_package():
    text = (files("overfitlab.stats") / "maxima.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    assert header[:2] == ["sides", "maximum"]
    assert {row[0] for row in rows} == {TWO_SIDED, ONE_SIDED}
    assert {int(row[1]) for row in rows} >= {*range(SHORTEST_ROUNDS, 31), LONGEST_ROUNDS}
    assert all(0 < float(cell) <= 1 for row in rows for cell in row[2:])
