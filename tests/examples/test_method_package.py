"""The example package with a method of its own: found through its entry point, trained with, and keeping the contract.

It is put on the path with the metadata that pip would write; `make method-example` installs it with pip itself.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import overfitlab

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "overfitlab-grayscale"


@pytest.fixture
def environment(tmp_path):
    """Environment variables under which the package is installed."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = tmp_path / "site" / "overfitlab_grayscale-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
    lines = [f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
             for group, entries in project["entry-points"].items()]  # fmt: skip
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    source = Path(overfitlab.__file__).resolve().parents[1]
    path = [str(metadata.parent), str(PACKAGE / "src"), str(source)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}


def run(environment, *command):
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(environment):
    said = run(environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PACKAGE))
    assert " passed" in said
    assert "skipped" not in said


def test_it_is_listed_trained_with_and_evaluated(environment):
    assert "grayscale" in run(environment, "-m", "overfitlab", "methods")
    assert "Random grayscale" in run(environment, "-m", "overfitlab", "methods", "grayscale")
    settings = ["--data", "digits", "--epochs", "1", "--threads", "1", "--protocol", "clean", "--out", "run"]
    run(environment, "-m", "overfitlab", "train", "--method", "dropout+grayscale:probability=0.5", *settings)
    assert overfitlab.load_run("run").record.config.method == "dropout:rate=0.2+grayscale:probability=0.5"
    run(environment, "-m", "overfitlab", "evaluate", "run")


def test_without_the_package_its_name_is_unknown():
    done = subprocess.run(
        [sys.executable, "-m", "overfitlab", "train", "--method", "grayscale"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("overfitlab: unknown method 'grayscale'")
    assert len(done.stderr.splitlines()) == 1
