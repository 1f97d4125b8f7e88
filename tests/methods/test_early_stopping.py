"""Early stopping against Keras's `EarlyStopping`, and the weights that it hands over."""

import math
import types

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import overfitlab
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset
from overfitlab.training.loop import diverged

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

SETTINGS = {
    "data": "digits",
    "training_images": 150,
    "learning_rate": 5e-3,
    "precision": "float32",
    "threads": 1,
    "verbose": False,
}


def row(epoch, val_loss):
    return EpochRow(epoch, seconds=1.0, loss=1.0, acc=0.5, val_loss=val_loss, val_acc=0.5)


def ours(losses, patience):
    """Return after which epoch our loop ends, and whose weights are handed over."""
    method = registry.make("early_stopping", patience=patience)
    rows = []
    for epoch, loss in enumerate(losses, start=1):
        if rows and method.stop(rows):
            break
        rows.append(row(epoch, loss))
    return len(rows), onset(rows).epoch


def kerass(losses, patience):
    """The same of Keras, with a stand-in for a model whose weights are the number of the epoch."""
    model = types.SimpleNamespace(stop_training=False, weights=None)
    model.get_weights, model.set_weights = lambda: model.weights, lambda weights: setattr(model, "weights", weights)
    callback = keras.callbacks.EarlyStopping("val_loss", patience=patience, mode="min", restore_best_weights=True)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        model.weights = last = epoch + 1
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    return last, model.weights


# with many ties; Keras compares in float32
finite = st.sampled_from([0.5, 0.25, 1.0, 0.125]) | st.floats(0, 10, width=32, allow_subnormal=False)


@settings(max_examples=60)
@given(finite, st.lists(finite | st.sampled_from([math.nan, math.inf]), max_size=20), st.integers(1, 5))
def test_it_stops_where_keras_stops_and_keeps_what_keras_restores(first, rest, patience):
    """From a finite first loss on; a training whose losses are not finite ends by itself (see below)."""
    assert ours([first, *rest], patience) == kerass([first, *rest], patience)


@pytest.mark.parametrize(
    ("losses", "patience", "end"),
    [
        ([3, 2, 1, 1.5, 1.2, 1.1, 9], 3, (6, 3)),
        ([3, 2, 2, 2, 2], 2, (4, 2)),
        ([1, 2, 0.9, 2, 0.8, 2, 2, 2], 2, (7, 5)),
        ([1, 2, 3], 1, (2, 1)),
        ([5, 4, 3, 2, 1], 1, (5, 5)),
        ([1, math.nan, math.nan, 0.5], 2, (3, 1)),
    ],
)
def test_cases_worked_out_by_hand(losses, patience, end):
    assert ours(losses, patience) == kerass(losses, patience) == end


def test_without_any_finite_loss_training_has_diverged_already():
    rows = [row(1, math.nan)]
    assert not registry.parse("early_stopping").stop(rows)
    assert diverged(rows)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(finite, min_size=1, max_size=20), st.integers(1, 5))
def test_it_is_a_function_of_the_history_alone(losses, patience):
    rows = [row(epoch, loss) for epoch, loss in enumerate(losses, start=1)]
    stopped = [
        registry.make("early_stopping", patience=patience).stop(rows[:count]) for count in range(1, len(rows) + 1)
    ]
    once = registry.make("early_stopping", patience=patience)
    assert [once.stop(rows[:count]) for count in range(len(rows), 0, -1)] == stopped[::-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "protocol"), [("none", "notebook"), ("none", "clean"), ("weight_averaging:decay=0.8", "clean")]
)
def test_it_hands_over_the_weights_of_the_onset(tmp_path, method, protocol):
    """They are, to the bit, those of a training that ends at the onset."""
    settings = SETTINGS | {"protocol": protocol}
    run = overfitlab.train(f"early_stopping:patience=2+{method}", epochs=40, out=tmp_path / "stopped", **settings)
    assert len(run.rows) == run.onset + 2 < 40, "the high learning rate makes it stop early"
    short = overfitlab.train(method, epochs=run.onset, out=tmp_path / "short", **settings)
    handed_over, wanted = (safetensors.torch.load_file(found.folder / "weights.safetensors") for found in (run, short))
    assert handed_over.keys() == wanted.keys()
    for name, value in wanted.items():
        assert torch.equal(handed_over[name], value), name
    assert run.measured["end"] == short.measured["end"]
    assert run.measured["end"]["validation"]["loss"] == pytest.approx(min(run.history["val_loss"]), rel=1e-6)
    if protocol == "clean":
        assert run.measured["onset"] == run.measured["end"]
        assert run.measured["end"].keys() == {"training", "validation", "test"}


def test_a_training_that_goes_to_its_end_hands_over_the_onset_too(trainer_of):
    trainer = trainer_of("early_stopping:patience=50", epochs=6, learning_rate=0.003)
    labels = trainer.material.dataset.labels
    labels[40:] = (labels[40:] + 1) % 4  # of the validation images, so that learning makes their loss rise
    seen = []
    trainer.train(
        lambda: seen.append({name: value.clone() for name, value in trainer.model.tensors().items()}), Listener()
    )
    lowest = onset(trainer.progress.rows).epoch
    assert lowest < len(seen) == 6
    handed_over = trainer.hand_over().tensors()
    assert all(torch.equal(handed_over[name], value) for name, value in seen[lowest - 1].items())
