"""A study in a notebook: a bar for each run that is trained, and the validation loss of all methods as it grows."""

import math
from collections.abc import Sequence

from overfitlab.events import (
    Event,
    Listener,
    RoundRead,
    StudyEnded,
    StudyOpened,
    StudyPlanned,
    StudyStopping,
    Task,
    TaskFinished,
    TasksAdvanced,
)
from overfitlab.notebook.cell import Cell
from overfitlab.notebook.html import bar, card, figures, paragraph
from overfitlab.records.run_folder import StoredRun
from overfitlab.report.layout import with_area
from overfitlab.report.lettering import told_apart
from overfitlab.report.marks import LETTERS, Line, Mark, Panel
from overfitlab.report.method_looks import looks_of
from overfitlab.report.overlay_figure import AREA, LONGEST_NAME, NAME_WIDTH
from overfitlab.report.scales import around, axis
from overfitlab.terminal.task_screen import duration
from overfitlab.words.language import ENGLISH, Language

THIN, FAINT = 0.8, 0.6  # points and opacity of a run that is being trained
Losses = dict[int, float]  # by epoch


class StudyCell(Listener):
    """Shows a study while it trains, below the cell that began it; what it says at its end is text of the screen."""

    def __init__(self, say: Language = ENGLISH, cell: Cell | None = None) -> None:
        self._say, self._cell = say, cell or Cell()
        self._labels: dict[str, str] = {}
        self._epochs = 1
        self._ended: dict[str, list[Losses]] = {}  # by method
        self._growing: dict[str, tuple[str, Losses]] = {}  # by run: its method
        self._total, self._done = 0, 0
        self._tasks: Sequence[Task] = ()
        self._left = math.nan
        self._open = False

    def on(self, event: Event) -> None:
        """Draw what there is to see."""
        match event:
            case StudyPlanned():
                self._labels, self._epochs = event.record.labels, event.record.plan.protocol.epochs
            case StudyOpened():
                self._cell.forget()
                self._open, self._total, self._done = True, event.total, len(event.finished)
                self._ended, self._growing = {}, {}
                for run in event.finished:
                    self._add(run)
                self._draw()
            case TasksAdvanced() if self._open:
                self._advanced(event)
            case TaskFinished():
                self._growing.pop(event.task.name, None)
                self._add(event.run)
                self._done, self._total, self._left = event.done, event.total, event.seconds_left
                self._draw()
            case RoundRead():
                self._cell.show(*self._picture())
            case StudyStopping() | StudyEnded():
                self.close()

    def close(self) -> None:
        """Leave the curves, without bars."""
        if self._open:
            self._open, self._tasks = False, ()
            self._draw()
            self._cell.forget()

    def _advanced(self, event: TasksAdvanced) -> None:
        self._tasks, self._left = list(event.tasks), event.seconds_left
        for task in event.tasks:
            _, losses = self._growing.setdefault(task.name, (task.method, {}))
            if task.measured and task.val_loss is not None:
                losses[task.measured] = task.val_loss
        if self._cell.due():
            self._draw()

    def _add(self, run: StoredRun) -> None:
        losses = {row.epoch: row.val_loss for row in run.rows if math.isfinite(row.val_loss)}
        self._ended.setdefault(run.record.own().config.method, []).append(losses)

    def _draw(self) -> None:
        self._cell.show(*self._picture())

    def _picture(self) -> tuple[str, str]:
        """Return what is to be seen, and the same as text."""
        say, left = self._say, self._left
        head = say("{done} of {total} runs done", done=self._done, total=self._total)
        if self._open and math.isfinite(left) and self._done < self._total:
            head = say("{head}, about {time} left", head=head, time=duration(left))
        bars = [bar(self._done / max(self._total, 1), "", head)] if self._open else [paragraph(head)]
        for task in self._tasks:
            name = say("{method}, seed {seed}", method=say.method(task.label), seed=task.seed)
            seen = "" if task.val_acc is None else f", val_acc {task.val_acc:.3f}"
            epoch = say("epoch {epoch}/{epochs}", epoch=task.epoch, epochs=task.epochs)
            bars.append(bar(task.done, f"{epoch}{seen}", name))
        return card(*bars, figures(self._panels())), head

    def _panels(self) -> list[Panel]:
        """Return the means of the runs that have ended, and thin lines for those that are being trained."""
        if not self._labels:
            return []
        baseline = next(iter(self._labels))
        looks, say = looks_of(list(self._labels), baseline), self._say
        names = told_apart([str(say.method(label)) for label in self._labels.values()], LONGEST_NAME, size=LETTERS,
                           width=NAME_WIDTH)  # fmt: skip
        marks: list[Mark] = []
        for name, losses in self._growing.values():
            if losses and name in looks:
                x, y = zip(*sorted(losses.items()), strict=True)
                marks.append(Line(x=tuple(map(float, x)), y=y, color=looks[name].color, dash=looks[name].dash,
                                  width=THIN, opacity=FAINT, marker=2.5 if len(x) == 1 else 0.0))  # fmt: skip
        for method, name in zip(self._labels, names, strict=True):
            means = _means(self._ended.get(method, []))
            look = looks[method]
            label = f"{name} ({len(self._ended.get(method, []))})"
            marks.append(Line(x=tuple(float(epoch) for epoch in means), y=tuple(means.values()), color=look.color,
                              dash=look.dash, width=look.width, label=label))  # fmt: skip
        shown = [value for mark in marks if isinstance(mark, Line) for value in mark.y if value is not None]
        if not shown:
            return []
        panel = Panel(
            title=say("Validation loss"), marks=tuple(marks), x=axis(0.5, self._epochs + 0.5, say("epoch"), whole=True),
            y=axis(*around(shown)),
            alternative=say("Validation loss so far: a thick line is the mean of the runs of a method that have ended, "
                            "as many as stand behind its name; a thin one is a run that is being trained."),
        )  # fmt: skip
        return [with_area(panel, AREA)]


def _means(runs: Sequence[Losses]) -> Losses:
    """Return the mean over the runs by epoch; the last value of a run that was stopped is carried forward."""
    known = [losses for losses in runs if losses]
    longest = max((max(losses) for losses in known), default=0)
    found = {}
    for epoch in range(1, longest + 1):
        values = [losses[max(at for at in losses if at <= epoch)] for losses in known if min(losses) <= epoch]
        if values:
            found[epoch] = sum(values) / len(values)
    return found
