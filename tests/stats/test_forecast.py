"""What is to be expected of a verdict in rounds."""

import numpy as np
import pytest

from overfitlab.stats.design import Axis
from overfitlab.stats.forecast import before_training, one_contrast, while_training

METRIC = Axis(lambda end: end.accuracy, 100, 0.5, 0.01, smaller_is_better=False, with_images=True)
GAP = Axis(lambda end: end.gap, 100, 1.0, 0.05, smaller_is_better=True, with_images=False)
PAIR = [("dropout", "none")]


def test_large_differences_are_decided_at_once_and_small_ones_at_the_maximum():
    large = before_training(PAIR, (METRIC, GAP), (0.5, 0.5), (20.0, -20.0), 12, 0.05)
    assert (large.decided, large.found) == (1.0, 1.0)
    assert 4 <= large.seeds < 5
    assert large.runs == 2 * large.seeds
    small = before_training(PAIR, (METRIC, GAP), (3.0, 3.0), (0.0, 0.0), 12, 0.05)
    assert small.decided < 0.05
    assert 11.5 < small.seeds <= 12


def test_it_finds_as_much_as_the_design_promises():
    """EVIDENCE of the sequential design: 1.1 points of noise, a difference of 2, three contrasts: 99 %."""
    found, equal = one_contrast(METRIC, 1.1, 2.0, 3, 12, 0.05)
    assert found == pytest.approx(0.99, abs=0.02)
    assert equal == 0


def test_further_seeds_are_expected_to_be_like_those_seen():
    seen = np.array([[2.1, 1.8, 2.3, 2.0]])
    assert while_training((seen, -seen), (METRIC, GAP), PAIR, 12, 0.05).decided > 0.95
    noisy = np.array([[3.0, -3.0, 2.5, -2.5]])
    assert while_training((noisy, noisy), (METRIC, GAP), PAIR, 12, 0.05).decided < 0.1


def test_a_contrast_without_any_pair_stays_open():
    nothing = np.full((1, 4), np.nan)
    found = while_training((nothing, nothing), (METRIC, GAP), PAIR, 12, 0.05)
    assert (found.decided, found.seeds) == (0.0, 12.0)
