"""Trainings side by side share the cores."""

import io
import subprocess
import sys

import pytest
from made_records import record, values

import overfitlab
from overfitlab import machine
from overfitlab.events import RunBegan
from overfitlab.terminal.training_screen import TrainingScreen

HOLD = """
import sys
from overfitlab import machine
with machine.claimed(int(sys.argv[1])) as claim:
    print(claim.cores, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def four_cores(monkeypatch, tmp_path):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path))
    monkeypatch.setattr(machine, "_usable", lambda: [0, 1, 2, 5])


@pytest.mark.parametrize(
    ("runs", "available", "expected"),
    [
        (1, 1, (1, 1)), (1, 4, (1, 4)), (2, 2, (2, 1)), (2, 4, (2, 2)), (3, 4, (3, 1)), (8, 2, (2, 1)), (5, 4, (3, 1)),
        (100, 4, (4, 1)),
    ],
)  # fmt: skip
def test_a_plan_never_has_more_threads_than_cores(runs, available, expected):
    plan = machine.plan(runs, available)
    assert (plan.jobs, plan.threads) == expected
    assert plan.jobs * plan.threads <= available


def test_a_plan_for_nothing_is_refused():
    with pytest.raises(ValueError, match="not 0 and 2"):
        machine.plan(0, 2)


def test_a_second_training_takes_the_cores_that_are_left():
    with machine.claimed(3) as first, machine.claimed() as second, machine.claimed() as third:
        assert (first.cores, second.cores, third.cores) == (3, 1, 0)
        assert (first.threads, second.threads, third.threads) == (3, 1, 1)
    with machine.claimed() as later:
        assert later.cores == 4


def test_a_claim_ends_with_its_process():
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "1\n"
        with machine.claimed() as claim:
            assert claim.cores == 3
        other.kill()
        other.wait()
    with machine.claimed() as claim:
        assert claim.cores == 4


def test_where_nothing_can_be_written_nobody_is_known(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "file"))
    with machine.claimed() as first, machine.claimed() as second:
        assert (first.cores, second.cores) == (4, 4)


@pytest.mark.parametrize(
    ("claim", "threads", "said"),
    [
        (machine.Claim(4, 4), 4, ""),
        (machine.Claim(4, 4), 9, ""),
        (machine.Claim(1, 4), 1, ""),  # as it was asked for
        (machine.Claim(1, 4, taken=3), 1, "Cores: 1 of 4"),
        (machine.Claim(0, 4, taken=4), 1, "other trainings of yours already use all 4 cores"),
        (machine.Claim(1, 4, taken=3), 4, "other trainings of yours already use 3 of 4 cores"),
    ],
)
def test_what_is_said(claim, threads, said):
    stream = io.StringIO()
    begun = record(resolved=values()["resolved"] | {"threads": threads})
    TrainingScreen(stream).on(RunBegan(begun, [], [], [], claim.cores, claim.usable, claim.taken))
    about_cores = [line for line in stream.getvalue().splitlines() if "cores" in line.lower()]
    assert len(about_cores) == bool(said)
    assert said in "".join(about_cores)


def test_a_training_beside_another_one(tmp_path, capsys):
    with machine.claimed(3):
        run = overfitlab.train("none", data="digits", protocol="quick", epochs=1, out=tmp_path / "run")
    assert run.record.resolved.threads == 1
    assert "Cores: 1 of 4" in capsys.readouterr().out


def group(folder, limit, used, files, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names[:2], (limit, used), strict=True):
        (folder / f"memory.{name}").write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {files}\n")


@pytest.mark.parametrize("kind", machine.LIMITS)
def test_memory_is_what_the_container_leaves(tmp_path, monkeypatch, kind):
    """A study in a container must not plan with what the machine has: the tightest of its groups counts."""
    names = machine.LIMITS[kind]
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   8000000 kB\n")
    (tmp_path / "own").write_text(f"3:cpu:/x\n0:{kind}:/pods/mine\n")
    for name, path in (("MEMORY", "meminfo"), ("OWN_GROUPS", "own"), ("GROUPS", "groups")):
        monkeypatch.setattr(machine, name, tmp_path / path)
    assert machine.available_memory() == 8_192_000_000
    group(tmp_path / "groups" / kind / "pods" / "mine", 3 * 10**9, 10**9, 5 * 10**8, names)  # read files are given back
    assert machine.available_memory() == 2_500_000_000
    assert machine.available_memory_mb() == 2500
    group(tmp_path / "groups" / kind / "pods", 2 * 10**9, 10**9, 0, names)
    assert machine.available_memory() == 10**9
    group(tmp_path / "groups" / kind / "pods", "max", 10**9, 0, names)
    assert machine.available_memory() == 2_500_000_000


def test_memory_of_this_machine():
    available = machine.available_memory()
    assert available is None or 10**6 < available < 10**14
