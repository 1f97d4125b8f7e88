"""What one run amounts to, and gaps at equal fit."""

import pytest
from overfitlab.stats.endpoints import endpoints

from overfitlab.results.history import EpochRow
from overfitlab.runs.run import load_run
from overfitlab.stats.equal_fit import difference_at_equal_fit, gap_at


def rows(*pairs):
    """Return epochs with those training and validation accuracies."""
    return [EpochRow(number, 1.0, 0.0, 0.0, 1.0, val, 0.0, train) for number, (train, val) in enumerate(pairs, start=1)]


def test_endpoints_are_what_the_run_measured(digits_run):
    run = load_run(digits_run)
    found = endpoints(run.record, run.rows)
    end, onset = run.measured["end"], run.measured["onset"]
    assert found.accuracy == end["test"]["acc"]
    assert found.gap == end["training"]["acc"] - end["validation"]["acc"]
    assert found.onset_accuracy == onset["test"]["acc"]
    assert found.loss_gap == end["validation"]["loss"] - end["training"]["loss"]
    assert found.damage_loss == end["validation"]["loss"] - onset["validation"]["loss"]
    assert found.damage_acc == onset["validation"]["acc"] - end["validation"]["acc"]
    assert found.onset == run.onset
    assert run.rows[found.best_epoch - 1].val_acc == max(run.history["val_acc"])
    assert found.epochs == 6
    assert found.seconds_per_epoch == pytest.approx(sum(run.history["seconds"]) / 6)
    assert found.parameters == 324_842
    assert 100 < found.peak_memory_mb < 3000


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
