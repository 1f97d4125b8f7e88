"""Each correction of the verdict: simulations that fail without it.

Corrections that change only what is said have their tests where it is said.
"""

import numpy as np
import pytest
from scipy import stats

from overfitlab.stats import paired
from overfitlab.stats.findings import ALPHA, EQUIVALENT, HELPS
from overfitlab.stats.multiplicity import adjusted, holm, shaffer
from overfitlab.stats.power import power_to_differ

pytestmark = pytest.mark.slow

SIMULATIONS = 4000
MARGIN, DEVIATION = 0.5, 1.2  # points


def at_most(nominal, simulations=SIMULATIONS):
    """Return the nominal rate, and three standard errors of its simulation."""
    return nominal + 3 * np.sqrt(nominal * (1 - nominal) / simulations)


@pytest.mark.parametrize("images", [20, 50, 100, 359, 10_000])
@pytest.mark.parametrize("n", [3, 5, 7, 9, 12, 20])
def test_few_images_do_not_make_equivalent_what_is_worse(simulation, images, n):
    drawn = simulation.steady(np.random.default_rng([images, n]), SIMULATIONS, images, n)
    found = simulation.judged(drawn, unit=100 / images) == EQUIVALENT
    assert found[:, 0].mean() <= at_most(0.02)
    assert found.any(-1).mean() <= at_most(0.03)


@pytest.mark.parametrize(("images", "n", "rate"), [(20, 3, 0.75), (50, 5, 0.30), (100, 3, 0.21)])
def test_without_a_floor_they_would(simulation, images, n, rate):
    drawn = simulation.steady(np.random.default_rng([images, n]), SIMULATIONS, images, n)
    found = simulation.judged(drawn[:, :1], unit=simulation.NO_FLOOR) == EQUIVALENT
    assert found.mean() == pytest.approx(rate, abs=0.03)


def test_the_floor_costs_nothing_on_many_images(simulation):
    rng = np.random.default_rng(0)
    drawn = simulation.NOISES["normal"].differences(rng, SIMULATIONS, 3, 9, deviation=0.4)
    with_floor, without = ((simulation.judged(drawn, unit=unit) == EQUIVALENT).mean() for unit in (0.01, 0.0))
    assert with_floor == pytest.approx(without, abs=0.002)
    assert with_floor > 0.8


@pytest.mark.parametrize("images", [20, 100, 359])
def test_few_images_in_rounds(simulation, images):
    drawn = simulation.steady(np.random.default_rng(images), SIMULATIONS, images, 12)
    found, _ = simulation.read_rounds(drawn, 12, unit=100 / images)
    assert (found == EQUIVALENT).any(-1).mean() <= at_most(0.03)
    blind, _ = simulation.read_rounds(drawn, 12, unit=simulation.NO_FLOOR)
    assert (blind == EQUIVALENT).any(-1).mean() > 0.1


def test_words_at_the_onset_would_break_what_the_page_promises(simulation):
    rows = [row.split(" | ") for row in simulation.words_on_axes(SIMULATIONS).splitlines()[2:5]]
    for _, one, two, four in rows:
        assert float(two) <= 100 * at_most(2 * ALPHA)
        assert float(four.strip("| ")) > 100 * at_most(2 * ALPHA)
        assert float(one) <= 100 * at_most(ALPHA)


def test_the_picked_method_looks_better_than_it_is_and_fresh_seeds_do_not(simulation):
    rng, true = np.random.default_rng(0), np.full(3, DEVIATION)
    drawn = simulation.NOISES["normal"].differences(rng, SIMULATIONS, 3, 7, true=true)
    truth, picked = simulation.winners(drawn, true)
    assert 0.3 < (picked.mean(-1) - truth).mean() < 0.6
    assert simulation.covered(picked - truth[:, None]).mean() < 0.92
    fresh = rng.normal(truth[:, None], DEVIATION, (len(truth), 7))
    assert (fresh.mean(-1) - truth).mean() == pytest.approx(0, abs=0.03)
    assert simulation.covered(fresh - truth[:, None]).mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("overlap", "coverage"), [(0.04, 0.94), (0.7, 0.69)])
def test_the_interval_does_not_cover_other_training_images(simulation, overlap, coverage):
    """The formula of the page, beside seeds whose training images are drawn from one pool, half of the noise theirs."""
    n, share, rng = 7, 0.5, np.random.default_rng(0)
    shared = rng.normal(0, np.sqrt(overlap * share), (SIMULATIONS, 1))
    drawn = shared + rng.normal(0, np.sqrt(1 - overlap * share), (SIMULATIONS, n))
    found = simulation.coverage_with_more(n, simulation.pool_ratio(n, overlap, share))
    assert found == pytest.approx(coverage, abs=0.007)
    assert simulation.covered(drawn).mean() == pytest.approx(found, abs=0.025)


def test_the_overlap_is_what_correlates_seeds():
    """Influences of images add up: two draws of half a pool have half of their variance in common."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(3000):
        influence = rng.standard_normal(60)
        values.append([influence[rng.permutation(60)[:30]].mean() for _ in range(2)])
    assert np.corrcoef(np.array(values).T)[0, 1] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("n", [7, 40])
def test_seeds_alone_do_not_cover_other_images(simulation, n):
    rng, ratio = np.random.default_rng(n), 0.8
    images = rng.normal(0, ratio / np.sqrt(n), (SIMULATIONS, 1))
    seeds_only = simulation.covered(images + rng.standard_normal((SIMULATIONS, n))).mean()
    assert seeds_only == pytest.approx(simulation.coverage_with_more(n, np.sqrt(1 + ratio**2)), abs=0.02)
    assert seeds_only < 0.91
    assert simulation.coverage_with_more(n, np.sqrt(1 + 0.3**2)) > 0.938  # below 0.3 it costs next to nothing


@pytest.mark.parametrize(
    ("deviation", "power"), [(0.6, 1.0), (0.9, 0.97), (1.1, 0.89), (1.4, 0.68), (1.6, 0.55), (2.1, 0.33), (3.0, 0.15)]
)
def test_power_by_the_true_deviation(simulation, deviation, power):
    assert power_to_differ(2.0, deviation, 7, MARGIN, ALPHA, 3) == pytest.approx(power, abs=0.006)
    drawn = simulation.NOISES["normal"].differences(
        np.random.default_rng(1), SIMULATIONS, 3, 7, deviation=deviation, true=(2.0, 0, 0)
    )
    assert (simulation.judged(drawn)[:, 0] == HELPS).mean() == pytest.approx(power, abs=0.03)


def test_what_seven_seeds_know_of_a_deviation():
    assert [np.sqrt(6 / stats.chi2.ppf(level, 6)) for level in (0.95, 0.05)] == pytest.approx([0.69, 1.92], abs=0.01)


@pytest.mark.parametrize("effects", [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (20.0, 0.0)])
def test_shaffer_keeps_the_family_wise_error_of_a_triangle(simulation, effects):
    p = paired.estimate(simulation.triangle(SIMULATIONS, effects, 7)).p
    truth = np.array([*effects, effects[0] - effects[1]])
    found = adjusted(p, shaffer(simulation.TRIANGLE)) <= ALPHA
    assert found[:, truth == 0].any(-1).mean() <= at_most(ALPHA)


def test_shaffer_finds_more(simulation):
    p = paired.estimate(simulation.triangle(SIMULATIONS, (2.0, 1.0), 7)).p
    more, plain = (adjusted(p, kind) <= ALPHA for kind in (shaffer(simulation.TRIANGLE), holm(3)))
    assert (more[:, 1:].mean(0) > plain[:, 1:].mean(0) + 0.04).all()


def test_its_multipliers_would_be_wrong_for_a_star(simulation):
    """Two methods that do nothing, and one that helps, beside one baseline: then two contrasts have no difference."""
    drawn = simulation.NOISES["normal"].differences(np.random.default_rng(3), SIMULATIONS, 3, 9, true=(20.0, 0.0, 0.0))
    p = paired.estimate(drawn).p
    assert (adjusted(p, (3, 1, 1)) <= ALPHA)[:, 1:].any(-1).mean() > at_most(ALPHA)
    assert (adjusted(p, holm(3)) <= ALPHA)[:, 1:].any(-1).mean() <= at_most(ALPHA)
