"""What a history alone says, on curves whose truth is known."""

import math

import numpy as np
import pytest

from overfitlab.stats.diagnosis import (
    DIVERGED,
    NOT_YET,
    OVERFITTING,
    TOO_NOISY,
    TOO_SHORT,
    UNDERFITTING,
    UNSTABLE,
    Curves,
    diagnosed,
    noise_of,
    together,
)

EPOCHS = np.arange(1, 31)
FALLING = 0.2 + 2 * np.exp(-0.3 * EPOCHS)


def noisy(values, size=0.01, seed=0):
    return np.asarray(values) + np.random.default_rng(seed).normal(0, size, len(values))


def overfitting(onset=10, seed=0, **more):
    loss = 0.6 + 1.5 * np.exp(-0.5 * EPOCHS) + 0.05 * np.maximum(EPOCHS - onset, 0)
    return Curves(val_loss=noisy(loss, seed=seed), loss=FALLING, **more)


def test_overfitting_has_an_onset_with_its_reach_and_a_cost():
    found = diagnosed(overfitting())
    assert found.state == OVERFITTING
    assert abs(found.onset - 10) <= 1
    assert found.onset_low <= found.onset <= found.onset_high
    assert found.rise == pytest.approx(0.05 * 19, abs=0.1)


@pytest.mark.parametrize(
    ("curves", "state"),
    [
        (Curves(val_loss=noisy(0.5 + 2 * np.exp(-0.05 * EPOCHS)), loss=2 * np.exp(-0.05 * EPOCHS)), NOT_YET),
        (Curves(val_loss=noisy(1.2 + np.exp(-EPOCHS)), val_acc=noisy(0.5 - 0.2 * np.exp(-EPOCHS), 0.002),
                loss=1.2 + np.exp(-EPOCHS), acc=0.5 - 0.2 * np.exp(-EPOCHS)), UNDERFITTING),
        (Curves(val_loss=[1.0, 0.8, math.nan], loss=[1.0, 0.8, math.nan]), DIVERGED),
        (Curves(val_loss=list(1.0 * 2.0 ** np.arange(8)), loss=list(1.0 * 2.0 ** np.arange(8))), DIVERGED),
        (Curves(val_loss=1 + np.abs(np.random.default_rng(0).normal(0, 1, 30)), loss=FALLING), UNSTABLE),
        (Curves(val_loss=[1.0, 0.9, 0.8]), TOO_SHORT),
        (Curves(val_loss=noisy(np.full(30, 1.0), 0.02), loss=FALLING), TOO_NOISY),
    ],
)  # fmt: skip
def test_states(curves, state):
    assert diagnosed(curves).state == state


def test_a_rise_within_the_noise_is_no_overfitting():
    flat = noisy(0.6 + 1.5 * np.exp(-0.5 * EPOCHS), 0.03, seed=4)
    assert diagnosed(Curves(val_loss=flat, loss=FALLING)).state in (NOT_YET, TOO_NOISY)


def test_the_gap_is_logged_unless_both_sides_were_measured():
    acc = {"val_acc": [0.6] * 30, "acc": [0.9] * 30}
    logged = diagnosed(overfitting(**acc))
    assert (logged.gap, logged.logged) == (pytest.approx(0.3), True)
    measured = diagnosed(overfitting(**acc, train_acc=[0.95] * 30))
    assert (measured.gap, measured.logged) == (pytest.approx(0.35), False)
    assert diagnosed(Curves(val_loss=FALLING)).logged is None


def test_validation_that_is_better_is_noticed():
    assert diagnosed(Curves(val_loss=FALLING, val_acc=[0.8] * 30, acc=[0.7] * 30)).validation_better
    assert not diagnosed(Curves(val_loss=FALLING, val_acc=[0.7] * 30, acc=[0.8] * 30)).validation_better


def test_accuracy_alone_gives_an_onset_too():
    acc = 0.7 - 0.3 * np.exp(-0.5 * EPOCHS) - 0.01 * np.maximum(EPOCHS - 10, 0)
    found = diagnosed(Curves(val_acc=noisy(acc, 0.002)))
    assert (found.state, found.by, found.rise) == (OVERFITTING, "val_acc", None)
    assert abs(found.onset - 10) <= 2


def test_seeds_together_have_an_interval():
    found = together([diagnosed(overfitting(onset, seed)) for seed, onset in enumerate((8, 10, 12))])
    assert found.onset == pytest.approx(10, abs=1)
    assert found.onset_low < found.onset < found.onset_high
    mixed = together([diagnosed(overfitting()), diagnosed(overfitting()), diagnosed(Curves(val_loss=[1.0, 0.9]))])
    assert (mixed.state, mixed.agreeing) == (OVERFITTING, 2)
    with pytest.raises(ValueError, match="no history"):
        together([])
    with pytest.raises(ValueError, match="no validation"):
        diagnosed(Curves())


def test_the_noise_of_second_differences():
    assert noise_of(np.linspace(0, 1, 200)) == pytest.approx(0, abs=1e-12)
    assert noise_of(noisy(np.linspace(0, 1, 5000), 0.1)) == pytest.approx(0.1, rel=0.05)
