"""A study from the form that was stopped in the middle of a run, and resumed, has the bits of an unbroken one."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from overfitlab.records.run_folder import HISTORY, PROBABILITIES
from overfitlab.records.study_folder import StudyFolder

pytestmark = pytest.mark.slow
PATIENCE = 240.0  # seconds: others may have the machine
FORM = {
    "data": "digits", "method": "dropout", "strength-dropout": "", "protocol": "quick", "model": "notebook_cnn",
    "seeds": "1", "epochs": "15", "mode": "fixed", "name": "stopped", "compositions": "",
}  # fmt: skip


def until(holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def status(name: str) -> str:
    return StudyFolder(Path("runs") / name).record().status


def bits(name: str) -> dict[str, dict[str, object]]:
    """Return all that each run of a study learnt, measured and says of its images; times are not among it."""
    return {
        run.path.name: {
            "weights": (run / "weights.safetensors").read_bytes(),
            "predictions": (run / PROBABILITIES).read_bytes(),
            "history": [re.sub(r"^(\w+),[^,]*,", r"\1,", line) for line in (run / HISTORY).read_text().splitlines()],
            "measured": run.record().own().result.measured,
        }
        for run in StudyFolder(Path("runs") / name).runs()
    }  # fmt: skip


def test_stop_and_resume_keep_the_bits(newcomer, tmp_path, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "cache"))
    assert newcomer.post("/new/start", data=FORM).headers["location"] == "/study/stopped"

    def epochs():
        return [live.read_text().count("\n") - 1 for live in Path("runs/stopped/runs").glob("*/epochs.csv")]

    until(lambda: any(2 <= number < 12 for number in epochs()))
    assert newcomer.post("/study/stopped/stop").status_code == 303
    until(lambda: status("stopped") == "interrupted")
    until(lambda: ">Resume<" in newcomer.get("/study/stopped").text)
    assert newcomer.post("/study/stopped/resume").status_code == 303
    until(lambda: status("stopped") == "finished")
    stopped = StudyFolder(Path("runs/stopped"))
    assert len(stopped.record().sessions) == 2
    assert any(run.record().resumed for run in stopped.runs()), "a run went on, rather than being begun again"

    words = [*shlex.split(stopped.record().command)[1:], "--name", "unbroken", "--no-report"]
    words = [word for word in words if word != "stopped"]
    del words[words.index("--name")]
    subprocess.run([sys.executable, "-m", "overfitlab", *words], check=True, capture_output=True)
    assert len(StudyFolder(Path("runs/unbroken")).record().sessions) == 1
    one, other = bits("stopped"), bits("unbroken")
    assert len(one) == 2
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} == set()
