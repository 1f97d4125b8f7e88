"""The progress of a training: a live bar where there is a terminal, plain lines where there is none."""

import time
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from overfitlab.events import EpochBegan, EpochEnded, Event, Listener, RunBegan, StepDone, ValidationBegan
from overfitlab.results.history import EpochRow
from overfitlab.terminal.task_screen import duration
from overfitlab.words.columns import cut, screen_width, wrapped
from overfitlab.words.language import ENGLISH, Language

WIDEST_BAR, NARROWEST_BAR = 28, 6
BAR = "[==============================]"


def keras_line(row: EpochRow, steps: int) -> str:
    """Return the line that Keras prints after an epoch."""
    line = (
        f"{steps}/{steps} {BAR} - {row.seconds:.0f}s {1000 * row.seconds / steps:.0f}ms/step"
        f" - loss: {row.loss:.4f} - acc: {row.acc:.4f} - val_loss: {row.val_loss:.4f} - val_acc: {row.val_acc:.4f}"
    )
    if row.train_loss is not None:
        line += f" - train_loss: {row.train_loss:.4f} - train_acc: {row.train_acc:.4f}"
    return line


class Lines(Listener):
    """Prints two lines an epoch, as Keras does, as soon as they are known."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        self._stream, self._say = stream, say

    def on(self, event: Event) -> None:
        """Print what there is to say."""
        match event:
            case RunBegan(rows=[*_, last]):
                self._print(self._say("Resuming after epoch {epoch}.", epoch=last.epoch))
            case EpochBegan():
                self._print(f"Epoch {event.epoch}/{event.epochs}")
            case EpochEnded():
                self._print(keras_line(event.row, event.steps))

    def _print(self, line: str) -> None:
        width = screen_width(self._stream)
        lines = [line] if width is None else wrapped(line, width)
        print("\n".join(lines), file=self._stream, flush=True)


class LiveBar(Lines):
    """Shows a bar while an epoch runs, with loss, accuracy and the time left, then the lines that stay."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        super().__init__(stream, say)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._bar = BarColumn(bar_width=WIDEST_BAR)
        self._console = Console(file=stream, highlight=False)
        self._began = 0.0
        self._epoch = EpochBegan(1, 1, 1)
        self._epoch_seconds: list[float] = []

    def on(self, event: Event) -> None:
        """Move the bar, and print the lines that stay."""
        if isinstance(event, EpochEnded):
            self.close()
            self._epoch_seconds.append(event.row.seconds)
        super().on(event)
        match event:
            case EpochBegan():
                self._open(event)
            case StepDone():
                self._move(event)
            case ValidationBegan():
                self._update(self._epoch.steps, self._say("validating"))

    def _open(self, epoch: EpochBegan) -> None:
        self._epoch = epoch
        self._began = time.perf_counter()
        self._progress = Progress(
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}", table_column=Column(no_wrap=True)),
            self._bar,
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            console=self._console,
            transient=True,
            auto_refresh=False,
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=epoch.steps)

    def _move(self, done: StepDone) -> None:
        each = (time.perf_counter() - self._began) / done.step
        left = each * (self._epoch.steps - done.step)
        # the first epoch has no predecessor to learn the time of a validation from
        an_epoch = self._epoch_seconds[-1] if self._epoch_seconds else each * self._epoch.steps
        whole = left + an_epoch * (self._epoch.epochs - self._epoch.epoch)
        parts = (
            f"{1000 * each:.0f}ms/step", f"loss: {done.loss:.4f}", f"acc: {done.acc:.4f}",
            self._say("ETA: {epoch} (run: {run})", epoch=duration(left), run=duration(whole)),
        )  # fmt: skip
        self._update(done.step, *parts)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _update(self, step: int, *parts: str) -> None:
        """Show parts of text, as far as they fit, beside a bar in what room there is."""
        if self._progress is not None:
            counted = max(len("12345"), len(str(step))) + len(f"/{self._epoch.steps}")
            room = self._console.width - counted - len("  ") - NARROWEST_BAR
            while len(parts) > 1 and cell_len(" - ".join(parts)) > room:
                parts = parts[1:]  # the time that is left comes last, and stays
            text = cut(" - ".join(parts), room)
            self._bar.bar_width = max(NARROWEST_BAR, min(WIDEST_BAR, NARROWEST_BAR + room - cell_len(text)))
            self._progress.update(self._task, completed=step, description=text)
            self._progress.refresh()
