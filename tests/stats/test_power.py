"""Power, beside statsmodels where there is no margin, and by simulation of the whole verdict."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from overfitlab.stats import paired
from overfitlab.stats.findings import EQUIVALENT, HELPS, words
from overfitlab.stats.power import (
    MOST,
    SURE_POWER,
    power_to_differ,
    power_to_equal,
    seeds_needed,
    seeds_to_decide,
)


@pytest.mark.parametrize("n", [3, 7, 15])
@pytest.mark.parametrize("contrasts", [1, 3])
@pytest.mark.parametrize("difference", [0.5, 1.0, 2.0])
def test_without_a_zone_it_is_that_of_statsmodels(n, contrasts, difference):
    expected = TTestPower().power(difference / 1.2, n, 0.025 / contrasts, alternative="larger")
    found = power_to_differ(difference, 1.2, n, 0.0, 0.05, contrasts)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("difference", "n", "margin"), [(0.5, 8, 0.5), (1.0, 8, 0.5), (2.0, 5, 0.5), (1.0, 12, 1.0)])
def test_with_a_zone_it_is_the_share_of_simulated_verdicts(difference, n, margin):
    drawn = np.random.default_rng(0).normal(difference, 1.2, (20_000, n))
    found = paired.estimate(drawn)
    helped = words(found.mean, 3 * found.p, np.ones(len(drawn)), margin, 0.05) == HELPS
    assert power_to_differ(difference, 1.2, n, margin, 0.05, 3) == pytest.approx(helped.mean(), abs=0.012)


@pytest.mark.parametrize(("deviation", "n"), [(0.4, 8), (0.4, 12), (1.2, 30)])
def test_equivalence_is_the_share_of_simulated_verdicts(deviation, n):
    drawn = np.random.default_rng(1).normal(0, deviation, (20_000, n))
    found = words(np.zeros(len(drawn)), np.ones(len(drawn)), 3 * paired.equivalence(drawn, 0.5), 0.5, 0.05)
    assert power_to_equal(deviation, n, 0.5, 0.05, 3) == pytest.approx((found == EQUIVALENT).mean(), abs=0.012)


@pytest.mark.parametrize("images", [100, 359, 10_000])
def test_equivalence_on_few_images_is_the_share_of_simulated_verdicts(images):
    drawn = np.random.default_rng(2).normal(0, 0.3, (20_000, 9))
    p = 3 * paired.equivalence(drawn, 0.5, 100 / images)
    found = words(np.zeros(len(drawn)), np.ones(len(drawn)), p, 0.5, 0.05) == EQUIVALENT
    assert power_to_equal(0.3, 9, 0.5, 0.05, 3, unit=100 / images) == pytest.approx(found.mean(), abs=0.012)


def test_two_seeds_decide_nothing():
    assert power_to_differ(5.0, 0.1, 2, 0.5, 0.05, 1) == 0
    assert power_to_equal(0.01, 2, 0.5, 0.05, 1) == 0


@pytest.mark.parametrize("contrasts", [1, 2, 3, 5, 7, 15])
@pytest.mark.parametrize("deviation", [0.3, 1.2, 2.0])
def test_with_the_default_number_of_seeds_a_verdict_is_within_reach(contrasts, deviation):
    n = seeds_needed(contrasts, deviation, 0.5, 0.05)
    assert paired.sign_flip_floor(n) * contrasts <= 0.05
    assert power_to_differ(2.0, deviation, n, 0.5, 0.05, contrasts) >= 0.5
    fewer = n - 1
    assert (
        paired.sign_flip_floor(fewer) * contrasts > 0.05
        or power_to_differ(2.0, deviation, fewer, 0.5, 0.05, contrasts) < 0.5
    )


def test_a_wide_zone_needs_no_more_seeds():
    assert seeds_needed(3, 1.2, 3.0, 0.05) == seeds_needed(3, 1.2, 0.5, 0.05)


def test_there_is_an_end_to_it():
    assert seeds_needed(3, 50.0, 0.5, 0.05) == 100


@pytest.mark.parametrize("case", [(2.0, 1.5, 0.5, 3, 0.1), (0.1, 0.8, 1.0, 1, 0.0), (-0.9, 1.0, 0.5, 6, None),
                                  (0.52, 0.3, 0.5, 3, 0.0)])  # fmt: skip
def test_the_seeds_that_decide_are_the_first_that_have_the_power(case):
    """Most numbers are passed over by a rough look, which must not pass over the right one."""
    difference, deviation, margin, contrasts, unit = case

    def enough(n):
        if paired.sign_flip_floor(n) * contrasts > 0.05:
            return False
        differs = power_to_differ(abs(difference), deviation, n, margin, 0.05, contrasts)
        return differs + power_to_equal(deviation, n, margin, 0.05, contrasts, unit, abs(difference)) >= SURE_POWER

    expected = next((n for n in range(3, MOST + 1) if enough(n)), None)
    assert seeds_to_decide(difference, deviation, margin, 0.05, contrasts, unit) == expected
