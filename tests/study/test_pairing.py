"""Pairing: at one seed all methods see the same split, order and initial bits; seeds differ in what they vary."""

import itertools

import numpy as np
import pytest

from overfitlab.config import VARIED, StudyConfig, protocol_named
from overfitlab.data.prepare.batches import BatchSource
from overfitlab.data.prepare.material import material
from overfitlab.data.sources import digits
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models import registry as models
from overfitlab.randomness import run_key
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer

EPOCHS = 3
METHODS = [name for name in registry.built_in_names() if name != "as_is"]  # which needs --bare


def seen(method, seed, vary, monkeypatch):
    """Return split, order of the rows of each epoch, and initial weights of a run of a study."""
    protocol = protocol_named("quick", epochs=EPOCHS, training_images=60, vary=vary)
    config = StudyConfig(protocol, (method,), (), "digits")
    run = config.run(protocol, registry.parse(method).spec, seed, threads=1)
    prepared = material(digits.load(), protocol, run.seed)
    shape, classes = prepared.dataset.image_shape, len(prepared.dataset.class_names)
    chosen = registry.parse(method)
    network = models.build("notebook_cnn", shape, classes, chosen, run_key(run.seed, protocol.vary), warm_up=True)
    initial = {name: value.clone().numpy() for name, value in network.tensors().items()}
    trainer = Trainer(run, prepared, network, Compute("float32", threads=1))
    rows: list[list[int]] = [[] for _ in range(EPOCHS)]
    original = BatchSource.gather
    with monkeypatch.context() as patch:
        for epoch, drawn in enumerate(rows, 1):
            patch.setattr(
                BatchSource, "gather", lambda self, of, drawn=drawn: drawn.extend(of.tolist()) or original(self, of)
            )
            trainer.train_epoch(epoch, trainer.batches(protocol.batch_size), Listener())
    split = (prepared.split.training.tolist(), prepared.split.validation.tolist(), prepared.split.test.tolist())
    return split, rows, initial


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_paired_with_none(method, monkeypatch):
    split, rows, initial = seen("none", 3, VARIED, monkeypatch)
    same_split, same_rows, other = seen(method, 3, VARIED, monkeypatch)
    assert same_split == split
    assert same_rows == rows  # epoch by epoch, though methods draw masks and transformations of their own
    assert rows[0] != rows[1]
    assert [sorted(each) for each in rows] == [sorted(split[0])] * EPOCHS
    shared = [name for name in initial if name in other and other[name].shape == initial[name].shape]
    assert len(shared) >= (1 if method == "smaller_network" else 16)  # its layers are narrower, but for the last bias
    for name in shared:
        np.testing.assert_array_equal(other[name], initial[name])


@pytest.mark.parametrize("vary", [words for count in range(1, 4) for words in itertools.combinations(VARIED, count)])
def test_two_seeds_differ_in_what_is_varied_and_nothing_else(vary, monkeypatch):
    one, other = (seen("none", seed, vary, monkeypatch) for seed in (0, 1))
    assert (one[0][:2] != other[0][:2]) == ("split" in vary)
    assert one[0][2] == other[0][2]  # the test images are always the same
    kernels = [name for name, value in one[2].items() if value.ndim > 1]
    differ = [not np.array_equal(one[2][name], other[2][name]) for name in kernels]
    assert all(differ) if "init" in vary else not any(differ)
    if "split" not in vary:
        assert (one[1] != other[1]) == ("order" in vary)
    else:  # other images, in the same places of the order or not
        places = [[each[0][0].index(row) for row in each[1][0]] for each in (one, other)]
        assert (places[0] != places[1]) == ("order" in vary)
