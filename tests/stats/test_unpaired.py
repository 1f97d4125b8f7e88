"""Two arms without common seeds, against SciPy and statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind

from overfitlab.stats import unpaired
from overfitlab.stats.findings import EQUIVALENT, HELPS, UNDECIDED, Paired, Unpaired, findings

CASES = [(5, 7, 1.0, 1.0), (3, 12, 0.5, 2.0), (4, 4, 2.0, 0.3)]


@pytest.mark.parametrize(("n", "m", "one", "other"), CASES)
def test_estimate_and_p_are_welchs_with_the_degrees_of_freedom_of_the_smaller_arm(n, m, one, other):
    rng = np.random.default_rng(n)
    x, y = rng.normal(1, one, n), rng.normal(0, other, m)
    found = unpaired.estimate(x, y)
    expected = stats.ttest_ind(x, y, equal_var=False)
    freedom = min(n, m) - 1
    assert float(found.p) == pytest.approx(2 * stats.t.sf(abs(expected.statistic), freedom), rel=1e-12)
    assert expected.pvalue < float(found.p)
    error = CompareMeans(DescrStatsW(x), DescrStatsW(y)).std_meandiff_separatevar
    interval = stats.t.interval(0.95, freedom, x.mean() - y.mean(), error)
    assert (float(found.low), float(found.high)) == pytest.approx(interval)


@pytest.mark.parametrize(("n", "m", "one", "other"), CASES)
def test_equivalence_is_that_of_statsmodels_but_for_the_degrees_of_freedom(n, m, one, other):
    rng = np.random.default_rng(m)
    x, y = rng.normal(0.1, one, n), rng.normal(0, other, m)
    p, (low, *_), (high, *_) = ttost_ind(x, y, -1.5, 1.5, usevar="unequal")
    freedom = min(n, m) - 1
    expected = max(stats.t.sf(low, freedom), stats.t.cdf(high, freedom))
    assert float(unpaired.equivalence(x, y, 1.5)) == pytest.approx(expected)
    assert p < expected or p > 0.5


def test_the_floor_of_the_standard_error():
    """sqrt(u z (1/n1 + 1/n2) / 2), as EVIDENCE has it, where the runs hardly vary."""
    x, y, unit, margin = [0.0, 1e-9, 0.0], [0.0, 0.0, 0.0, 1e-9], 1.0, 0.5
    error = np.sqrt(unit * margin * (1 / 3 + 1 / 4) / 2)
    assert float(unpaired.equivalence(x, y, margin, unit)) == pytest.approx(float(stats.t.sf(margin / error, 2)))
    assert np.isnan(unpaired.equivalence([0.0] * 3, [0.0] * 3, margin))


def test_few_runs_and_runs_that_do_not_vary():
    assert np.isnan(unpaired.estimate([1.0], [0.0, 1.0]).p)
    assert float(unpaired.estimate([1.0, 1.0], [1.0, 1.0]).p) == 1.0
    assert np.isnan(unpaired.estimate([1.0, 1.0], [2.0, 2.0]).p)
    with pytest.raises(ValueError, match="no runs"):
        unpaired.estimate([], [1.0])


def test_a_simulation_works_on_arrays_as_a_verdict_does():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (4, 5)), rng.normal(0, 1, (4, 6))
    together = unpaired.estimate(x, y).p
    assert together == pytest.approx([float(unpaired.estimate(a, b).p) for a, b in zip(x, y, strict=True)])


def test_words_of_arms_and_pairs_are_adjusted_together():
    arms = Unpaired((5.0, 5.2, 4.9, 5.1), (1.0, 1.1, 0.9))
    pairs = Paired((0.0, 0.01, -0.01, 0.0, 0.01), (0, 1, 2, 3, 4))
    one, other = findings([arms, pairs], 0.5, unit=0.01)
    assert (one.verdict, other.verdict) == (HELPS, EQUIVALENT)
    assert (one.n, one.n_against, one.fewest) == (4, 3, 3)
    assert one.p_adjusted == pytest.approx(2 * one.p_raw)
    assert one.p_sign_flip_raw is None
    assert one.standard_error == pytest.approx(unpaired.standard_error(arms.values, arms.against))
    assert other.standard_error == pytest.approx(other.deviation / np.sqrt(5))
    [few] = findings([Unpaired((5.0, 5.1), (1.0, 1.1, 0.9))], 0.5)
    assert (few.verdict, few.reason.code) == (UNDECIDED, "too_few_runs_on_a_side")
    [flat] = findings([Unpaired((5.0,) * 3, (1.0,) * 3)], 0.5)
    assert (flat.verdict, flat.reason.code) == (UNDECIDED, "neither_side_varies")


@pytest.mark.parametrize(("n", "m", "spread"), [(5, 5, 1.0), (4, 10, 2.0), (10, 4, 2.0), (3, 10, 4.0)])
def test_false_words_stay_rare_where_arms_differ_in_size_and_spread(n, m, spread):
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, spread, (20_000, n)), rng.normal(0, 1, (20_000, m))
    assert (unpaired.estimate(x, y).p <= 0.05).mean() < 0.055
    at_the_edge = unpaired.equivalence(x + 2.0, y, 2.0, 0.01)
    assert (at_the_edge <= 0.05).mean() < 0.055
