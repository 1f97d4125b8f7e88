"""Studies are started, stopped and taken up again by the command line, and nothing else ever runs."""

import re
import shutil
import sys
from typing import ClassVar

import msgspec
import pytest

from overfitlab.errors import UsageError
from overfitlab.records import claim
from overfitlab.records.study_folder import StudyFolder
from overfitlab.ui import processes
from overfitlab.ui.processes import Processes, resuming


class Popen:
    """Stands for a process that goes on for ever."""

    started: ClassVar[list] = []

    def __init__(self, command, **options):
        Popen.started.append((command, options))
        self.code = None

    def poll(self):
        return self.code


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(processes.subprocess, "Popen", Popen)
    Popen.started.clear()


def with_command(record, command):
    return msgspec.structs.replace(record, command=command)


FORM = {
    "data": "digits", "method": ["dropout", "l2"], "strength-dropout": "rate=0.4", "strength-l2": "",
    "protocol": "quick",
    "model": "notebook_cnn", "seeds": "4", "mode": "fixed", "name": "mine", "compositions": "batch_norm+dropout",
}  # fmt: skip


def test_the_form_starts_the_command_line(reader):
    answer = reader.post("/new/start", data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/study/mine")
    [(command, options)] = Popen.started
    assert command == [
        sys.executable, "-m", "overfitlab", "compare", "none", "dropout:rate=0.4", "l2", "batch_norm+dropout",
        "--data", "digits", "--protocol", "quick", "--seeds", "4", "--name", "mine",
    ]  # fmt: skip
    assert options["start_new_session"], "or Ctrl-C at the server would stop the study"
    assert not options.get("shell")
    text = reader.get("/study/mine").text
    assert "timing a few steps of each method" in text
    assert "planning" in reader.get("/").text


@pytest.mark.slow
def test_what_cannot_be_is_said_beside_the_form(reader):
    for change, said in (
        ({"strength-dropout": "rate=7"}, "rate"),
        ({"compositions": "nothing_like_it"}, "unknown method"),
        ({"compositions": "--model=evil.py"}, "unknown method"),
        ({"data": "/etc"}, "not among the images"),
        ({"data": "../x"}, "not among the images"),
        ({"model": "evil.py:Net"}, "notebook_cnn"),
        ({"protocol": "notebook"}, "quick"),
        ({"seeds": "many"}, "--seeds takes a number"),
        ({"epochs": "-1"}, "epochs must be a whole number"),
        ({"budget": "1 parsec"}, "a budget is a time"),
        ({"name": "../up"}, "not a valid name for a study"),
        ({"name": "small"}, "already"),
        ({"mode": "until", "maximum": "1000"}, "number of seeds"),
    ):
        answer = reader.post("/new/start", data=FORM | change)
        assert answer.status_code == 400, change
        assert said in answer.text, change
        assert 'role="alert"' in answer.text
    assert Popen.started == []


def words(answer):
    """What a page says, without its marks."""
    return re.sub(r"<[^>]+>", "", answer.text)


@pytest.mark.slow
def test_cost_and_power_stand_beside_the_button(reader):
    text = words(reader.post("/new/outlook", data=FORM))
    assert "About " in text
    assert "16 runs" in text
    assert "Power with at most 4 seeds and 3 contrasts" in text
    assert "--protocol quick --seeds 4" in text
    rounds = words(reader.post("/new/outlook", data=FORM | {"mode": "until", "maximum": "20"}))
    assert "Continues until everything is decided" in rounds
    assert "--until-decided 20" in rounds
    assert "is too short" in reader.post("/new/outlook", data=FORM | {"budget": "1s"}).text


def test_the_form_shows_images_and_cards(reader):
    text = reader.get("/new").text
    assert "Dropout after every pooling" in text
    assert "worth trying" in text
    assert reader.get("/new/images/0.png").headers["content-type"] == "image/png"
    assert reader.get("/new/images/99.png").status_code == 404


def test_a_form_that_is_too_large_is_refused(reader):
    assert reader.post("/new/outlook", data={"compositions": "x" * 100_000}).status_code == 413


def test_resuming_runs_the_command_that_began_it(reader, runs):
    study = StudyFolder(runs / "half")
    study.write_record(
        with_command(study.record(), "overfitlab compare none 'dropout' --name=other --out /tmp/x --seeds 4")
    )
    assert reader.post("/study/half/resume").status_code == 303
    [(command, _)] = Popen.started
    assert command[3:] == ["compare", "none", "dropout", "--seeds", "4", "--out", str(runs / "half")]
    assert "Resuming ..." in reader.get("/study/half").text


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /", "overfitlab train", "", "overfitlab compare 'unclosed", "/bin/overfitlab compare none",
        "overfitlab compare none --model evil.py", "overfitlab compare none --model=evil.py:Net",
        "overfitlab compare none --model notebook_cnn --model evil.py",
    ],
)  # fmt: skip
def test_a_command_of_a_stranger_is_not_run(reader, runs, command):
    study = StudyFolder(runs / "half")
    study.write_record(with_command(study.record(), command))
    answer = reader.post("/study/half/resume")
    assert answer.status_code == 400
    assert "in a terminal" in answer.text
    assert Popen.started == []


def test_a_study_with_a_program_is_not_taken_up(small_study):
    from dataclasses import replace

    record = StudyFolder(small_study).record()
    for change in ({"model": "net.py"}, {"model_source": "a" * 64}, {"model_start": "a" * 64}):
        changed = msgspec.structs.replace(
            record, command=f"overfitlab compare --model {change.get('model', 'notebook_cnn')}",
            config=replace(record.config, **change),
        )  # fmt: skip
        with pytest.raises(UsageError, match="custom code"):
            resuming(changed)


def test_a_study_that_runs_is_not_taken_up_twice(runs, desk):
    folder = StudyFolder(runs / "half")
    record = folder.record()
    with folder.claimed(record.id), pytest.raises(UsageError, match="works on this study already"):
        desk.processes.resume(runs / "half", record, "en")


def test_stop_sends_ctrl_c_to_who_holds_the_folder(runs, desk, monkeypatch):
    sent = []
    monkeypatch.setattr(processes.os, "kill", lambda pid, number: sent.append((pid, number)))
    folder = StudyFolder(runs / "half")
    assert not desk.processes.stop(runs / "half")
    with folder.claimed(folder.record().id):
        assert desk.processes.stop(runs / "half")
    assert sent == [(processes.os.getpid(), processes.signal.SIGINT)]
    assert claim.holder(runs / "half") is None


def test_stop_of_what_there_is_not(reader):
    assert reader.post("/study/nothing/stop").status_code == 404
    assert reader.post("/study/nothing/resume").status_code == 404
    assert reader.post("/study/small/stop").status_code == 303


def test_a_start_that_fails_says_why(reader, runs, desk):
    reader.post("/new/start", data=FORM)
    started = desk.processes.started["mine"]
    started.log.write_text("Data: digits\noverfitlab: the disk is full\n")
    started.process.code = 1
    text = reader.get("/study/mine").text
    assert "The study did not start." in text
    assert "the disk is full" in text
    assert "the disk is full" in reader.get("/").text
    shutil.copytree(runs / "small", runs / "mine")
    assert "The answer" in reader.get("/study/mine").text


def test_elsewhere_than_runs_the_folder_is_named(tmp_path):
    started = Processes(tmp_path / "elsewhere").start("mine", ["none"], "ko")
    [(command, options)] = Popen.started
    assert command[-2:] == ["--out", str(tmp_path / "elsewhere" / "mine")]
    assert options["env"]["OVERFITLAB_LANG"] == "ko"
    assert started.words() == []
