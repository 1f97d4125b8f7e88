"""How long work on data goes on: a live bar where there is a terminal, plain lines where there is none."""

import time
from collections import deque
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from overfitlab.events import Event, Listener, TaskAdvanced, TaskBegan, TaskEnded, TaskNoted
from overfitlab.words.columns import cut, flowing, screen_width
from overfitlab.words.language import ENGLISH, Language

REFRESH_SECONDS = 0.2
LINE_SECONDS = 10.0  # between two plain lines, unless so much is done:
LINE_FRACTION, LINE_PAUSE = 0.1, 1.0  # of the whole, and then at least so many seconds
RATE_SECONDS = 10.0  # the rate is that of the last so many seconds
WIDEST_BAR, NARROWEST_BAR = 28, 6
BYTES, UNITS = "bytes", ("images",)  # what tasks count


class PlainLines(Listener):
    """Prints a line where a task begins, one now and then, and one where it ends."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        self._stream, self._say = stream, say
        self._total: int | None = None
        self._unit = BYTES
        self._first = self._done = 0
        self._began = 0.0
        self._line_at, self._line_done = 0.0, 0
        self._samples: deque[tuple[float, int]] = deque()

    def on(self, event: Event) -> None:
        """Say what there is to say."""
        match event:
            case TaskBegan():
                self._total, self._unit, self._first, self._done = event.total, event.unit, event.done, event.done
                self._began = self._line_at = time.monotonic()
                self._line_done = event.done
                self._samples = deque([(self._began, event.done)])
                self._open(self._say.reason(event.task))
            case TaskAdvanced():
                self._advanced(event.done)
            case TaskEnded():
                self._ended()
            case TaskNoted():
                self.said(self._say.reason(event.reason))

    def _advanced(self, done: int) -> None:
        """Take note, and say so where it is time for it."""
        self._done = done
        now = time.monotonic()
        if now - self._samples[-1][0] >= REFRESH_SECONDS:
            self._samples.append((now, done))
            while now - self._samples[1][0] > RATE_SECONDS:
                self._samples.popleft()
            self._show(now)

    def _ended(self) -> None:
        """Say how it ended."""
        seconds = time.monotonic() - self._began
        self._close()
        if self._total is not None and self._done < self._total:
            self.said(self._say("  stopped at {amount}", amount=self._amount()))
            return
        gained = self._done - self._first
        if seconds < 1 or not gained:
            self.said(self._say("  done"))
        else:
            said = self._say("  done: {amount} in {time}, {rate}", amount=self._counted(gained),
                             time=duration(seconds), rate=self._rate(gained / seconds))  # fmt: skip
            self.said(said)

    def said(self, text: str) -> None:
        """Print the line."""
        print(text, file=self._stream, flush=True)

    def _open(self, task: str) -> None:
        resumed = self._say(", {amount} are there already", amount=self._counted(self._done)) if self._done else ""
        whole = f" ({self._counted(self._total)}{resumed})" if self._total is not None else ""
        self.said(f"{task}{whole}")

    def _show(self, now: float) -> None:
        waited = now - self._line_at
        stride = LINE_FRACTION * self._total if self._total else float("inf")
        if waited >= LINE_SECONDS or (waited >= LINE_PAUSE and self._done - self._line_done >= stride):
            self._line_at, self._line_done = now, self._done
            self.said(f"  {self._amount()}{self._speed()}")

    def _close(self) -> None:
        """Take away what does not stay."""

    def _amount(self) -> str:
        if self._total is None:
            return self._counted(self._done)
        share = self._say(" ({percent:.0f} %)", percent=100 * self._done / self._total) if self._total else ""
        done, total = _number(self._done, self._unit), self._counted(self._total)
        return self._say("{done} of {total}", done=done, total=total) + share

    def _speed(self) -> str:
        (then, before), (now, done) = self._samples[0], self._samples[-1]
        if now <= then or done <= before:
            return self._say(", nothing received") if now - then >= RATE_SECONDS / 2 else ""
        rate = (done - before) / (now - then)
        speed = f", {self._rate(rate)}"
        if self._total is None:
            return speed
        return speed + self._say(", {time} left", time=duration((self._total - done) / rate))

    def _rate(self, of_a_second: float) -> str:
        return self._say("{amount}/s", amount=self._counted(of_a_second))

    def _counted(self, value: float) -> str:
        """Return an amount with its unit."""
        if self._unit == BYTES:
            return f"{value / 1e3:,.0f} kB" if 0 < value < 1e6 else f"{value / 1e6:,.1f} MB"
        return self._say(f"{{number}} {self._unit}", number=f"{value:,.0f}")


class LiveBars(PlainLines):
    """Shows a bar with amount, rate and the time left; then the line that stays."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        super().__init__(stream, say)
        self._console = Console(file=stream, highlight=False)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._bar = BarColumn(bar_width=WIDEST_BAR)

    def said(self, text: str) -> None:
        """Print the line, above the bar."""
        self._console.print(flowing(text, screen_width(self._stream)), markup=False, soft_wrap=True)

    def _open(self, task: str) -> None:
        super()._open(task)
        columns = [TextColumn("  {task.description}", table_column=Column(no_wrap=True))]
        bar = [self._bar] if self._total else []
        self._progress = Progress(*bar, *columns, console=self._console, transient=True, auto_refresh=False)
        self._progress.start()
        self._task = self._progress.add_task("", total=self._total)
        self._refresh(self._amount())

    def _show(self, now: float) -> None:
        self._refresh(f"{self._amount()}{self._speed()}")

    def _refresh(self, text: str) -> None:
        """Show the text beside as much of a bar as the terminal has room for."""
        if self._progress is not None:
            room = self._console.width - len("   ") - cell_len(text)
            self._bar.bar_width = max(NARROWEST_BAR, min(WIDEST_BAR, room))
            shown = text if room >= NARROWEST_BAR else cut(text, self._console.width - NARROWEST_BAR - len("   "))
            self._progress.update(self._task, completed=self._done, description=shown, refresh=True)

    def close(self) -> None:
        """Take the bar away; also after an interruption."""
        self._close()

    def _close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _number(value: float, unit: str) -> str:
    """Return the amount without its unit."""
    return f"{value / 1e6:,.1f}" if unit == BYTES else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return the time as `1:05` (minutes and seconds) or `2:01:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
