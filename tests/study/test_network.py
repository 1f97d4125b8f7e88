"""The network of a study is looked at before anything is measured."""

from pathlib import Path

import pytest
from refusals import refused

import overfitlab
from overfitlab.config import CLEAN, StudyConfig
from overfitlab.errors import UsageError
from overfitlab.models import registry
from overfitlab.models.handed import taken
from overfitlab.study.network import check_methods, look_at
from overfitlab.study.question import question

FEW = {
    "data": "digits", "protocol": "quick", "epochs": 1, "training_images": 60, "seeds": 1, "precision": "float32",
    "threads": 1, "verbose": False,
}  # fmt: skip
NETS = """
from torch import nn

def flat(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))

def described(build, classes):
    build.flatten()
    build.classifier_site()
    build.dense(classes)

def brings(image_shape, classes):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(72, classes),
    )
"""


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NETS)


def config(model, methods=(), bare=False):
    asked = question(methods, None, [], bare=bare)
    return StudyConfig(
        CLEAN, tuple(asked.methods), tuple(asked.contrasts), "digits", model=model, bare=bare,
        model_source=registry.source_hash(model),
    )  # fmt: skip


def look(model, methods=(), bare=False):
    asked = config(model, methods, bare)
    found = look_at(asked, (8, 8, 1), 10, taken(model))
    check_methods(found, asked)
    return found


def test_one_of_ours_is_not_built_for_it(monkeypatch):
    monkeypatch.setattr(registry, "build", None)
    assert look("notebook_cnn").sites is None
    with pytest.raises(TypeError):
        look("net.py:flat", ["none"])


@pytest.mark.parametrize("model", ["net.py:flat", "net.py:described"])
def test_a_method_without_its_place_is_refused_with_those_that_fit(model):
    with refused(UsageError, "network_without_the_site", method="batch_norm", match="dropout, early_stopping"):
        look(model)
    look(model, ["dropout", "l2"])


def test_what_changes_a_network_is_refused_where_it_is_fixed():
    with refused(UsageError, "network_cannot_be_changed", method="smaller_network"):
        look("net.py:flat", ["smaller_network"])
    look("net.py:described", ["smaller_network"])


def test_a_composition_is_looked_at_part_by_part():
    with refused(UsageError, "second_normalization", method="layer_norm"):
        look("net.py:brings", ["dropout+layer_norm"])
    look("net.py:brings", ["dropout+layer_norm", "as_is+dropout"], bare=True)
    with refused(UsageError, "second_normalization", method="layer_norm"):
        look("net.py:brings", ["as_is+layer_norm"], bare=True)


def test_bare_is_refused_where_there_is_nothing_to_take_out():
    for model in ("notebook_cnn", "net.py:flat", "net.py:described"):
        with refused(UsageError, "nothing_to_take_out", model=model):
            look(model, ["none"], bare=True)


def test_as_is_is_refused_without_bare():
    with refused(UsageError, "as_is_without_bare"):
        look("net.py:brings", ["as_is"])
    with refused(UsageError, "as_is_without_bare"):
        overfitlab.compare(["as_is"], **FEW)


def test_what_cannot_work_leaves_nothing_and_starts_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr("overfitlab.study.session.LocalProcesses", None)
    for methods, model in (
        ([], "net.py:flat"),
        (["batch_norm"], "net.py:brings"),
        (["smaller_network"], "net.py:flat"),
    ):
        with pytest.raises(UsageError):
            overfitlab.compare(methods, model=model, out=tmp_path / "study", **FEW)
        assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_a_network_that_brings_regularization_is_asked_what_that_does(tmp_path, capsys):
    study = overfitlab.compare(model="net.py:brings", out=tmp_path / "study", **FEW | {"verbose": True})
    assert study.config.bare
    assert list(study.labels.values()) == ["none", "as_is", "dropout", "batch_norm"]
    assert [note.code for note in study.record.notes] == ["network_is_bare"]
    said = capsys.readouterr().out
    assert "net.py:brings is bare: its built-in regularization, batch_norm x 1, dropout x 1, is removed" in said
    assert "as_is - none, dropout - none, batch_norm - none" in said
    assert "--bare" in study.record.command
    again = overfitlab.compare(
        ["as_is", "dropout", "batch_norm"], model="net.py:brings", bare=True, out=tmp_path / "study", **FEW
    )
    assert again.record.id == study.record.id
    page = study.report(tmp_path / "report").read_text()
    assert "batch_norm x 1, dropout x 1" in page
    run = overfitlab.train(
        "as_is", model="net.py:brings", like=tmp_path / "study", out=tmp_path / "run", epochs=1, verbose=False
    )
    assert run.record.config.bare
