"""The cosine schedule against Keras's `CosineDecay`, and that the optimizer gets it."""

import math

import pytest

from overfitlab.config import QUICK, protocol_named
from overfitlab.events import Listener
from overfitlab.training.optimizer import KerasAdam
from overfitlab.training.schedule import learning_rate

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own


@pytest.mark.usefixtures("float64_keras")
@pytest.mark.parametrize(("rate", "steps"), [(1e-3, 1), (1e-4, 7), (0.5, 50)])
def test_the_cosine_is_kerass(rate, steps):
    protocol = protocol_named("notebook", schedule="cosine", learning_rate=rate)
    decay = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps)
    for step in range(steps):
        assert learning_rate(protocol, step, steps) == pytest.approx(float(decay(step)), rel=1e-12)


def test_it_falls_from_the_whole_rate_over_its_half_towards_zero():
    rates = [learning_rate(QUICK, step, 1000) for step in range(1000)]
    assert rates[0] == QUICK.learning_rate == 1e-3
    assert rates[500] == pytest.approx(0.5e-3)
    assert 0 < rates[-1] < 1e-8
    assert rates == sorted(rates, reverse=True)
    assert math.fsum(rates) == pytest.approx(1000 * 0.5e-3, rel=2e-3)  # on average half of it


def test_the_notebooks_rate_is_constant():
    assert {learning_rate(protocol_named("notebook"), step, 100) for step in range(100)} == {1e-4}


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_optimizer_gets_it_over_all_steps_of_all_epochs(monkeypatch, trainer_of, schedule):
    """40 images in batches of 16 are three steps an epoch; a run that goes on in epoch 2 goes on with the schedule."""
    given = []
    original = KerasAdam.step

    def step(self, rate):
        given.append(rate)
        original(self, rate)

    monkeypatch.setattr(KerasAdam, "step", step)
    options = {"epochs": 3, "schedule": schedule, "learning_rate": 0.01}
    trainer_of("none", **options).train(lambda: None, Listener())
    wanted = [0.01 * (1 + math.cos(math.pi * step / 9)) / 2 if schedule == "cosine" else 0.01 for step in range(9)]
    assert given == pytest.approx(wanted, rel=1e-12)
    resumed = trainer_of("none", **options)
    resumed.train_epoch(2, resumed.batches(16), Listener())
    assert given[9:] == given[3:6]
