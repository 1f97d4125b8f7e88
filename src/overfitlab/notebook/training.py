"""A training in a notebook: a bar, and curves that grow from epoch to epoch."""

import time

from overfitlab.events import (
    EpochBegan,
    EpochEnded,
    Event,
    Listener,
    MeasuringBegan,
    RunBegan,
    RunEnded,
    StepDone,
    ValidationBegan,
)
from overfitlab.notebook.cell import Cell
from overfitlab.notebook.html import bar, card, figures
from overfitlab.report.run_figure import run_panels
from overfitlab.results.history import EpochRow
from overfitlab.terminal.task_screen import duration
from overfitlab.words.language import ENGLISH, Language


class TrainingCell(Listener):
    """Shows one training, below the cell that began it."""

    def __init__(self, say: Language = ENGLISH, cell: Cell | None = None) -> None:
        self._say, self._cell = say, cell or Cell()
        self._rows: list[EpochRow] = []
        self._epoch = EpochBegan(1, 1, 1)
        self._began = 0.0
        self._share, self._doing = 0.0, ""
        self._running = False

    def on(self, event: Event) -> None:
        """Draw what there is to see."""
        match event:
            case RunBegan():
                self._cell.forget()
                self._rows, self._running, self._doing = list(event.rows), True, ""
            case EpochBegan():
                self._epoch, self._began = event, time.monotonic()
                self._step(0, self._say("epoch {epoch}/{epochs}", epoch=event.epoch, epochs=event.epochs))
            case StepDone():
                self._step(event.step, self._running_means(event))
            case ValidationBegan():
                self._doing = self._say("validating")
            case EpochEnded():
                self._rows.append(event.row)
                self._draw()
            case MeasuringBegan():
                self._share, self._doing = 1.0, self._say("measuring")
                self._draw()
            case RunEnded():
                self._rows = list(event.rows)

    def close(self) -> None:
        """Leave the curves, without a bar."""
        if self._running:
            self._running = False
            self._draw()
            self._cell.forget()

    def _step(self, step: int, doing: str) -> None:
        self._share = (self._epoch.epoch - 1 + step / self._epoch.steps) / self._epoch.epochs
        self._doing = doing
        if self._cell.due():
            self._draw()

    def _running_means(self, done: StepDone) -> str:
        epoch = self._epoch
        each = (time.monotonic() - self._began) / done.step
        steps = epoch.steps - done.step + epoch.steps * (epoch.epochs - epoch.epoch)
        return self._say(
            "epoch {epoch}/{epochs}, step {step}/{steps}: loss {loss:.4f}, acc {acc:.4f}; about {time} left",
            epoch=epoch.epoch, epochs=epoch.epochs, step=done.step, steps=epoch.steps, loss=done.loss, acc=done.acc,
            time=duration(each * steps),
        )  # fmt: skip

    def _draw(self) -> None:
        head = bar(self._share, self._doing) if self._running else ""
        panels = run_panels(self._rows, self._say) if self._rows else []
        if head or panels:
            said = self._doing if self._running else " ".join(panel.alternative for panel in panels)
            self._cell.show(card(head, figures(panels)), said)
