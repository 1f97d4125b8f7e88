"""How long work on data goes on, on a terminal; nothing elsewhere."""

from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from overfitlab.data.watching import Watcher


class Bar(Watcher):
    """A bar that is gone when the work is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def began(self, task: str, total: int | None, unit: str, done: int = 0) -> None:
        """Open the bar."""
        if not self._stream.isatty():
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeRemainingColumn(),
            console=Console(file=self._stream, highlight=False),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(task, total=total, completed=done)

    def advanced(self, done: int) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done)

    def ended(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def said(self, text: str) -> None:
        """Print the line."""
        print(text, file=self._stream, flush=True)
