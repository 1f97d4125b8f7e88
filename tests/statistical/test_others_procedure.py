"""Runs of others that share no seeds, simulated by the code that judges them: nothing false too often."""

import numpy as np
import pytest

from overfitlab.stats.findings import ALPHA, HARMS, HELPS

pytestmark = pytest.mark.slow

SIMULATIONS = 3000
MARGIN, QUIET, DEVIATION, UNIT = 0.5, 0.4, 1.2, 0.01  # points
NORMAL = ["normal", "normal, method twice", "normal, method 4 times", "normal, method a quarter"]
MOST = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / SIMULATIONS)


@pytest.mark.parametrize("name", NORMAL)
@pytest.mark.parametrize(("n", "against"), [(3, 3), (3, 10), (10, 3), (5, 15)])
def test_two_arms_of_any_size_and_spread_hold_the_level(simulation, name, n, against):
    rng = np.random.default_rng([n, against])
    drawn = simulation.arms(name, rng, (SIMULATIONS, 7), n, against, DEVIATION, 0.0)
    assert simulation.claims(*drawn, ALPHA)[:, 0].mean() <= MOST
    assert simulation.family_of_arms(drawn[0], drawn[1][:, :1]).mean() <= MOST
    edge = simulation.arms(name, rng, (SIMULATIONS,), n, against, QUIET, -MARGIN)
    assert (simulation.not_worse(*edge, UNIT) <= ALPHA).mean() <= MOST


@pytest.mark.parametrize("name", NORMAL)
def test_pairs_formed_by_order_hold_the_level_in_rounds(simulation, name):
    method, baseline = simulation.arms(name, np.random.default_rng(1), (SIMULATIONS, 3), 12, 12, DEVIATION, 0.0)
    found, _ = simulation.read_rounds(method - baseline[:, :1], 12, 0.0, None)
    assert np.isin(found, (HELPS, HARMS)).any(-1).mean() <= MOST
