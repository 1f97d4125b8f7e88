"""Several processes at one place: one works, the others wait, read, or are told so; none sees half of anything."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from commands import PATIENCE, TINY, begun, wait_for
from outcomes import error_line, leftovers, of_run, of_study

import overfitlab
from overfitlab.records.study_folder import StudyFolder

pytestmark = pytest.mark.slow


def test_two_at_one_run_and_the_place_of_a_dead_one_is_taken_over(breakable, tmp_path):
    """While a run is held the same command is refused; once its process is dead, however it died, it goes on."""
    run = breakable.folder / "run"
    first = begun("train", "--method", "dropout", "--epochs", "400", *TINY, "--out", run)
    wait_for((run / "history.csv").exists, first)
    first.send_signal(signal.SIGSTOP)  # as a laptop that sleeps: it holds the folder all the same
    ended = breakable.train("dropout", epochs=400)
    assert ended.code == 1
    assert "another process is training in" in error_line(ended.said)
    rows = len(overfitlab.load_run(run).rows)  # reading needs no lock
    assert rows >= 1
    first.kill()
    first.wait()
    first.stdout.close()
    breakable.fresh()
    assert breakable.train("dropout", "whole").code == 0
    second = begun("train", "--method", "dropout", "--epochs", "3", *TINY, "--out", run)
    wait_for((run / "run.json").exists, second)
    second.kill()
    second.communicate()
    assert (run / ".lock").exists()
    assert breakable.train("dropout").code == 0
    assert of_run(run) == of_run(breakable.folder / "whole")


LANGUAGES = re.compile(rb'<p class="languages">.*?</p>')  # links to the same page in others
STATES = 50  # that a reader is to see
WRITER = """
import sys
from pathlib import Path
from msgspec.structs import replace
from overfitlab.results.history import EpochRow
from overfitlab.records.history import to_csv
from overfitlab.records.study_folder import StudyFolder
study = StudyFolder(Path(sys.argv[1]))
folder = study.run("a")
record = folder.record()
folder.write_record(replace(record, status="running", files={}))
print("ready", flush=True)
for turn in range(1, 100_000):
    # all numbers of a state are the same, and there are as many rows: half a state would be seen
    count = turn % 7 + 1
    rows = [EpochRow(epoch, turn, turn, 0.5, turn, 0.5, turn, 0.5) for epoch in range(1, count + 1)]
    folder.write("history.csv", to_csv(rows).encode())
    folder.write_record(replace(record, method=str(turn), status="running", files={}))
"""


def test_a_reader_never_sees_half_a_row_and_is_never_held_up(tmp_path, digits_run):
    study = StudyFolder(tmp_path / "study")
    shutil.copytree(digits_run, study / "runs" / "a")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, study.path], stdout=subprocess.PIPE, text=True)
    seen, longest = set(), 0.0
    try:
        assert writer.stdout.readline() == "ready\n"
        until = time.monotonic() + PATIENCE
        while len(seen) < STATES:
            assert time.monotonic() < until
            began = time.monotonic()
            [entry] = study.stored()
            longest = max(longest, time.monotonic() - began)
            if entry.record.method.isdigit():
                turns = {row.loss for row in entry.rows} | {row.train_loss for row in entry.rows}
                assert len(turns) == 1
                [turn] = turns
                assert len(entry.rows) == turn % 7 + 1
                assert int(entry.record.method) <= turn  # it is read first and written last, so it is never the newer
                seen.add(turn)
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
    assert longest < 20  # not a speed: a reader that waits for a lock waits for ever here


def test_two_reports_at_one_place(breakable, small_study):
    """The second waits for the first: what lies there in the end is one whole report in each language."""
    shutil.copytree(small_study, breakable.folder / "runs" / "study")
    processes = [
        begun("report", "study", "--lang", language, "--out", "report", folder=breakable.folder)
        for language in ("en", "ko", "en")
    ] + [begun("report", "study", "--out", "again", folder=breakable.folder)]
    for process in processes:
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    report = breakable.folder / "report"
    for path in (breakable.folder / "again").rglob("[!.]*.*"):
        name = path.relative_to(breakable.folder / "again")
        # a page that was written before the other one was there does not link to it
        found, wanted = (LANGUAGES.sub(b"", each.read_bytes()) for each in (report / name, path))
        assert found == wanted, name
    assert leftovers(report) == []


@pytest.fixture(scope="module")
def quiet_study(tmp_path_factory):
    """What comes out of a study at which nobody looks while it trains."""
    folder = tmp_path_factory.mktemp("quiet") / "study"
    overfitlab.compare(
        ["l2"], "digits", protocol="quick", epochs=2, seeds=2, training_images=60, precision="float32", threads=1,
        out=folder, verbose=False,
    )  # fmt: skip
    return of_study(folder)


def test_two_at_one_study_while_others_read_it(breakable, quiet_study):
    """A second command is refused; list, show and report never are, and change nothing."""
    arguments = ("compare", "l2", *TINY, "--epochs", "2", "--seeds", "2", "--jobs", "1", "--out", "runs/study")
    first = begun(*arguments, folder=breakable.folder)
    folder = breakable.folder / "runs" / "study"
    wait_for(lambda: list(folder.glob("runs/*/run.json")), first)
    first.send_signal(signal.SIGSTOP)
    refused = breakable.run(*arguments, folder=breakable.folder)
    first.send_signal(signal.SIGCONT)
    assert refused.code == 1
    assert "another process is running the study" in error_line(refused.said)
    read = 0
    while first.poll() is None:
        for command in (["list", "--json"], ["show", "study"], ["report", "study", "--out", "report"]):
            ended = breakable.run(*command, folder=breakable.folder)
            if ended.code:  # before anything has ended there is nothing to report
                assert "nothing" in error_line(ended.said) or "no run" in error_line(ended.said), ended.said
            else:
                read += 1
                assert command[0] != "list" or json.loads(ended.said)
    assert first.communicate()[0]
    assert first.returncode == 0
    assert read > 1
    assert of_study(folder) == quiet_study
