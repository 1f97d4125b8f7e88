"""The example with a folder of photographs runs, from the folder to the explanation."""

import subprocess
import sys
from pathlib import Path

import pytest

import overfitlab

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "photographs.py"

pytestmark = pytest.mark.slow


def test_it_runs_without_cifar10_too():
    command = [sys.executable, SCRIPT, "out", "--epochs", "3", "--figures", "figures"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "tiles of scikit-learn's two sample photographs" in done.stdout
    run = overfitlab.load_run("out/run")
    assert run.record.data.classes == ["flower", "temple"]
    assert {Path(file.name).name for file in run.record.data.skipped} == {
        "half a download.jpg", "empty.png", "notes.txt",
    }  # fmt: skip
    duplicates = run.record.data.near_duplicates
    assert duplicates["validation"].found + duplicates["test"].found > 0
    assert run.measured["end"]["test"]["acc"] > 0.8  # a temple and a flower are not hard to tell apart
    wanted = {"curves", "duplicates", "confusion", "calibration", "mistakes", "explained", "photographs"}
    assert {path.stem for path in Path("figures").iterdir()} == wanted
    assert "flower" in done.stdout.split("$ overfitlab predict")[1]
