"""What appears on screen while a study runs."""

import io
import re

import pytest
from rich.cells import cell_len

from overfitlab.events import (
    CostsBegan,
    MemoryIsLittle,
    StudyEnded,
    StudyOpened,
    StudyPlanned,
    StudyStopping,
    Task,
    TaskFailed,
    TaskFinished,
    TasksAdvanced,
    TaskStarted,
)
from overfitlab.reasons import reason
from overfitlab.study.study import load_study
from overfitlab.terminal.study_screen import LiveStudy, StudyLines
from overfitlab.words.languages import CODES, language_named


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(scope="module")
def study(small_study):
    return load_study(small_study)


def lines(*events, say=None):
    stream = io.StringIO()
    screen = StudyLines(stream) if say is None else StudyLines(stream, say)
    for event in events:
        screen.on(event)
    return stream.getvalue().splitlines()


def task(**changes):
    return Task(**{"name": "none-seed0-abc", "method": "none", "label": "none", "seed": 0, "epochs": 3} | changes)


def test_the_plan_is_said_before_it_is_carried_out(study):
    assert lines(CostsBegan(1), CostsBegan(3)) == [
        "Measuring a few steps of 1 method, to plan the study ...",
        "Measuring a few steps of 3 methods, to plan the study ...",
    ]
    said = lines(StudyPlanned(study.record, 2))
    assert "Study: 3 methods at 4 seeds (0 to 3), 12 runs, paired by seed" in said
    assert any(re.match(r"Takes: about 0:\d\d with 2 runs at once, 1 thread each", line) for line in said)
    assert lines(MemoryIsLittle(900, 1000, 1)) == [
        "Note: a run takes 900 MB and 1,000 MB are free, so 1 run at once."
    ]  # fmt: skip


def test_runs_of_before_are_counted(study):
    assert lines(StudyOpened([], 12)) == []
    assert lines(StudyOpened(study.stored[:1], 12)) == ["1 run of 12 have already finished and are not trained again."]


def test_a_line_where_something_happens_to_a_run(study):
    assert lines(TaskStarted(task(), [])) == []
    assert lines(TaskStarted(task(epoch=2), [reason("no_checkpoint")])) == [
        "none, seed 0: there is no checkpoint, so the run starts over",
        "none, seed 0: resumes after epoch 2",
    ]
    why = reason("words_of_others", text="no room")
    assert lines(TaskFailed(task(), why, True), TaskFailed(task(attempt=2), why, False)) == [
        "none, seed 0: no room; it is tried again",
        "none, seed 0: no room; it counts as failed",
    ]
    run = study.stored[0]
    end = run.record.measured.end
    points = 100 * (end.training.acc - end.validation.acc)
    first, last = lines(TaskFinished(task(), run, 1, 2, 65.0), TaskFinished(task(), run, 2, 2, 0.0))
    begins = rf"\[1/2\] none, seed 0: test accuracy {end.test.acc:.4f}, gap {points:.1f} points, 0:\d\d"
    assert re.fullmatch(rf"{begins}; about 1:05 left", first)
    assert not last.endswith("left")
    assert lines(TasksAdvanced([task()], 3.0)) == []
    said = "Stopping after the current step of each run; press Ctrl-C again to stop at once."
    assert lines(StudyStopping()) == [said]


def test_the_end_has_the_answer_and_what_to_do_next(study):
    said = "\n".join(lines(StudyEnded(str(study.folder), study.record, study.judged(), before=True)))
    assert said.startswith("This study has already finished, so nothing is trained again.")
    assert "Compared with none, at 4 paired seeds" in said
    assert said.index("What weakens this answer:") < said.index("Next: ") < said.index("More: overfitlab show ")
    assert "train acc" not in said  # that table is behind --full
    assert f"See {study.folder / 'verdict.json'} (and study.json, runs/)" in said
    first = "\n".join(lines(StudyEnded(str(study.folder), study.record, study.judged(), before=False)))
    assert "Wrote" in first
    assert "before" not in first.splitlines()[0]


def test_reasons_are_in_the_language_of_the_reader():
    korean = language_named("ko")
    [said] = lines(TaskFailed(task(), reason("no_checkpoint"), True), say=korean)
    assert korean.reason(reason("no_checkpoint")) in said


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("code", CODES)
def test_a_live_table_fits(study, columns, code, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    screen = LiveStudy(stream, language_named(code))
    screen.on(StudyPlanned(study.record, 2))
    said = len(stream.getvalue())
    screen.on(StudyOpened([], 12))
    begun = task(label="batch_norm+dropout:rate=0.2", done=0.5, epoch=12, val_acc=0.25)
    screen.on(TasksAdvanced([begun, task(done=0.1)], 36_000.0))
    screen.close()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()[said:])
    lines = re.split(r"[\r\n]", text)
    assert max(map(cell_len, lines)) <= columns
    assert any("val_acc 0.250" in line and "12/3" in line for line in lines), text


def test_a_live_table_of_what_there_is_so_far_which_goes_away(study, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    screen = LiveStudy(stream)
    screen.on(StudyPlanned(study.record, 2))
    screen.on(StudyOpened(study.stored[:1], 12))
    begun = task(label="dropout:rate=0.2", done=0.5, epoch=2, val_acc=0.25)
    screen.on(TaskFinished(begun, study.stored[1], 2, 12, 70.0))
    screen.on(TasksAdvanced([begun], 65.0))
    screen.close()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert "2 of 12 runs done, about 1:05 left; Ctrl-C keeps results" in text
    assert re.search(r"dropout:rate=0.2, seed 0 .* epoch 2/3 +val_acc 0.250", text)
    assert "so far, provisional" in text
    assert not re.search("helps|harms|equivalent|undecided", text)
    screen.close()  # once more does no harm
    screen.on(TasksAdvanced([begun], 65.0))
