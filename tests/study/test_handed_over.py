"""Networks that were handed over in Python, in trainings and in the processes of a study."""

import io
from pathlib import Path

import pytest
import safetensors.torch
import torch
from refusals import refused
from torch import nn

import overfitlab
from overfitlab.errors import CancelledError, UsageError

SETTINGS = {
    "data": "digits", "protocol": "quick", "epochs": 1, "training_images": 60, "threads": 1, "precision": "float32",
    "verbose": False,
}  # fmt: skip
STILL = {"learning_rate": 1e-12}  # the weights of the end are those of the start


class Net(nn.Module):
    """No other process finds its module by the name that it has in the tests."""

    def __init__(self, num_classes, dropped=0.1):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Dropout(dropped), nn.Linear(64, 6), nn.ReLU())
        self.head = nn.Linear(6, num_classes)

    def forward(self, x):
        return {"logits": self.head(self.body(x))}


def weights_of(run):
    return safetensors.torch.load_file(run.folder / "weights.safetensors")


def same(one, other, tolerance=0.0):
    return all(torch.allclose(value, other[name], rtol=0, atol=tolerance) for name, value in one.items())


def made(classes):
    return Net(classes)


@pytest.mark.slow
@pytest.mark.parametrize("network", [Net, made, Net(10)], ids=["class", "function", "object"])
def test_an_interrupted_run_goes_on_to_the_same_bits(network):
    whole = overfitlab.train("dropout", model=network, out="whole", **(SETTINGS | {"epochs": 3}))
    listener = overfitlab.Listener()

    def stop(event):
        if type(event).__name__ == "EpochEnded" and event.row.epoch == 1:
            listener.cancel()

    listener.on = stop
    with pytest.raises(CancelledError):
        overfitlab.train("dropout", model=network, out="run", listener=listener, **(SETTINGS | {"epochs": 3}))
    resumed = overfitlab.train("dropout", model=network, out="run", **(SETTINGS | {"epochs": 3}))
    assert len(resumed.record.resumed) == 1
    assert same(weights_of(resumed), weights_of(whole))


@pytest.mark.slow
def test_a_study_of_a_class(capsys):
    study = overfitlab.compare(["none", "dropout"], model=Net, seeds=2, jobs=2, name="mine", **SETTINGS, **STILL)
    capsys.readouterr()
    starts = {(run.own.config.method, run.own.config.seed): weights_of(run) for run in study.runs}
    assert len(starts) == 4
    assert same(starts["none", 0], starts["dropout:rate=0.2", 0], 1e-6), "a seed gives all methods one start"
    assert not same(starts["none", 0], starts["none", 1], 1e-3)
    assert study.config.model == "python:Net"
    assert study.config.model_start is None
    assert study.runs[0].record.network.made_by == "Net(10)"
    assert study.runs[0].model()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    files = [path for path in study.folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not any(path.read_bytes().startswith(b"\x80") for path in files), "a pickle"
    stream = io.StringIO()
    again = overfitlab.compare(
        ["none", "dropout"], model=Net, seeds=2, jobs=2, name="mine", **(SETTINGS | STILL | {"verbose": True}),
        stream=stream,
    )  # fmt: skip
    assert "This study has already finished" in stream.getvalue()
    assert again.record.id == study.record.id
    with refused(UsageError, "model_was_handed_over_in_python", name="Net"):
        overfitlab.train("none", like="runs/mine", verbose=False)
    run = overfitlab.train("none", like="runs/mine", model=Net, out="one", threads=1, verbose=False)
    assert run.own.config.model_source == study.config.model_source


@pytest.mark.slow
def test_a_study_of_an_object_says_that_its_start_does_not_vary():
    network = Net(10)
    stream = io.StringIO()
    study = overfitlab.compare(
        ["none", "dropout"], model=network, seeds=2, jobs=1, name="mine", stream=stream,
        **(SETTINGS | STILL | {"verbose": True}),
    )  # fmt: skip
    for run in study.runs:
        assert same(weights_of(run), network.state_dict(), 1e-6)
    said = "python:Net was passed with its weights, so training starts from them at every seed"
    assert said in stream.getvalue()
    study.report()
    report = (study.folder / "report" / "report.md").read_text()
    assert "those that the network was passed with, at every seed" in report
    assert "split and order of the batches" in report
    assert study.config.model_start[:12] in report


def test_a_training_of_an_object_says_that_its_start_does_not_vary(capsys):
    network = Net(10)
    run = overfitlab.train("none", model=network, out="run", **(SETTINGS | {"verbose": True}), **STILL)
    assert "the initialization does not vary" in capsys.readouterr().out
    assert same(weights_of(run), network.state_dict(), 1e-6)
    overfitlab.train("none", model=Net, out="other", **(SETTINGS | {"verbose": True}), **STILL)
    out = capsys.readouterr().out
    assert "does not vary" not in out
    assert "Network: python:Net was called as Net(10)." in out


def test_where_only_the_start_would_vary_a_study_is_refused():
    with refused(UsageError, "only_the_start_would_vary", model="python:Net"):
        overfitlab.compare(["none"], model=Net(10), vary="init", seeds=2, **SETTINGS)
    assert not Path("runs").exists() or not list(Path("runs").iterdir())


@pytest.mark.slow
def test_what_nobody_can_recognise_is_said_and_cannot_be_resumed(capsys):
    held = (number for number in range(3))

    def network(classes):
        assert held is not None
        return Net(classes)

    runs = [overfitlab.train("none", model=network, **(SETTINGS | {"verbose": True})) for _ in range(2)]
    assert runs[0].record.id != runs[1].record.id
    assert "this cannot be resumed" in capsys.readouterr().out
    with refused(UsageError, "network_has_no_pickle", model="network"):
        overfitlab.compare(["none", "dropout"], model=network, seeds=2, name="no", **SETTINGS)


@pytest.mark.slow
def test_a_study_with_a_program_is_not_taken_up_without_it():
    """Whoever sends the folder of a study may send a program beside it."""
    program = (
        "from torch import nn\ndef net(classes):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))\n"
    )
    Path("net.py").write_text(program)
    overfitlab.compare(["none", "dropout"], model="net.py", seeds=1, jobs=1, name="theirs", **SETTINGS)
    Path("net.py").write_text(f"open('canary', 'w').close()\n{program}")
    with refused(UsageError, "study_with_a_program", study="runs/theirs", model="net.py:net"):
        overfitlab.train("none", like="runs/theirs", verbose=False)
    assert not Path("canary").exists()
    overfitlab.train("none", like="runs/theirs", model="net.py:net", out="run", threads=1, verbose=False)
    assert Path("canary").exists()  # the test can fail
