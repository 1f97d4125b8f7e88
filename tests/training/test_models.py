"""`train` with other networks, and from weights in a file."""

import re
from pathlib import Path

import pytest
import safetensors.numpy

import overfitlab
from overfitlab.errors import UsageError

SETTINGS = {"data": "digits", "epochs": 1, "batch_size": 64, "learning_rate": 1e-3, "precision": "float32"}
QUIET = SETTINGS | {"verbose": False}
OWN = """
import torch

def plain(image_shape, classes):
    height, width, channels = image_shape
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(height * width * channels, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
        torch.nn.Dropout(0.2), torch.nn.Linear(32, classes),
    )

def described(build, classes):
    build.conv(8)
    build.norm_site()
    build.relu()
    build.flatten()
    build.dense(classes)
"""


@pytest.fixture
def own() -> Path:
    Path("net.py").write_text(OWN)
    return Path("net.py")


@pytest.mark.slow
@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("model", ["resnet20", "vgg11", "net.py:plain", "net.py:described", "timm:resnet10t"])
@pytest.mark.parametrize("protocol", ["notebook", "clean"])
def test_other_networks_are_trained_and_recorded(tmp_path, model, protocol):
    run = overfitlab.train("none", model=model, protocol=protocol, out=tmp_path / "run", **QUIET)
    assert run.record.config.model == model
    assert run.record.network.name == model
    weights = safetensors.numpy.load_file(run.folder / "weights.safetensors")
    numbers = sum(array.size for array in weights.values() if array.dtype.kind == "f")
    assert numbers == run.record.network.parameters.total
    assert f'Model: "{model}"' in (run.folder / "model.txt").read_text()


def test_batch_norm_of_a_networks_own_is_reported(tmp_path, own, capsys):
    run = overfitlab.train("none", model=f"{own}:plain", out=tmp_path / "run", **SETTINGS)
    assert run.record.network.own_batch_norms == 1
    assert "net.py:plain has built-in regularization, batch_norm x 1, dropout x 1" in capsys.readouterr().out
    assert [note.code for note in run.record.network.notes] == ["network_brings"]


def test_a_method_without_its_place_is_refused_and_leaves_nothing(tmp_path, own):
    with pytest.raises(UsageError, match=re.escape(f"{own}:plain does not offer")):
        overfitlab.train("spatial_dropout", model=f"{own}:plain", out=tmp_path / "run", **QUIET)
    with pytest.raises(UsageError, match=re.escape(f"{own}:plain already has 2 at norm1")):
        overfitlab.train("batch_norm", model=f"{own}:plain", out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_bare_network_is_another_run_that_resumes_and_predicts(tmp_path, own):
    model, out = f"{own}:plain", tmp_path / "run"
    run = overfitlab.train("batch_norm", model=model, bare=True, out=out, **QUIET)
    assert run.record.config.bare
    assert [note.code for note in run.record.network.notes] == ["network_is_bare"]
    weights = safetensors.numpy.load_file(run.folder / "weights.safetensors")
    assert "1.weight" in weights
    assert not any(name.startswith("2.") for name in weights), "its own normalization was trained"
    inserted = safetensors.numpy.load_file(run.folder / "inserted.safetensors")
    assert any("norm1.batch_norm" in name for name in inserted)
    assert overfitlab.evaluate(run, model=model).log_probabilities.shape[1] == 10
    as_is = overfitlab.train("as_is", model=model, bare=True, out=tmp_path / "as-is", **QUIET)
    plain = overfitlab.train("none", model=model, out=tmp_path / "plain", **QUIET)
    assert as_is.history["val_loss"] == plain.history["val_loss"]
    assert len({each.record.id for each in (run, as_is, plain)}) == 3


@pytest.mark.slow
def test_another_source_is_another_run(tmp_path, own):
    one = overfitlab.train("none", model=f"{own}:described", out=tmp_path / "1", **QUIET)
    own.write_text(own.read_text().replace("build.conv(8)", "build.conv(9)"))
    other = overfitlab.train("none", model=f"{own}:described", out=tmp_path / "2", **QUIET)
    assert one.record.id != other.record.id
    with pytest.raises(UsageError, match="model_source"):
        overfitlab.train("none", model=f"{own}:described", out=tmp_path / "1", **QUIET)


@pytest.mark.slow
def test_training_goes_on_from_the_weights_of_a_run(tmp_path, capsys):
    first = overfitlab.train("none", out=tmp_path / "1", **QUIET)
    capsys.readouterr()
    second = overfitlab.train("none", weights=first.folder, seed=1, out=tmp_path / "2", **SETTINGS)
    assert "Weights: 16 tensors from the file." in capsys.readouterr().out
    assert second.history["loss"][0] < 0.7 * first.history["loss"][0]
    assert second.record.config.weights == first.record.files["weights.safetensors"]


@pytest.mark.slow
def test_weights_of_another_network_are_refused(tmp_path):
    first = overfitlab.train("none", out=tmp_path / "1", **QUIET)
    with pytest.raises(UsageError, match="does not fit resnet20"):
        overfitlab.train("none", model="resnet20", weights=first.folder, out=tmp_path / "2", **QUIET)
    assert not (tmp_path / "2").exists()
