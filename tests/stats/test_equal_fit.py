"""Gaps at equal fit."""

import pytest

from overfitlab.results.history import EpochRow
from overfitlab.stats.equal_fit import difference_at_equal_fit, gap_at


def rows(*pairs):
    """Return epochs with those training and validation accuracies."""
    return [EpochRow(number, 1.0, 0.0, 0.0, 1.0, val, 0.0, train) for number, (train, val) in enumerate(pairs, start=1)]


def test_the_gap_where_a_fit_is_first_reached():
    curve = rows((0.4, 0.38), (0.6, 0.5), (0.9, 0.55))
    assert gap_at(curve, 0.6) == pytest.approx(0.1)
    assert gap_at(curve, 0.75) == pytest.approx(0.75 - 0.525)
    assert gap_at(curve, 0.4) == pytest.approx(0.02)
    assert gap_at(curve, 0.95) is None  # never reached
    assert gap_at(curve, 0.3) is None  # passed before the first epoch ended


def test_the_first_time_counts_where_the_fit_goes_up_and_down():
    curve = rows((0.4, 0.4), (0.7, 0.6), (0.5, 0.5), (0.8, 0.5))
    assert gap_at(curve, 0.6) == pytest.approx(0.6 - (0.4 + 2 / 3 * 0.2))


def test_methods_are_compared_at_the_best_fit_of_the_weaker_one():
    weak, strong = rows((0.4, 0.4), (0.6, 0.55)), rows((0.5, 0.45), (0.7, 0.55), (1.0, 0.5))
    assert difference_at_equal_fit(weak, strong) == pytest.approx((0.6 - 0.55) - (0.6 - 0.5))
    assert difference_at_equal_fit(strong, weak) == pytest.approx(0.05)


def test_where_there_is_no_common_fit():
    assert difference_at_equal_fit(rows((0.2, 0.2), (0.3, 0.3)), rows((0.5, 0.5), (0.9, 0.6))) is None
    assert difference_at_equal_fit(rows((0.2, 0.2)), rows((0.1, 0.1), (0.9, 0.6))) is None
    without = [EpochRow(1, 1.0, 0.5, 0.5, 1.0, 0.5), EpochRow(2, 1.0, 0.5, 0.5, 1.0, 0.5)]
    assert difference_at_equal_fit(without, without) is None
    assert gap_at(without, 0.5) is None
