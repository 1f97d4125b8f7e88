"""In which order the disk is asked for things: a file comes to its name only when its content is safe."""

import re

import pytest
from faults import COUNT

from overfitlab.files import TEMPORARY

SHORT = re.compile(rf"(.*/)?\.(?P<name>.+)\.[a-z0-9_]+{re.escape(TEMPORARY)}$")
# of the lock; of those who look on, which nothing is read back from; and a log
OURS_ALONE = (".lock", ".holder", "epochs.csv", "workers.log")


def unsafe(operations):
    """Return what is not written as write -> fsync -> rename -> fsync of the folder, in words."""
    wrong, written, synced, pending = [], set(), set(), {}
    for number, each in enumerate(operations):
        path = each.path
        if any(name in path for name in OURS_ALONE):
            continue
        if each.kind in ("open", "write") and not SHORT.match(path):
            wrong.append(f"{path} is changed in place")
        if each.kind == "write":
            written.add(path)
            synced.discard(path)
        elif each.kind == "fsync":
            synced.add(path)
            pending = {name: folder for name, folder in pending.items() if folder != path}
        elif each.kind == "rename":
            old, new = path.split(" -> ")
            folder = new.rpartition("/")[0] or "."
            if old in written and old not in synced:
                wrong.append(f"{old} comes to its name before it is safe")
            if SHORT.match(old):
                pending[new] = folder
        elif each.kind == "unlink" and pending:
            wrong.append(f"{path} is removed before {', '.join(pending)} is safe")
        if each.kind == "rename" and number + 1 < len(operations):
            following = operations[number + 1]
            if SHORT.match(path.split(" -> ")[0]) and (following.kind, following.path) != ("fsync", folder):
                wrong.append(f"{path} is followed by {following.kind} {following.path}")
    return wrong + [f"{name} was never made safe" for name in pending]


@pytest.mark.slow
def test_a_run_is_written_in_a_safe_order(breakable):
    assert breakable.train("dropout").code == 0
    operations = breakable.faults.operations()
    names = {SHORT.match(each.path).group("name") for each in operations if SHORT.match(each.path)}
    assert names >= {
        "run.json", "checkpoint.safetensors", "history.csv", "weights.safetensors", "probabilities.safetensors",
    }  # fmt: skip
    assert unsafe(operations) == []


@pytest.mark.slow
def test_a_study_and_its_report_are_written_in_a_safe_order(breakable):
    """One worker, so that what two processes do is not mixed."""
    assert breakable.compare("l2").code == 0
    operations = breakable.faults.operations()
    names = {SHORT.match(each.path).group("name") for each in operations if SHORT.match(each.path)}
    assert names >= {"study.json", "verdict.json", "report.html", "runs.csv"}
    by_process = [[each for each in operations if each.process == one] for one in {each.process for each in operations}]
    assert len(by_process) > 1
    assert [wrong for of_one in by_process for wrong in unsafe(of_one)] == []


@pytest.mark.slow
def test_the_recorder_sees_what_is_wrong(breakable):
    """What writes in place, forgets to sync, or syncs too late is found."""
    assert breakable.train("dropout").code == 0
    good = breakable.faults.operations()
    at = next(number for number, each in enumerate(good) if each.kind == "fsync" and SHORT.match(each.path))
    assert unsafe(good[:at] + good[at + 1 :])
    folder = next(number for number, each in enumerate(good) if (each.kind, each.path) == ("fsync", "run"))
    assert unsafe(good[:folder] + good[folder + 1 :])
    rename = next(number for number, each in enumerate(good) if each.kind == "rename")
    assert unsafe([*good[: rename - 1], good[rename], good[rename - 1], *good[rename + 1 :]])
    in_place = next(each for each in good if each.kind == "write")
    assert unsafe([type(in_place)(in_place.process, "write", "run/run.json")])
    breakable.faults.arm(COUNT)
