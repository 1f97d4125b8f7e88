"""Disks that fill up, fail and come back: one line, nothing lost, and the same command continues."""

import errno
import os
import re
import subprocess

import pytest
from faults import COUNT, FAIL_FROM, FAIL_ONE
from outcomes import error_line, leftovers, of_run, of_study

import overfitlab

pytestmark = pytest.mark.slow

FULL = r"is full; free some space there|No space left on device"
SAID = {errno.ENOSPC: FULL, errno.EIO: "Input/output error", errno.EROFS: "Read-only file system"}
ENOUGH = 200  # operations of a small run


@pytest.mark.parametrize(("mode", "error"), [(FAIL_ONE, errno.EIO), (FAIL_FROM, errno.ENOSPC)], ids=["once", "always"])
def test_the_nth_operation_fails_with_n_rising_until_the_run_ends(breakable, whole, mode, error):
    """Each life of the run begins where the one before it failed."""
    run, failures, epochs = breakable.folder / "run", 0, 0
    for nth in range(7, ENOUGH):  # the first six make the folder, its lock, and who holds it, which may fail in silence
        breakable.faults.arm(mode, nth, error=error)
        ended = breakable.train("dropout")
        if breakable.faults.fired == 0:
            break
        failures += 1
        if ended.code != 0:  # what only tidies up may fail in silence
            assert ended.code == 1
            assert re.search(SAID[error], error_line(ended.said))
        if (run / "history.csv").exists():  # what was there stays
            there = len(overfitlab.load_run(run).rows)
            assert there >= epochs
            epochs = there
    assert failures > 20
    assert ended.code == 0, ended.said
    assert of_run(run) == whole("dropout")
    assert leftovers(run) == []


WRITES = {  # of a fresh run, and the how manieth of its name
    "open run/.run.json": 1,
    "write run/.checkpoint": 1,
    "fsync run/.checkpoint": 1,
    "rename run/.checkpoint": 2,
    "rename run/checkpoint": 1,
    "write run/.history": 2,
    "fsync run/.weights": 1,
    "rename run/.probabilities": 1,
    "rename run/.run.json": 3,
}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("place", WRITES)
def test_a_write_that_fails_in_a_fresh_run_is_made_good(breakable, whole, place, error):
    breakable.faults.arm(FAIL_ONE, WRITES[place], error=error, match=place)
    ended = breakable.train("dropout")
    assert breakable.faults.fired == 1
    assert ended.code == 1
    assert re.search(SAID[error], error_line(ended.said))
    breakable.faults.arm(COUNT)
    assert breakable.train("dropout").code == 0
    assert of_run(breakable.folder / "run") == whole("dropout")


PLACES = ["write study/.study.json", "write study/runs/l2", "study/.verdict.json", "study/report/figures/"]


def test_a_study_whose_disk_fills_up_goes_on(breakable):
    """In its plan, in a worker, in the verdict and in the report; one folder, which goes through it all."""
    ended = breakable.compare("l2")
    assert ended.code == 0, ended.said
    expected = of_study(breakable.folder / "study")
    breakable.fresh()
    for place in PLACES:
        breakable.faults.arm(FAIL_FROM, 1, match=place)
        ended = breakable.compare("l2")
        assert breakable.faults.fired, place
        assert ended.code == 1
        assert re.search(FULL, error_line(ended.said)), ended.said
    breakable.faults.arm(COUNT)
    ended = breakable.compare("l2")
    assert ended.code == 0, ended.said
    assert of_study(breakable.folder / "study") == expected
    assert (breakable.folder / "study" / "report" / "figures" / "paired_differences.png").exists()
    assert leftovers(breakable.folder / "study") == []


@pytest.fixture
def small_disk(tmp_path):
    """A really small disk, and a function that makes it another one: `remount("size=50m")`."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "overfitlab", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")

    def remount(options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    yield folder, remount
    subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk(breakable, whole, small_disk):
    """It holds less than a checkpoint; then more, and the run goes on; then it may only be read."""
    folder, remount = small_disk
    ended = breakable.train("dropout", folder / "run")
    assert ended.code == 1
    line = error_line(ended.said)
    assert f"the disk of {folder / 'run'} is full; free some space there, then run the same command to continue" in line
    assert leftovers(folder) == []  # what could not be written whole takes no space
    remount("size=50m")
    assert breakable.train("dropout", folder / "run").code == 0
    assert of_run(folder / "run") == whole("dropout")
    remount("ro")
    ended = breakable.train("dropout", folder / "other")
    assert ended.code == 1
    assert f"cannot write to {folder / 'other'} (Read-only file system)" in error_line(ended.said)
    assert breakable.run("evaluate", folder / "run", "--out", breakable.folder / "evaluation").code == 0
    remount("rw")
