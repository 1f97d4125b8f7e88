"""The protocol `clean`: every number that it reports, computed again in plain NumPy and PyTorch."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.metrics import balanced_accuracy_score
from torch.nn import functional as F

import overfitlab
from overfitlab.config import CLEAN
from overfitlab.data import loading
from overfitlab.data.prepare.batches import BatchSource
from overfitlab.data.prepare.splits import split
from overfitlab.errors import UsageError
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key

SETTINGS = {"data": "digits", "epochs": 3, "learning_rate": 3e-3, "precision": "float32", "verbose": False}
SEED = 4


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "run"
    return overfitlab.train("none", protocol="clean", seed=SEED, out=folder, **SETTINGS)


@pytest.fixture(scope="module")
def parts():
    return split(loading.load("digits"), CLEAN, SEED)


def logits_of(run, rows):
    """What the weights that the run left say of those rows."""
    data = loading.load("digits")
    parts = split(data, CLEAN, SEED)
    training = data.images[parts.training].astype(np.float64)
    x = (data.images[rows] - training.mean((0, 1, 2))) / training.std((0, 1, 2))
    model = notebook_cnn((8, 8, 1), 10, registry.parse("none"), Key(0)).eval()
    model.load_state_dict(safetensors.torch.load_file(run.folder / "weights.safetensors"))
    with torch.inference_mode():
        return model(torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2)), torch.from_numpy(data.labels[rows])


@pytest.mark.slow
@pytest.mark.parametrize("part", ["training", "validation", "test"])
def test_whole_parts_are_measured_at_the_end(run, parts, part):
    logits, labels = logits_of(run, getattr(parts, part))
    found = run.measured["end"][part]
    assert found["images"] == len(labels)
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
    assert found["acc"] == pytest.approx((logits.argmax(1) == labels).double().mean().item())
    assert found["balanced_acc"] == pytest.approx(balanced_accuracy_score(labels, logits.argmax(1)))


def test_the_columns_for_training_images_are_in_evaluation_mode(run):
    """The last row against the final weights: the clean subset is as large as the validation set."""
    last = {name: values[-1] for name, values in run.history.items()}
    assert last["val_loss"] == pytest.approx(run.measured["end"]["validation"]["loss"])
    whole = run.measured["end"]["training"]
    assert last["train_loss"] == pytest.approx(whole["loss"], abs=0.1)  # 432 images stand for 1,006
    assert last["train_acc"] == pytest.approx(whole["acc"], abs=0.05)
    assert set(run.history) == {"seconds", "loss", "acc", "val_loss", "val_acc", "train_loss", "train_acc"}


@pytest.mark.slow
def test_the_onset_has_the_lowest_validation_loss(tmp_path, misleading):
    settings = SETTINGS | {"data": misleading, "epochs": 4, "batch_size": 16}
    run = overfitlab.train("none", protocol="clean", out=tmp_path / "run", **settings)
    assert run.onset == 1
    lowest = min(run.history["val_loss"])
    assert run.measured["onset"]["validation"]["loss"] == pytest.approx(lowest)
    assert run.measured["end"]["validation"]["loss"] == pytest.approx(run.history["val_loss"][-1])


def test_standardization_knows_the_training_images_only(run, parts):
    training = loading.load("digits").images[parts.training]
    assert run.record.data.mean == pytest.approx(training.mean((0, 1, 2)).tolist())


@pytest.mark.slow
def test_the_notebook_never_looks_at_test_images(tmp_path, monkeypatch):
    """With other test images every number stays the same."""
    original = loading.load

    def spoilt(*arguments, **options):
        data = original(*arguments, **options)
        data.images[data.test] = 255
        data.__dict__.pop("content_hash", None)
        return data

    one = overfitlab.train("none", out=tmp_path / "1", **SETTINGS)
    monkeypatch.setattr(loading, "load", spoilt)
    other = overfitlab.train("none", out=tmp_path / "2", **SETTINGS)
    assert one.record.data.sha256 != other.record.data.sha256  # it did spoil them
    assert {k: v for k, v in one.history.items() if k != "seconds"} == {
        k: v for k, v in other.history.items() if k != "seconds"
    }
    assert set(one.measured["end"]) == {"validation"}


@pytest.mark.slow
@pytest.mark.parametrize(("word", "differs"), [("split", "validation"), ("init", "loss"), ("order", "loss")])
def test_vary_says_what_the_seed_decides(tmp_path, word, differs):
    settings = SETTINGS | {"epochs": 1, "protocol": "clean", "training_images": 200}
    one, other = (
        overfitlab.train("none", vary=word, seed=seed, out=tmp_path / f"{seed}", **settings) for seed in (0, 1)
    )
    assert one.history["loss"] != other.history["loss"]
    same_split = one.record.data.mean == other.record.data.mean
    assert same_split == (differs != "validation")
    fixed = [
        overfitlab.train("none", vary="nothing", seed=seed, out=tmp_path / f"f{seed}", **settings) for seed in (0, 1)
    ]
    assert fixed[0].history["loss"] == fixed[1].history["loss"]


def test_vary_that_means_nothing_is_refused(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'split'"):
        overfitlab.train("none", vary="splits", out=tmp_path / "x", **SETTINGS)


def test_a_protocol_survives_its_record(run):
    wanted = replace(CLEAN, epochs=3, learning_rate=3e-3)
    assert run.record.config.protocol == overfitlab.load_run(run.folder).record.config.protocol == wanted


def test_the_table_shows_parts_and_gaps(run):
    table = run.table()
    assert "balanced acc" in table
    gap = run.measured["end"]["training"]["acc"] - run.measured["end"]["validation"]["acc"]
    assert f"{gap:+.4f}" in table


@pytest.mark.slow
def test_balanced_accuracy_and_imbalance_are_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    x[45:, :, 4:] = 255  # easy to tell apart
    np.savez("birds.npz", x=x, y=np.array(["sparrow"] * 45 + ["owl"] * 15))
    settings = SETTINGS | {"data": "birds.npz", "verbose": True}
    run = overfitlab.train("batch_norm", protocol="clean", out=tmp_path / "run", **settings)
    said = capsys.readouterr().out
    assert "from 15 images (owl) to 45 (sparrow)" in said
    assert run.record.data.class_images["test"] == [3, 9]
    assert "balanced acc" in said


@pytest.mark.slow
def test_near_duplicates_are_shown_even_if_a_run_was_interrupted_right_before(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez("twins.npz", x=np.concatenate([x, x]), y=np.concatenate([np.arange(40) % 2] * 2))
    settings = SETTINGS | {"data": "twins.npz", "epochs": 1, "out": tmp_path / "run"}

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("overfitlab.report.data_figures.duplicate_pairs", interrupted)
        with pytest.raises(KeyboardInterrupt):
            overfitlab.train("none", **settings)
    assert not (tmp_path / "run" / "duplicates.png").exists()
    run = overfitlab.train("none", **settings)
    assert run.record.data.near_duplicates["validation"].found > 0
    assert (tmp_path / "run" / "duplicates.png").exists()


@pytest.mark.slow
def test_large_images_are_measured_in_small_batches(tmp_path, monkeypatch):
    sizes = []
    original = BatchSource.gather
    monkeypatch.setattr(BatchSource, "gather", lambda self, rows: sizes.append(len(rows)) or original(self, rows))
    settings = SETTINGS | {"epochs": 1, "image_size": 64, "batch_size": 16, "model": "resnet20", "training_images": 32}
    overfitlab.train("none", out=tmp_path / "run", **settings)
    assert max(sizes) == 200 * 32 * 32 // (64 * 64)
