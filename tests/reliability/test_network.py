"""Nothing here speaks to a network unless it is told to fetch something; and results do not depend on a clock."""

import datetime
import os
import subprocess
import sys

import pytest
from commands import TINY
from faults import COUNT
from outcomes import of_run, of_study

import overfitlab

pytestmark = pytest.mark.slow

DAY = 86_400


def calls(breakable):
    return [each for each in breakable.faults.operations() if each.kind in ("resolve", "connect")]


def test_nothing_reaches_out(breakable, tmp_path, digit_files):
    """Also where the network is not forbidden: `auto` is the one that may fetch CIFAR-10, and nobody asks for that."""
    online = {"OVERFITLAB_OFFLINE": "", "HOME": str(tmp_path), "OVERFITLAB_CACHE": str(tmp_path / "cache")}
    commands = [
        ["train", "--data", "digits", "--epochs", "1", "--threads", "1", "--out", "runs/one"],
        ["evaluate", "runs/one"],
        ["predict", "runs/one", str(digit_files[0])],
        ["explain", "runs/one", str(digit_files[0])],
        ["compare", "l2", *TINY, "--epochs", "1", "--seeds", "1", "--jobs", "1", "--name", "study"],
        ["report", "study"],
        ["methods", "dropout", "--figure", "dropout.png"],
        ["list"],
        ["show", "runs/one"],
        ["data", "list"],
        ["doctor"],
    ]
    for command in commands:
        ended = breakable.run(*command, folder=breakable.folder, environment=online)
        assert ended.code == 0, (command, ended.said)
        assert calls(breakable) == [], command


@pytest.mark.parametrize("host", ["127.0.0.1", "telemetry.example"])
def test_the_recorder_sees_who_does(breakable, host):
    code = f"import socket; socket.create_connection(({host!r}, 9), timeout=1)"
    environment = os.environ | breakable.faults.environment
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert calls(breakable)


def test_the_recorder_sees_a_download(breakable, tmp_path):
    """The one command that may: it is what the other test would see."""
    online = {"OVERFITLAB_OFFLINE": "", "OVERFITLAB_CACHE": str(tmp_path), "OVERFITLAB_MIRROR": "http://127.0.0.1:9"}
    assert breakable.run("data", "fetch", "fashion_mnist", folder=breakable.folder, environment=online).code == 1
    assert calls(breakable)


def test_a_clock_that_jumps_changes_nothing(breakable):
    """Every other look at it is two days off."""
    whole = breakable.train("dropout", "whole")
    assert whole.code == 0
    breakable.faults.arm(COUNT, clock_jump=DAY)
    jumpy = breakable.train("dropout", "jumpy")
    assert jumpy.code == 0, jumpy.said
    times = overfitlab.load_run(breakable.folder / "jumpy").record.times
    began, ended = (datetime.datetime.fromisoformat(moment) for moment in (times.started, times.finished))
    assert abs(datetime.datetime.now(datetime.UTC) - began).total_seconds() > DAY / 2, "the clock did not jump"
    assert ended.tzinfo
    assert of_run(breakable.folder / "jumpy") == of_run(breakable.folder / "whole")
    breakable.faults.arm(COUNT)
    assert breakable.compare("l2", seeds=2).code == 0
    expected = of_study(breakable.folder / "study")
    breakable.fresh()
    breakable.faults.arm(COUNT, clock_jump=DAY)
    ended = breakable.compare("l2", seeds=2)
    assert ended.code == 0, ended.said
    assert of_study(breakable.folder / "study") == expected
