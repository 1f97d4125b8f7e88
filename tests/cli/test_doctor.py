"""`overfitlab doctor` as a person types it."""

import json
from pathlib import Path

import pytest
from typed import overfitlab


@pytest.mark.slow
def test_a_line_each_and_exit_code_0():
    done = overfitlab("doctor")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("Training works here")
    assert "note     cifar10        not here: overfitlab data fetch cifar10 (170 MB)" in done.stdout
    assert "\x1b" not in done.stdout
    assert not done.stderr
    assert list(Path().iterdir()) == []


@pytest.mark.slow
def test_json_and_exit_code_1_where_training_cannot_work():
    Path("runs").write_bytes(b"")
    done = overfitlab("doctor", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["problems"] == 1
    [problem] = [check for check in document["checks"] if check["level"] == "problem"]
    assert problem["name"] == "runs"
    assert "--out" in problem["advice"]
