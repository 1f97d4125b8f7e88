"""Workers that hang, or run out of memory: recorded with the reason, tried again a bounded number of times."""

import os
import re
import signal
from pathlib import Path

import pytest

import overfitlab
from overfitlab.study import runner
from overfitlab.study.execute import local as processes
from overfitlab.study.execute.local import LocalProcesses
from overfitlab.study.execute.messages import Probe, Setup, Train

FEW = {
    "data": "digits", "protocol": "quick", "epochs": 1, "training_images": 60, "seeds": 1, "precision": "float32",
    "threads": 1,
}  # fmt: skip

# a network that runs out of memory in training, as often as there are files whose names begin with "full"
HUNGRY = """
from pathlib import Path
import torch
from torch import nn

class Hungry(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.dense = nn.Linear(64, classes)

    def forward(self, x):
        left = sorted(Path({folder!r}).glob("full*"))
        if self.training and left:
            left[0].unlink()
            raise {error}
        return self.dense(x.flatten(1))

def net(image_shape, classes):
    return Hungry(classes)
"""
ERRORS = [
    ("MemoryError()", "MemoryError"),
    (
        "RuntimeError('DefaultCPUAllocator: can\\'t allocate memory: 1 byte')",
        "DefaultCPUAllocator",
    ),
]


@pytest.fixture
def hungry(tmp_path, monkeypatch):
    """Write that network; what is returned makes the next runs fail, once their cost was measured."""
    send, armed = LocalProcesses._send, [0]

    def after_measuring(worker, message):
        if isinstance(message, Train):
            for number in range(armed[0]):
                (tmp_path / f"full{number}").touch()
            armed[0] = 0
        send(worker, message)

    monkeypatch.setattr(LocalProcesses, "_send", staticmethod(after_measuring))

    def write(error, times):
        armed[0] = times
        Path("net.py").write_text(HUNGRY.format(folder=str(tmp_path), error=error))

    return write


@pytest.mark.slow
@pytest.mark.parametrize(("error", "said"), ERRORS)
def test_a_run_that_finds_no_memory_is_tried_again_as_it_was(tmp_path, hungry, capsys, error, said):
    hungry(error, times=1)
    study = overfitlab.compare(["none", "l2"], model="net.py:net", jobs=1, out=tmp_path / "study", **FEW)
    shown = capsys.readouterr().out
    assert re.search(rf"none, seed 0: not enough memory \({said}.*\): try fewer --jobs.*; it is tried again", shown), (
        shown
    )
    assert study.record.failures == {}
    assert {run.record.config.protocol.batch_size for run in study.runs} == {32}
    assert {run.record.status for run in study.runs} == {"finished"}


@pytest.mark.slow
@pytest.mark.parametrize(("error", "said"), ERRORS)
def test_a_run_that_finds_no_memory_twice_has_failed_and_its_siblings_go_on(tmp_path, hungry, error, said):
    hungry(error, times=2)
    study = overfitlab.compare(["none", "l2"], model="net.py:net", jobs=1, out=tmp_path / "study", **FEW, verbose=False)
    [(name, failure)] = study.record.failures.items()
    assert name.startswith("none-seed0")
    assert failure.attempts == 2
    assert said in failure.reason.message
    assert {run.record.method: run.record.status for run in study.runs}["l2"] == "finished"
    [contrast] = study.judged().contrasts
    assert contrast.missing == 1


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_and_its_run_tried_again(tmp_path, monkeypatch, capsys):
    """It is stopped as soon as it has its run, as a driver or a deadlock would stop it."""
    monkeypatch.setattr(runner, "SILENCE", 6.0)
    send, hung = LocalProcesses._send, []

    def stopping(worker, message):
        send(worker, message)
        if isinstance(message, Train) and not hung:
            hung.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGSTOP)

    monkeypatch.setattr(LocalProcesses, "_send", staticmethod(stopping))
    study = overfitlab.compare(["none", "l2"], jobs=1, out=tmp_path / "study", **FEW)
    said = capsys.readouterr().out
    assert re.search(r"its process did nothing for \d minutes, and was ended; it is tried again", said)
    assert hung
    assert study.record.failures == {}
    assert {run.record.status for run in study.runs} == {"finished"}


@pytest.mark.slow
@pytest.mark.parametrize("moment", [Setup, Probe])
def test_a_worker_that_hangs_before_its_first_run_is_ended(tmp_path, monkeypatch, moment):
    """While it reads the images, or measures: there is no study yet, and one line says why."""
    # it never goes on, so that no patience is too short
    monkeypatch.setattr(*{Setup: (processes, "BEGINNING"), Probe: (runner, "MEASURING")}[moment], 2.0)
    send = LocalProcesses._send

    def stopping(worker, message):
        if isinstance(message, moment):
            os.kill(worker.process.pid, signal.SIGSTOP)
        send(worker, message)

    monkeypatch.setattr(LocalProcesses, "_send", staticmethod(stopping))
    with pytest.raises(overfitlab.OverfitlabError, match="training could not begin: its process did nothing for"):
        overfitlab.compare(["l2"], jobs=1, out=tmp_path / "study", **FEW)
    assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_a_machine_that_slept_is_no_worker_that_hangs(tmp_path, monkeypatch, capsys):
    """Time that passed for us in one piece passed for the workers too."""
    monkeypatch.setattr(runner, "SILENCE", 0.0)
    monkeypatch.setattr(runner, "SLOWNESS", 0.0)
    monkeypatch.setattr(processes, "BEGINNING", 0.0)
    monkeypatch.setattr(processes, "SLEPT", -1.0)
    assert overfitlab.compare(["l2"], jobs=1, out=tmp_path / "study", **FEW).record.failures == {}
    assert "was ended" not in capsys.readouterr().out
