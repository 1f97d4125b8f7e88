"""What a run says of itself."""

from pathlib import Path

import pytest

from overfitlab.run import Run
from overfitlab.store.history import EpochRow


def run(*rows, classes=10):
    """A run of (loss, val_loss, val_acc) an epoch."""
    history = [EpochRow(n, 1.0, loss, 0.5, val, acc) for n, (loss, val, acc) in enumerate(rows, start=1)]
    config = {"data": "digits", "seed": 3}
    record = {"status": "finished", "method": "none", "config": config, "data": {"classes": ["x"] * classes}}
    return Run(Path("runs/x"), record, history)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([(2.0, 2.0, 0.3), (1.0, 1.0, 0.6), (0.1, 1.5, 0.6)], "in epoch 2 (val_acc 0.6000): the onset of overfitting"),
        ([(2.0, 2.0, 0.3), (1.0, 1.0, 0.6)], "the last one: no overfitting seen yet"),
        ([(2.0, 2.0, 0.1), (0.1, 2.5, 0.1)], "still near chance: too early to speak of overfitting"),
        ([(2.4, 2.0, 0.3), (2.3, 2.1, 0.3)], "training is no better than validation, so no overfitting seen"),
        ([(float("nan"), float("nan"), 0.1)], "No epoch has a finite validation loss"),
    ],
)
def test_the_sentence_claims_no_more_than_the_curves_show(rows, wanted):
    assert wanted in run(*rows).summary()


def test_its_representation_is_short():
    assert repr(run((1.0, 1.0, 0.5))) == "<Run none on digits, seed 3: finished, 1 epochs, in runs/x>"
