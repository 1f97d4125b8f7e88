"""A process that trains runs of a study, one after the other: `python -m overfitlab.study.execute.worker`.

It is told what to do on standard input and answers on standard output (messages.py). It ends when its input does,
which is also how it notices that the process that started it is gone. It draws nothing.
"""

import contextlib
import math
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NoReturn

from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.errors import DataError, OutOfMemoryError, OverfitlabError, is_want_of_memory
from overfitlab.events import EpochBegan, EpochEnded, Event, Listener, StepDone
from overfitlab.files import said_of
from overfitlab.machine import forget_peak_memory
from overfitlab.models.shipping import received
from overfitlab.reasons import Reason
from overfitlab.records.run_folder import RunFolder
from overfitlab.runs.execution import Job, begin, begun_with, ended, ended_before
from overfitlab.study.execute import messages
from overfitlab.study.execute.messages import (
    Done,
    Epoch,
    Failed,
    FromWorker,
    Probe,
    Probed,
    Ready,
    Setup,
    Started,
    Stepped,
    ToWorker,
    Train,
)
from overfitlab.study.execute.probe import probe
from overfitlab.training import compute

PATIENCE = 30.0  # seconds for a worker of a dead study to let go of a run
STEP_SECONDS = 0.5  # between two messages within an epoch
READ_AT_ONCE = 65536  # bytes


class _Stopped(KeyboardInterrupt):
    """The process that leads the study wants the run to end, or is gone."""


class _Telling(Listener):
    """Tells how a run goes on, and ends it when it is told to."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._epoch = EpochBegan(1, 1, 1)
        self._told = 0.0

    def on(self, event: Event) -> None:
        if isinstance(event, EpochBegan):
            self._epoch = event
        elif isinstance(event, StepDone):
            now = time.monotonic()
            if now - self._told >= STEP_SECONDS:
                self._told = now
                done = (self._epoch.epoch - 1 + event.step / self._epoch.steps) / self._epoch.epochs
                self._worker.tell(Stepped(self._epoch.epoch, done))
        elif isinstance(event, EpochEnded):
            row = event.row
            self._worker.tell(Epoch(row.epoch, _finite(row.val_acc), _finite(row.train_acc), _finite(row.val_loss)))
        self.check()

    def check(self) -> None:
        self._worker.stop_if_told()


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


class Worker:
    """Does tasks until there are no more."""

    def __init__(self, tasks: Iterator[ToWorker], events: BinaryIO, stopping: threading.Event) -> None:
        self._tasks, self._events, self._stopping = tasks, events, stopping
        setup = next(tasks, None)
        if not isinstance(setup, Setup):  # told to stop before there was anything to do
            raise _Stopped
        self._setup = setup
        self._data_dir = Path(setup.data_dir) if setup.data_dir else None
        self._dataset = self._loaded()
        self._network = received(setup.network)

    def work(self) -> None:
        """Answer each task."""
        self.tell(Ready())
        for task in self._tasks:
            try:
                if isinstance(task, Probe):
                    cost = probe(task.config, self._dataset, self._setup.weights, Path(task.folder), self._network)
                    self.tell(Probed(cost))
                elif isinstance(task, Train):
                    self._run(task)
            except OverfitlabError as error:
                self.tell(Failed(Reason.of(error), final=not isinstance(error, OutOfMemoryError)))
            except (MemoryError, OSError, RuntimeError, ImportError) as error:
                self.tell(_failed(error))

    def tell(self, message: FromWorker) -> None:
        """Send an event; stop where nobody is there to read it."""
        try:
            messages.write(self._events, message)
        except OSError:
            raise _Stopped from None

    def stop_if_told(self) -> None:
        """Raise where the study is to stop."""
        if self._stopping.is_set():
            raise _Stopped

    def _loaded(self) -> Dataset:
        setup = self._setup
        dataset = loading.load(setup.source, self._data_dir, image_size=setup.image_size, groups=setup.groups)
        if dataset.content_hash != setup.content_hash:
            raise DataError(
                "images_changed", "{source} is no longer what it was when the study began", source=setup.source
            )
        if dataset.groups is not None and dataset.groups.sha256 != setup.groups_hash:
            raise DataError(
                "groups_changed", "{source} is no longer what it was when the study began", source=setup.groups
            )
        return replace(dataset, name=setup.name)

    def _run(self, task: Train) -> None:
        config, folder = task.config, RunFolder(Path(task.folder))
        forget_peak_memory()
        with folder.claimed(config.run_id(self._dataset.content_hash), config, PATIENCE):
            if ended(folder):
                ended_before(folder)
            else:
                job = Job(
                    config, self._dataset, folder, self._data_dir, self._setup.weights, alone=False,
                    network=self._network,
                )  # fmt: skip
                resolved = begun_with(folder) or compute.resolve(config.precision, config.threads)
                execution = begin(job, resolved)
                self.tell(Started(len(execution.trainer.progress.rows), execution.notes))
                execution.complete(_Telling(self))
        self.tell(Done())


def _failed(error: Exception) -> Failed:
    said = str(error).partition("\n")[0] or type(error).__name__
    if is_want_of_memory(error):
        reason = OutOfMemoryError(
            "not_enough_memory_to_train",
            "not enough memory ({said}): try fewer --jobs or a smaller --batch-size",
            said=said,
        )
        return Failed(Reason.of(reason), memory=True)
    if isinstance(error, OSError):
        return Failed(Reason.of(OverfitlabError("said", "{text}", text=said_of(error))), disk=True)
    return Failed(Reason.of(OverfitlabError("said", "{text}", text=said)))


def _tasks(descriptor: int, stopping: threading.Event) -> Iterator[ToWorker]:
    """Yield messages as they come, until the input ends; then whatever runs is to stop as well.

    The descriptor is read without Python's buffered streams, whose locks a thread must not hold when the process ends.
    """
    messages_read: queue.Queue[ToWorker | None] = queue.Queue()

    def listen() -> None:
        rest = b""
        while content := os.read(descriptor, READ_AT_ONCE):
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                messages_read.put(messages.read_by_worker(line))
        stopping.set()
        messages_read.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while (message := messages_read.get()) is not None and not stopping.is_set():
        yield message


def main() -> NoReturn:
    """Work until there is nothing more to do, and end without Python's farewell, which takes PyTorch half a second."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that leads the study
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no message
    stopping = threading.Event()
    try:
        Worker(_tasks(os.dup(0), stopping), events, stopping).work()
    except (OverfitlabError, OSError, MemoryError) as error:
        if not stopping.is_set():
            print(f"overfitlab: {_failed(error).reason.message}", file=sys.stderr)  # noqa: T201 - it goes into the log
            _end(1)
    except KeyboardInterrupt:
        pass
    _end(0)


def _end(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
