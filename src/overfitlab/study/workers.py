"""The processes that train the runs of a study, side by side."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from overfitlab.errors import MEMORY_ADVICE
from overfitlab.study import messages

PATIENCE = 60.0  # seconds for a worker to stop, which it does after the step or the measurement that it is at
SLEPT = 60.0  # seconds between two looks of ours: the machine slept, and the workers with it
LAST_WORDS = 4096  # bytes of the log
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(eq=False)
class Worker:
    """One process, and what it is doing."""

    process: "subprocess.Popen[bytes]"
    task: Any = None  # what it was last given to do; None while it is idle
    ready: bool = False
    heard: float = field(default_factory=time.monotonic)  # when it last said something, or was given something to do
    given_up: str = ""  # why it was killed by us
    inbox: BinaryIO = field(init=False)

    @property
    def idle(self) -> bool:
        """Whether it can be given something to do."""
        return self.ready and self.task is None and not self.given_up

    def __post_init__(self) -> None:
        assert self.process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self.inbox = self.process.stdin  # type: ignore[assignment]


@dataclass(frozen=True)
class Event:
    """What a worker said; `message` is None where it is gone."""

    worker: Worker
    message: dict[str, Any] | None


class Workers:
    """A number of workers; all of them stop when the block ends, however it ends."""

    def __init__(self, setup: dict[str, Any], threads: int, log: Path) -> None:
        self._setup, self._threads, self._log = setup, threads, log
        self._events: queue.Queue[Event] = queue.Queue()
        self.members: list[Worker] = []
        self._looked = time.monotonic()  # at whether one hangs

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(self) -> Worker:
        """Start one more."""
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(self._threads))
        if self._log.is_symlink() or not self._log.is_file():  # in a folder of a stranger, a link or a pipe
            self._log.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "overfitlab.study.worker"],  # -P: no file of the user's is a module
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for them
            )
        worker = Worker(process)
        self.members.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self._send(worker, messages.SETUP, self._setup)
        return worker

    def give(self, worker: Worker, task: Any, kind: str, **content: Any) -> None:
        """Give a worker something to do; `task` says what it is to the caller."""
        worker.task, worker.heard = task, time.monotonic()
        self._send(worker, kind, content)

    @staticmethod
    def _send(worker: Worker, kind: str, content: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone, and its end is an event
            messages.write(worker.inbox, kind, **content)

    def next(self, timeout: float) -> Event | None:
        """Return the next event; None where none came in so many seconds."""
        try:
            event = self._events.get(timeout=timeout)
        except queue.Empty:
            return None
        event.worker.heard = time.monotonic()
        return event

    def ended(self, worker: Worker) -> str:
        """Take a worker that is gone out of the members, and return how it ended, in words."""
        self.members.remove(worker)
        code = worker.process.wait()
        with contextlib.suppress(OSError):
            worker.inbox.close()
        if worker.given_up:
            return worker.given_up
        if code >= 0:
            return self._last_words() or f"its process ended with code {code}"
        name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else str(-code)
        memory = f", perhaps for want of memory: {MEMORY_ADVICE}" if -code == signal.SIGKILL else ""
        return f"its process was killed by {name}{memory}"

    def end_what_hangs(self, patience: Callable[[Any], float]) -> None:
        """Kill workers that said nothing for longer than `patience`, in seconds, of what they do; each end is an event.

        `patience` is given the task, None of one that is not ready yet.
        """
        now, looked = time.monotonic(), self._looked
        self._looked = now
        for worker in self.members:
            if worker.idle or now - looked > SLEPT:
                worker.heard = now
            elif now - worker.heard > patience(worker.task) and not worker.given_up:
                self.give_up(
                    worker, f"its process did nothing for {(now - worker.heard) / 60:.0f} minutes, and was ended"
                )

    @staticmethod
    def give_up(worker: Worker, reason: str) -> None:
        """Kill a worker that is of no more use; its end is an event."""
        worker.given_up = reason
        worker.process.kill()

    def stop(self) -> None:
        """Let all of them stop: a run ends with what its last finished epoch left."""
        for worker in self.members:
            with contextlib.suppress(OSError):
                worker.inbox.close()
        try:
            for worker in self.members:
                worker.process.wait(PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):  # one hangs, or the user will not wait
            self.kill()
        self.members.clear()

    def kill(self) -> None:
        """End all of them at once; their runs go on after the last finished epoch all the same."""
        for worker in self.members:
            worker.process.kill()
        for worker in self.members:
            worker.process.wait()

    def _listen(self, worker: Worker) -> None:
        assert worker.process.stdout is not None  # noqa: S101 - it was opened as a pipe
        with worker.process.stdout as lines:
            for line in lines:
                self._events.put(Event(worker, messages.read(line)))
        self._events.put(Event(worker, None))

    def _last_words(self) -> str:
        """Return the last line of the log, where it is one that a person can read."""
        with contextlib.suppress(OSError):
            with self._log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
                lines = log.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1].removeprefix("overfitlab: ") if lines else ""
        return ""
