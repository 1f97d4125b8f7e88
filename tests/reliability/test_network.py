"""Nothing here speaks to a network unless it is told to fetch something; and results do not depend on a clock."""

import os
import subprocess
import sys

from faults import COUNT
from outcomes import of_run, of_study

DAY = 86_400


def calls(breakable):
    return [each for each in breakable.faults.operations() if each.kind == "connect"]


def test_nothing_reaches_out(breakable, monkeypatch):
    """Also where the network is not forbidden: `auto` is the one that may fetch CIFAR-10, and nobody asks for that."""
    monkeypatch.delenv("OVERFITLAB_OFFLINE")
    commands = [
        ["train", "--data", "digits", "--epochs", "1", "--threads", "1", "--out", "runs/one"],
        ["evaluate", "runs/one"],
        ["methods", "dropout", "--figure", "dropout.png"],
        ["list"],
        ["show", "runs/one"],
        ["data", "list"],
        ["doctor"],
    ]
    for command in commands:
        ended = breakable.run(*command, folder=breakable.folder)
        assert ended.code == 0, (command, ended.said)
        assert calls(breakable) == [], command
    assert breakable.compare("l2").code == 0
    assert calls(breakable) == []


def test_the_recorder_sees_who_does(breakable):
    code = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)"
    environment = os.environ | breakable.faults.environment
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert calls(breakable)


def test_a_clock_that_jumps_changes_nothing(breakable):
    """Every other look at it is two days off."""
    whole = breakable.train("dropout", "whole")
    assert whole.code == 0
    breakable.faults.arm(COUNT, clock_jump=DAY)
    jumpy = breakable.train("dropout", "jumpy")
    assert jumpy.code == 0, jumpy.said
    assert of_run(breakable.folder / "jumpy") == of_run(breakable.folder / "whole")
    breakable.faults.arm(COUNT)
    assert breakable.compare("l2", seeds=2).code == 0
    expected = of_study(breakable.folder / "study")
    breakable.fresh()
    breakable.faults.arm(COUNT, clock_jump=DAY)
    ended = breakable.compare("l2", seeds=2)
    assert ended.code == 0, ended.said
    assert of_study(breakable.folder / "study") == expected
