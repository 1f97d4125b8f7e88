"""Ctrl-C, once and twice, and SIGTERM: at random moments; the same command; the bits of what nobody interrupted."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from commands import PATIENCE, TINY, begun, wait_for
from outcomes import leftovers, of_run, of_study

pytestmark = pytest.mark.slow

SIGNALS = {"SIGINT": [signal.SIGINT], "SIGINT twice": [signal.SIGINT] * 2, "SIGTERM": [signal.SIGTERM]}
CODES = {"SIGINT": {130}, "SIGINT twice": {130}, "SIGTERM": {143}}
EPOCHS = 40


def rows(folder):
    """How many rows the histories below a folder have. Folders come and go under our eyes, which Path.rglob minds."""
    histories = (Path(place) / "history.csv" for place, _, names in os.walk(folder) if "history.csv" in names)
    return sum(path.read_bytes().count(b"\n") for path in histories)


def interrupted(arguments, folder, signals, moment):
    """Run a command, send it the signals after that many rows of a history, and return its exit code."""
    process = begun(*arguments)
    wait_for(lambda: rows(folder) >= moment, process)
    for sent in signals:
        process.send_signal(sent)
        time.sleep(0.02)
    said, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in said, said
    return process.returncode


@pytest.mark.parametrize("kind", SIGNALS)
def test_a_run_that_is_interrupted_ends_with_the_same_bits(breakable, whole_run, kind):
    command = ["train", "--method", "dropout", "--epochs", EPOCHS, *TINY, "--out", breakable.folder / "run"]
    moment = random.Random(kind).randint(2, EPOCHS // 2)
    assert interrupted(command, breakable.folder / "run", SIGNALS[kind], moment) in CODES[kind]
    ended = breakable.train("dropout", epochs=EPOCHS)
    assert ended.code == 0, ended.said
    assert "esum" in ended.said
    assert of_run(breakable.folder / "run") == whole_run
    assert leftovers(breakable.folder) == []


@pytest.mark.parametrize("kind", ["SIGINT twice", "SIGTERM"])  # tests/cli/test_compare.py sends one SIGINT
def test_a_study_that_is_interrupted_ends_with_the_same_bits(breakable, whole_study, kind):
    study = breakable.folder / "study"
    command = [
        "compare",
        "dropout",
        *TINY,
        "--epochs",
        EPOCHS,
        "--seeds",
        1,
        "--jobs",
        2,
        "--no-report",
        "--out",
        study,
    ]
    code = interrupted(command, study, SIGNALS[kind], random.Random(kind).randint(2, EPOCHS))
    assert code in CODES[kind]
    ended = breakable.compare("dropout", "--no-report", jobs=2, epochs=EPOCHS)
    assert ended.code == 0, ended.said
    assert of_study(study) == whole_study
    assert leftovers(study) == []


@pytest.fixture(scope="module")
def whole_run(_breakable):
    """What comes out of the run when nobody interrupts it."""
    _breakable.fresh()
    ended = _breakable.train("dropout", epochs=EPOCHS)
    assert ended.code == 0, ended.said
    found = of_run(_breakable.folder / "run")
    _breakable.fresh()
    return found


@pytest.fixture(scope="module")
def whole_study(_breakable):
    """What comes out of the study when nobody interrupts it."""
    _breakable.fresh()
    ended = _breakable.compare("dropout", "--no-report", jobs=2, epochs=EPOCHS)
    assert ended.code == 0, ended.said
    found = of_study(_breakable.folder / "study")
    _breakable.fresh()
    return found
