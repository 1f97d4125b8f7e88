"""`overfitlab compare`, `list` and `show`, as a person types them."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from typed import overfitlab

from overfitlab.api import comparing
from overfitlab.api.studies import Study, load_study
from overfitlab.cli.main import cli
from overfitlab.errors import OverfitlabError
from overfitlab.reasons import reason
from overfitlab.records.study_record import Failure

pytestmark = pytest.mark.slow

QUICK = ["--data", "digits", "--protocol", "quick", "--training-images", "60", "--threads", "1"]
COMPARE = ["compare", "l2", *QUICK, "--no-report"]
SHORT = ["--epochs", "2", "--seeds", "2"]


def begun(*arguments):
    """Start a study whose lines can be read as they come, in a session of its own, as a terminal has one."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "overfitlab", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def read_until(process, pattern):
    for line in process.stdout:
        if re.search(pattern, line):
            return line
    pytest.fail(f"it ended without {pattern}: {process.stderr.read()}")


def test_it_plans_trains_and_answers():
    done = overfitlab(*COMPARE, *SHORT, "--name", "mine", "--contrast", "l2:dropout", check=0)
    assert not done.stderr
    before, after = done.stdout.split("[1/6]")
    for said in (
        "Study: 3 methods at 2 seeds (0 to 1), 6 runs, paired by seed",
        "Contrasts: l2 - none, dropout - none, l2 - dropout",
        "60 training, 432 validation, 359 test images, 2 epochs",
        r"Takes: about 0:\d\d with 2 runs at once, 1 thread each, [\d,]+ MB; a run: none 0:\d\d",
        "Power: none with 2 seeds; a verdict needs 3 at least.",
    ):
        assert re.search(said if "\\d" in said else re.escape(said), before), said
    assert "[6/6]" in after
    assert "Compared with none, at 2 paired seeds, no method was shown to be better or worse." in after
    assert "- Too few seeds: 2, and a verdict needs at least 3." in after
    assert "Recommended" not in after
    assert "2 pairs of runs; a verdict needs 3" in overfitlab("show", "mine", "--full", check=0).stdout
    assert "Wrote runs/mine/verdict.json" in after
    assert "More: overfitlab show runs/mine --full" in after
    assert {path.name for path in Path("runs/mine").iterdir()} == {
        "study.json", "verdict.json", "runs", "workers.log", ".lock",
    }  # fmt: skip
    assert json.loads(Path("runs/mine/study.json").read_text())["command"].startswith("overfitlab compare l2 --data")


def test_json_for_machines():
    done = overfitlab("compare", "l2", *QUICK, *SHORT, "--name", "mine", "--json", check=0)
    document = json.loads(done.stdout)
    assert Path("runs/mine/report/report.html").is_file()
    assert "Report: runs/mine/report/report.html" in done.stderr
    assert document["status"] == "finished"
    assert document["verdict"]["contrasts"][0]["metric"]["n"] == 2
    assert "[4/4]" in done.stderr


def test_ctrl_c_keeps_what_is_there_and_the_same_command_goes_on():
    command = [*COMPARE, "--epochs", "20", "--seeds", "3", "--name", "mine"]
    process = begun(*command)
    try:
        read_until(process, r"^\[2/6\]")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to everybody in the foreground
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (
        errors.strip() == "overfitlab: stopped; what was trained is kept in runs/mine; run the same command to continue"
    )
    assert json.loads(Path("runs/mine/study.json").read_text())["status"] == "interrupted"
    assert "interrupted" in overfitlab("list", check=0).stdout
    shown = overfitlab("show", "mine", check=0).stdout
    assert "interrupted, 2 of 6 runs have ended" in shown or "interrupted, 3 of 6 runs have ended" in shown
    assert "so far" in shown
    assert not re.search("helps|harms|equivalent|undecided", shown)  # no verdict before the end
    finished = {path: path.stat().st_mtime_ns for path in Path("runs/mine/runs").glob("*/weights.safetensors")}
    assert len(finished) >= 2
    resumed = overfitlab(*command, check=0)
    assert re.search(r"[23] runs of 6 have already finished and are not trained again", resumed.stdout)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    again = overfitlab(*command[:-1], "whole", check=0)
    assert verdict(resumed.stdout) == verdict(again.stdout)  # to the last digit, as if it had not been interrupted


def verdict(text):
    """Return the sentences with which a study ends; its tables have times in them."""
    return re.findall(r"^(?:Compared|l2 - none|Leading|Recommended|- ).*\n.*$", text, re.MULTILINE)


def test_a_killed_study_says_so_and_its_workers_end():
    command = [*COMPARE, "--epochs", "20000", "--seeds", "1", "--name", "mine"]  # longer than the commands below take
    process = begun(*command, "--jobs", "2")
    try:
        read_until(process, "Power")
        deadline = time.monotonic() + 60
        while len(list(Path("runs/mine/runs").glob("*/run.json"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        busy = overfitlab(*command)
        assert busy.returncode == 1
        assert busy.stderr == (
            "overfitlab: another process is running the study in runs/mine; "
            "wait for it, or give this one another --name\n"
        )
        assert "running" in overfitlab("list", check=0).stdout
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert "interrupted" in overfitlab("list", check=0).stdout
    folders = sorted(Path("runs/mine/runs").iterdir())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        states = [json.loads((folder / "run.json").read_text())["status"] for folder in folders]
        if states == ["interrupted"] * len(folders):
            break
        time.sleep(0.1)
    assert states == ["interrupted"] * len(folders), "a worker outlived the process that started it"


def test_a_terminal_shows_a_live_table_without_verdict_words():
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "overfitlab", *COMPARE, "--epochs", "12", "--seeds", "2"]
    process = subprocess.Popen(
        command, stdout=child, stderr=child, env=os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    )
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # the other side is gone
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    live = text.partition("Power")[2].partition("Compared with")[0]
    assert re.search(r"\d of 4 runs done, about 0:\d\d left; Ctrl-C keeps results", live)
    assert re.search(r"l2, seed 1 .* epoch \d+/12", live)
    assert "so far, provisional" in live
    assert not re.search("helps|harms|equivalent|undecided", live)


def test_list_and_show(small_study):
    Path("runs").mkdir()
    shutil.copytree(small_study, "runs/small")
    Path("runs/broken").mkdir()
    Path("runs/broken/study.json").write_text("{")
    overfitlab("train", "--data", "digits", "--epochs", "1", "--threads", "1", "--out", "runs/single", check=0)
    listed = overfitlab("list", check=0).stdout
    assert [line.split()[:3] for line in listed.splitlines()[2:]] == [
        ["broken", "study", "damaged"], ["single", "run", "finished"], ["small", "study", "finished"],
    ]  # fmt: skip
    documents = json.loads(overfitlab("list", "--json", check=0).stdout)
    assert [document["status"] for document in documents] == ["damaged", "finished", "finished"]
    study_id = documents[2]["id"]
    assert overfitlab("show", study_id[:8], check=0).stdout == overfitlab("show", "small", check=0).stdout
    run_id = json.loads(overfitlab("show", "small", "--json", check=0).stdout)["verdict"]["study"]
    assert run_id == "small"
    assert "Run runs/single" in overfitlab("show", "single", check=0).stdout
    of_study = next(Path("runs/small/runs").iterdir())
    record = json.loads((of_study / "run.json").read_text())
    assert record["id"] in overfitlab("show", record["id"][:8], check=0).stdout  # a run within a study
    unknown = overfitlab("show", "smal", check=2)
    assert unknown.stderr == "overfitlab: there is no study 'smal'; did you mean small?\n"


def test_an_empty_list():
    assert overfitlab("list", check=0).stdout == (
        "There is nothing in runs yet. overfitlab train and overfitlab compare create runs and studies there.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["l3"], "unknown method 'l3'"),
        (["l2", "--protocol", "notebook"], "--protocol clean"),
        (["l2", "--contrast", "l2"], "is not a pair"),
        (["l2", "--budget", "x"], "a budget is a time like 90s, 10m or 1.5h"),
    ],
)
def test_wrong_usage_is_one_line(arguments, line):
    done = overfitlab("compare", *arguments)
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("runs").exists()


def test_failed_runs_are_an_exit_code(small_study, monkeypatch):
    study = load_study(small_study)
    failure = Failure("dropout:rate=0.2", 0, reason("words_of_others", text="out of memory"), 2, "2026-11-28")
    record = msgspec.structs.replace(study.record, failures={"dropout-seed0-123456": failure})
    ended = Study(study.folder, record, [])
    monkeypatch.setattr(comparing, "compare", lambda *_, **__: ended)
    with pytest.raises(OverfitlabError, match=r"1 of its runs failed .* run the same command to try them again"):
        cli.main(["compare", "l2", "--no-report"], standalone_mode=False)


def test_a_study_from_python_says_what_to_type(small_study):
    """Typed where its folder lies, the command finds the study finished."""
    command = load_study(small_study).record.command
    assert command == (
        "overfitlab compare none dropout early_stopping:patience=1 "
        "--contrast 'dropout : early_stopping:patience=1' --data digits --protocol quick --seeds 4 --epochs 3 "
        "--training-images 60 --precision float32 --threads 1 --jobs 2 --out small"
    )
    shutil.copytree(small_study, "small")
    done = overfitlab(*shlex.split(command)[1:], "--no-report")
    assert done.returncode == 0, done.stderr
    assert "nothing is trained again" in done.stdout
