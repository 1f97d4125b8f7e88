"""The progress of a training: a live bar where there is a terminal, plain lines where there is none."""

import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from overfitlab.results.history import EpochRow
from overfitlab.terminal.watching import duration
from overfitlab.training.metrics import RunningMean
from overfitlab.training.observer import Observer

REFRESH_SECONDS = 0.2
TEXT_WIDTH = 74  # of what stands beside the bar
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


class Lines(Observer):
    """Prints two lines an epoch, as Keras does, as soon as they are known."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def resumed(self, rows: list[EpochRow]) -> None:
        """Say where the run goes on."""
        self._print(f"Resuming after epoch {rows[-1].epoch}, which was saved.")

    def epoch_started(self, epoch: int, epochs: int, steps: int) -> None:
        """Print the epoch's first line."""
        self._print(f"Epoch {epoch}/{epochs}")

    def epoch_done(self, row: EpochRow, steps: int) -> None:
        """Print the epoch's second line."""
        self._print(keras_line(row, steps))

    def close(self) -> None:
        """Take away what does not stay; also after an interruption."""

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class LiveBar(Lines):
    """Shows a bar while an epoch runs, with loss, accuracy and the time left, then the lines that stay."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._console = Console(file=stream, highlight=False)
        self._shown = self._began = 0.0
        self._epoch = self._epochs = self._steps = 0
        self._epoch_seconds: list[float] = []

    def epoch_started(self, epoch: int, epochs: int, steps: int) -> None:
        """Open the bar."""
        super().epoch_started(epoch, epochs, steps)
        self._epoch, self._epochs, self._steps = epoch, epochs, steps
        self._began = self._shown = time.perf_counter()
        self._progress = Progress(
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
            BarColumn(bar_width=max(6, min(28, self._console.width - TEXT_WIDTH))),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            console=self._console,
            transient=True,
            auto_refresh=False,
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=steps)

    def step_done(self, step: int, mean: RunningMean) -> None:
        """Move the bar, a few times a second."""
        now = time.perf_counter()
        if self._progress is None or now - self._shown < REFRESH_SECONDS:
            return
        self._shown = now
        loss, acc = mean.values()
        each = (now - self._began) / step
        left = each * (self._steps - step)
        # the first epoch has no predecessor to learn the time of a validation from
        an_epoch = self._epoch_seconds[-1] if self._epoch_seconds else each * self._steps
        whole = left + an_epoch * (self._epochs - self._epoch)
        self._update(
            step,
            f"{1000 * each:.0f}ms/step - loss: {loss:.4f} - acc: {acc:.4f}"
            f" - ETA: {duration(left)} (run: {duration(whole)})",
        )

    def validation_started(self) -> None:
        """Say that the pause is the validation."""
        self._update(self._steps, "validating")

    def epoch_done(self, row: EpochRow, steps: int) -> None:
        """Replace the bar by the line that stays."""
        self.close()
        self._epoch_seconds.append(row.seconds)
        super().epoch_done(row, steps)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _update(self, step: int, text: str) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=step, description=text)
            self._progress.refresh()
