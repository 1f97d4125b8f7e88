"""The interval for other test images is at the level of the tests beside it."""

import numpy as np
import pytest

from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.crossed import crossed
from overfitlab.stats.design import Design
from overfitlab.stats.verdict import compute_verdict

SEEDS, IMAGES = 7, 200


def outcome(method, seed):
    right = np.random.default_rng([seed, len(method)]).random(IMAGES) < 0.8
    share = float(right.mean())
    end = Endpoints(share, 0.1, share, 0.1, 0.9, 0.8, 0.1, 1, 0.0, 0.0, 1, 1, 1.0, 10, None)
    return Outcome(method, seed, f"{method}{seed}", end, [], correct=right)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_it_has_the_level_of_the_study(alpha):
    runs = [outcome(method, seed) for method in ("a", "bc") for seed in range(SEEDS)]
    design = Design("s", {"a": "a", "bc": "bc"}, [("bc", "a")], range(SEEDS), (SEEDS,), 1, alpha, 0.5, 1.0, IMAGES, 100)
    [found] = compute_verdict(runs, design).contrasts
    by_run = {(each.method, each.seed): each.correct.astype(float) for each in runs}
    differences = np.array([100 * (by_run["bc", seed] - by_run["a", seed]) for seed in range(SEEDS)])
    assert found.metric.crossed == crossed(differences, 1 - alpha)
    assert found.metric.crossed.low <= found.metric.low + 1e-9  # never narrower than over seeds alone
