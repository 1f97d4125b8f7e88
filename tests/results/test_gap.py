"""The generalization gap has one sign for loss and accuracy: positive is overfitting."""

import pytest

from overfitlab.results.gap import gaps
from overfitlab.results.measurement import Measurement

TRAINING = Measurement(100, 0.1, 0.9, 0.8)


def test_worse_on_validation_is_positive_everywhere():
    found = gaps(TRAINING, Measurement(50, 0.7, 0.6, 0.7))
    assert found.loss == pytest.approx(0.6)
    assert found.acc == pytest.approx(0.3)
    assert found.balanced_acc == pytest.approx(0.1)


def test_a_loss_that_is_not_finite_has_no_gap():
    endless = Measurement(50, None, 0.6, 0.7)
    assert gaps(TRAINING, endless).loss is None
    assert gaps(endless, TRAINING).loss is None
    assert gaps(TRAINING, endless).acc == pytest.approx(0.3)
