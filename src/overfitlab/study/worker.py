"""A process that trains runs of a study, one after the other: `python -m overfitlab.study.worker`.

It is told what to do on standard input and answers on standard output (messages.py). It ends when its input does,
which is also how it notices that the process that started it is gone.
"""

import math
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from overfitlab.config import RunConfig
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.errors import MEMORY_ADVICE, OverfitlabError, is_want_of_memory
from overfitlab.files import said_of
from overfitlab.machine import forget_peak_memory
from overfitlab.records.run_folder import RunFolder
from overfitlab.results.history import EpochRow
from overfitlab.runs.execution import Job, begin, begun_with, ended, ended_before
from overfitlab.study import messages
from overfitlab.study.probe import probe
from overfitlab.training import compute
from overfitlab.training.metrics import RunningMean
from overfitlab.training.observer import Observer

PATIENCE = 30.0  # seconds for a worker of a dead study to let go of a run
STEP_SECONDS = 0.5  # between two messages within an epoch
READ_AT_ONCE = 65536  # bytes


class _Stopped(KeyboardInterrupt):
    """The process that leads the study wants the run to end, or is gone."""


class _Telling(Observer):
    """Tells how a run goes on, and ends it when it is told to."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._epoch = self._epochs = self._steps = 0
        self._told = 0.0

    def epoch_started(self, epoch: int, epochs: int, steps: int) -> None:
        self._epoch, self._epochs, self._steps = epoch, epochs, steps
        self._worker.stop_if_told()

    def step_done(self, step: int, mean: RunningMean) -> None:
        self._worker.stop_if_told()
        now = time.monotonic()
        if now - self._told >= STEP_SECONDS:
            self._told = now
            done = (self._epoch - 1 + step / self._steps) / self._epochs
            self._worker.tell(messages.STEP, epoch=self._epoch, done=done)

    def validation_started(self) -> None:
        self._worker.stop_if_told()

    def measuring(self) -> None:
        self._worker.stop_if_told()

    def epoch_done(self, row: EpochRow, steps: int) -> None:
        numbers = {"val_acc": row.val_acc, "train_acc": row.train_acc}
        finite = {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}
        self._worker.tell(messages.EPOCH, epoch=row.epoch, **finite)
        self._worker.stop_if_told()


class Worker:
    """Does tasks until there are no more."""

    def __init__(self, tasks: Iterator[dict[str, Any]], events: BinaryIO, stopping: threading.Event) -> None:
        self._tasks, self._events, self._stopping = tasks, events, stopping
        setup = next(tasks, None)
        if setup is None:  # told to stop before there was anything to do
            raise _Stopped
        self._setup = setup
        self._dataset = self._loaded()

    def work(self) -> None:
        """Answer each task."""
        self.tell(messages.READY)
        for task in self._tasks:
            try:
                if task["kind"] == messages.PROBE:
                    self._probe(task)
                else:
                    self._run(task)
            except OverfitlabError as error:
                self._tell_failed(str(error), final=True)
            except (MemoryError, OSError, RuntimeError, ImportError) as error:
                said = str(error).partition("\n")[0] or type(error).__name__
                if is_want_of_memory(error):
                    self._tell_failed(f"not enough memory ({said}): {MEMORY_ADVICE}", memory=True)
                elif isinstance(error, OSError):
                    self._tell_failed(said_of(error), disk=True)
                else:
                    self._tell_failed(said)

    def _tell_failed(self, reason: str, *, final: bool = False, disk: bool = False, memory: bool = False) -> None:
        self.tell(messages.FAILED, reason=reason, final=final, disk=disk, memory=memory)

    def tell(self, kind: str, **content: Any) -> None:
        """Send an event; stop where nobody is there to read it."""
        try:
            messages.write(self._events, kind, **content)
        except OSError:
            raise _Stopped from None

    def stop_if_told(self) -> None:
        """Raise where the study is to stop."""
        if self._stopping.is_set():
            raise _Stopped

    def _loaded(self) -> Dataset:
        where = self._setup["data_dir"]
        size = self._setup["image_size"]
        dataset = loading.load(self._setup["source"], where and Path(where), image_size=size and tuple(size))
        if dataset.content_hash != self._setup["content_hash"]:
            raise OverfitlabError(f"{self._setup['source']} is no longer what it was when the study began")
        return replace(dataset, name=self._setup["name"])

    def _run(self, task: dict[str, Any]) -> None:
        config, folder = RunConfig.from_dict(task["config"]), RunFolder(Path(task["folder"]))
        forget_peak_memory()
        run_id = config.run_id(self._dataset.content_hash)
        with folder.claimed(run_id, config.as_dict(), PATIENCE):
            if ended(folder):
                ended_before(folder)
            else:
                weights = self._setup["weights"]
                where = self._setup["data_dir"]
                job = Job(config, self._dataset, folder, where and Path(where), weights, alone=False)
                resolved = begun_with(folder) or compute.resolve(config.precision, config.threads)
                execution = begin(job, resolved)
                self.tell(messages.STARTED, epochs=len(execution.trainer.progress.rows), note=execution.note)
                execution.complete(_Telling(self))
        self.tell(messages.DONE)

    def _probe(self, task: dict[str, Any]) -> None:
        config = RunConfig.from_dict(task["config"])
        cost = probe(config, self._dataset, self._setup["weights"], Path(task["folder"]))
        self.tell(messages.PROBED, **asdict(cost))


def _tasks(descriptor: int, stopping: threading.Event) -> Iterator[dict[str, Any]]:
    """Yield messages as they come, until the input ends; then whatever runs is to stop as well.

    The descriptor is read without Python's buffered streams, whose locks a thread must not hold when the process ends.
    """
    messages_read: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def listen() -> None:
        rest = b""
        while content := os.read(descriptor, READ_AT_ONCE):
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                messages_read.put(messages.read(line))
        stopping.set()
        messages_read.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while (message := messages_read.get()) is not None and not stopping.is_set():
        yield message


def main() -> NoReturn:
    """Work until there is nothing more to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that leads the study
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no message
    stopping = threading.Event()
    try:
        Worker(_tasks(os.dup(0), stopping), events, stopping).work()
    except (OverfitlabError, OSError, MemoryError) as error:
        if not stopping.is_set():
            said = f"not enough memory: {MEMORY_ADVICE}" if is_want_of_memory(error) else error
            print(f"overfitlab: {said}", file=sys.stderr)  # noqa: T201 - it goes into the log
            sys.exit(1)
    except KeyboardInterrupt:
        pass
    sys.exit(0)


if __name__ == "__main__":
    main()
