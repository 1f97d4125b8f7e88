"""What one run amounts to."""

import msgspec
import pytest

from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Measurement, Parts
from overfitlab.results.outcome import endpoints
from overfitlab.runs.run import load_run

ROWS = [EpochRow(epoch, 2.0, 0.5, 0.5, 1.0 / epoch, val_acc) for epoch, val_acc in enumerate((0.5, 0.75, 0.7), 1)]


def part(acc, loss=0.5):
    return Measurement(10, loss, acc, acc)


END = Parts(training=part(0.9, 0.2), validation=part(0.7, 0.9), test=part(0.6))
ONSET = Parts(training=part(0.8, 0.4), validation=part(0.75, 0.6), test=part(0.65))


def test_they_are_what_the_run_measured(digits_run):
    run = load_run(digits_run)
    record = run.own
    end, onset = record.measured.end, record.measured.onset
    parameters, memory = record.network.parameters.total, record.times.peak_memory_mb
    found = endpoints(end, onset, run.rows, run.onset, parameters, memory)
    assert found.accuracy == end.test.acc
    assert found.gap == end.training.acc - end.validation.acc
    assert found.onset_accuracy == onset.test.acc
    assert found.onset_gap == onset.training.acc - onset.validation.acc
    assert found.train_acc == end.training.acc
    assert found.val_acc == end.validation.acc
    assert found.loss_gap == end.validation.loss - end.training.loss
    assert found.loss_rise == end.validation.loss - onset.validation.loss
    assert found.acc_drop == onset.validation.acc - end.validation.acc
    assert found.onset == run.onset
    assert run.rows[found.best_epoch - 1].val_acc == max(run.history["val_acc"])
    assert found.epochs == 6
    assert found.seconds_per_epoch == pytest.approx(sum(run.history["seconds"]) / 6)
    assert found.parameters == 324_842
    assert 100 < found.peak_memory_mb < 3000


def test_by_hand():
    found = endpoints(END, ONSET, ROWS, 2, 10, None)
    assert (found.accuracy, found.onset_accuracy) == (0.6, 0.65)
    assert found.gap == pytest.approx(0.2)
    assert found.onset_gap == pytest.approx(0.05)
    assert found.loss_gap == pytest.approx(0.7)
    assert found.acc_drop == pytest.approx(0.05)
    assert found.loss_rise == pytest.approx(0.3)
    assert (found.best_epoch, found.epochs, found.seconds_per_epoch, found.peak_memory_mb) == (2, 3, 2.0, None)


@pytest.mark.parametrize("name", ["training", "validation", "test"])
def test_a_part_that_was_not_measured_gives_none(name):
    assert endpoints(msgspec.structs.replace(END, **{name: None}), ONSET, ROWS, 2, 10, None) is None
    assert endpoints(END, msgspec.structs.replace(ONSET, **{name: None}), ROWS, 2, 10, None) is None


def test_nor_does_a_run_without_an_epoch():
    assert endpoints(END, ONSET, [], 2, 10, None) is None


def test_a_loss_that_is_not_finite_leaves_the_accuracies():
    endless = msgspec.structs.replace(END, validation=part(0.7, None))
    found = endpoints(endless, ONSET, ROWS, 2, 10, None)
    assert found.loss_gap is None
    assert found.loss_rise is None
    assert found.gap == pytest.approx(0.2)
