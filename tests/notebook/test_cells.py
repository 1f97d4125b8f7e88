"""What notebooks are shown, from events that are made here."""

import io
import sys
from types import SimpleNamespace

import pytest

import overfitlab
from overfitlab.events import (
    EpochBegan,
    EpochEnded,
    StepDone,
    StudyEnded,
    StudyOpened,
    StudyPlanned,
    Task,
    TaskFinished,
    TasksAdvanced,
)
from overfitlab.notebook.cell import Cell, in_notebook
from overfitlab.notebook.html import table
from overfitlab.notebook.screen import screen_for
from overfitlab.notebook.study import StudyCell
from overfitlab.notebook.training import TrainingCell
from overfitlab.report.study_tables import Table
from overfitlab.words.languages import language_named


class Pictures(Cell):
    """Keeps what was shown."""

    def __init__(self):
        super().__init__()
        self.html, self.texts, self.outputs = [], [], 1

    def due(self):
        return True

    def show(self, html, text):
        self.html.append(html)
        self.texts.append(text)

    def forget(self):
        self.outputs += bool(self.html)


@pytest.fixture
def study(small_study):
    return overfitlab.load_study(small_study)


@pytest.mark.slow
def test_a_training_grows_and_ends_without_a_bar(study):
    rows, cell = study.runs[0].rows, Pictures()
    listener = TrainingCell(language_named("ko"), cell)
    listener._running = True
    for row in rows[:2]:
        listener.on(EpochBegan(row.epoch, 4, 10))
        listener.on(StepDone(5, 0.5, 0.75))
        listener.on(EpochEnded(row, 10))
    assert "에포크 1/4" in cell.html[0]
    assert "step" not in cell.html[1]
    assert 'value="0.125"' in cell.html[1]  # half of the first of four epochs
    assert "<svg" not in cell.html[1]
    assert "<svg" in cell.html[2]
    listener.close()
    assert "<progress" not in cell.html[-1]
    shown = len(cell.html)
    listener.close()
    assert len(cell.html) == shown


def test_a_study_shows_runs_that_are_trained_and_means_of_those_that_ended(study):
    cell = Pictures()
    listener = StudyCell(cell=cell)
    first, second, *_ = study.stored
    method = second.record.own().config.method
    listener.on(StudyPlanned(study.record, 1))
    listener.on(StudyOpened([first], len(study.stored)))
    task = Task(second.name, method, study.labels[method], 7, epoch=2, epochs=9, done=0.25, val_acc=0.5, measured=1,
                val_loss=2.5)  # fmt: skip
    listener.on(TasksAdvanced([task], 60.0))
    assert "epoch 2/9, val_acc 0.500" in cell.html[-1]
    assert "seed 7" in cell.html[-1]
    assert "about 1:00 left" in cell.texts[-1]
    circles = cell.html[-1].count("<circle")
    assert circles == 1  # one epoch of one run is a dot
    task.measured, task.val_loss = 2, 2.25
    listener.on(TasksAdvanced([task], 30.0))
    assert cell.html[-1].count("<circle") == 0  # two of them are a line
    listener.on(TaskFinished(task, second, 2, len(study.stored), 10.0))
    listener.on(TasksAdvanced([], 10.0))
    assert "seed 7" not in cell.html[-1]
    listener.on(StudyEnded("folder", study.record, study.judged(), False))
    assert "<progress" not in cell.html[-1]
    assert cell.texts[-1] == f"2 of {len(study.stored)} runs done"


def test_a_notebook_is_told_from_a_terminal(monkeypatch):
    shown = []

    class Handle:
        def update(self, bundle, *, raw):
            assert raw
            shown.append(("update", bundle["text/plain"]))

    def display(bundle, *, raw, display_id):
        assert raw
        assert display_id
        shown.append(("display", bundle["text/plain"]))
        return Handle()

    ipython = SimpleNamespace(get_ipython=lambda: None, display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not in_notebook()
    ipython.get_ipython = SimpleNamespace  # IPython in a terminal
    assert not in_notebook()
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    assert in_notebook()
    cell = Cell()
    assert cell.due()
    cell.show("<p>", "one")
    assert not cell.due()
    cell.show("<p>", "two")
    cell.forget()
    cell.show("<p>", "three")
    assert shown == [("display", "one"), ("update", "two"), ("display", "three")]
    kinds = {type(each).__name__ for each in screen_for(None)._listeners}
    assert {"StudyCell", "FewLines", "TrainingScreen"} <= kinds
    elsewhere = {type(each).__name__ for each in screen_for(io.StringIO())._listeners}
    assert "StudyCell" not in elsewhere


def test_names_of_strangers_stay_text():
    html = table(Table(("<b>", "x"), (("<script>", "helps"),), tones={(0, 1): "helps"}))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "font-weight:600" in html
