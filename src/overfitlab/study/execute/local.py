"""Processes on this machine that carry out the runs of a study, side by side."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Generic

from overfitlab.errors import OverfitlabError
from overfitlab.reasons import Reason
from overfitlab.study.execute import messages
from overfitlab.study.execute.executor import Executor, Handle, Report
from overfitlab.study.execute.messages import Done, Failed, FromWorker, Probe, Probed, Ready, Setup, ToWorker, Train

PATIENCE = 60.0  # seconds for a worker to stop, which it does after the step or the measurement that it is at
BEGINNING = 1800.0  # seconds for a worker to read the images
SLEPT = 60.0  # seconds between two looks of ours: the machine slept, and the workers with it
LAST_WORDS = 4096  # bytes of the log
MOST_STILLBORN = 3  # workers that died before they were ready
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class _Given(Generic[Handle]):
    """A task that was submitted."""

    handle: Handle
    task: Train | Probe
    patience: float


@dataclass(eq=False)
class _Worker(Generic[Handle]):
    """One process, and what it is doing."""

    process: "subprocess.Popen[bytes]"
    given: _Given[Handle] | None = None  # what it is at; None while it is idle
    ready: bool = False
    heard: float = field(default_factory=time.monotonic)  # when it last said something, or was given something to do
    given_up: Reason | None = None  # why it was killed by us
    inbox: BinaryIO = field(init=False)

    @property
    def idle(self) -> bool:
        """Whether it can be given something to do."""
        return self.ready and self.given is None and self.given_up is None

    def __post_init__(self) -> None:
        assert self.process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self.inbox = self.process.stdin  # type: ignore[assignment]


def begun(environment: Mapping[str, str], log: BinaryIO) -> "subprocess.Popen[bytes]":
    """Start a process that is a worker, with pipes to tell it what to do and to hear from it."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "overfitlab.study.execute.worker"],  # -P: no file of theirs is a module
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        start_new_session=True,  # Ctrl-C in the terminal is for us, not for them
    )


class LocalProcesses(Executor[Handle]):
    """So many processes at most, each with so many threads; they are started when there is something to do."""

    def __init__(self, setup: Setup, jobs: int, threads: int, log: Path) -> None:
        self._setup, self._jobs, self._threads, self._log = setup, jobs, threads, log
        self._said: queue.Queue[tuple[_Worker[Handle], FromWorker | None]] = queue.Queue()
        self._waiting: deque[_Given[Handle]] = deque()
        self._workers: list[_Worker[Handle]] = []
        self._looked = time.monotonic()  # at whether one hangs
        self._stillborn = 0
        self._began = False  # whether one was ever ready

    @property
    def capacity(self) -> int:
        """How many tasks are carried out at once."""
        return self._jobs

    def limit(self, jobs: int) -> None:
        """Carry out no more than so many tasks at once from now on."""
        self._jobs = jobs

    def submit(self, handle: Handle, task: Train | Probe, patience: float) -> None:
        """Take a task; it is given up after `patience` seconds without a word from it."""
        self._waiting.append(_Given(handle, task, patience))
        self._hand_out()

    def next(self, timeout: float) -> Report[Handle] | None:
        """Return what happened next; None where nothing did in so many seconds.

        Raises `OverfitlabError` where no process can be started.
        """
        self._hand_out()
        self._end_what_hangs()
        try:
            worker, message = self._said.get(timeout=timeout)
        except queue.Empty:
            return None
        worker.heard = time.monotonic()
        given = worker.given
        if message is None:
            return self._lost(worker)
        if isinstance(message, Ready):
            worker.ready = self._began = True
            self._hand_out()
            return None
        if given is None:
            return None
        if isinstance(message, Done | Probed | Failed):
            worker.given = None
            if isinstance(message, Failed) and message.memory:
                # what found none stays broken in its process: oneDNN's convolutions fail, or crash
                self._give_up(worker, message.reason)
        return Report(given.handle, message)

    def _hand_out(self) -> None:
        """Give waiting tasks to idle workers, and start workers where there are too few."""
        at_work = sum(worker.given is not None for worker in self._workers)
        for worker in self._workers:
            if worker.idle and self._waiting and at_work < self._jobs:
                worker.given, worker.heard = self._waiting.popleft(), time.monotonic()
                at_work += 1
                self._send(worker, worker.given.task)
        wanted = min(self._jobs, at_work + len(self._waiting))
        for _ in range(wanted - sum(worker.given_up is None for worker in self._workers)):
            self._start()

    def _start(self) -> None:
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(self._threads))
        if self._log.is_symlink() or not self._log.is_file():  # in a folder of a stranger, a link or a pipe
            self._log.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            process = begun(environment, log)
        worker = _Worker[Handle](process)
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self._send(worker, self._setup)

    @staticmethod
    def _send(worker: "_Worker[Handle]", message: ToWorker) -> None:
        with contextlib.suppress(OSError):  # it is gone, and its end is an event
            messages.write(worker.inbox, message)

    def _lost(self, worker: _Worker[Handle]) -> Report[Handle] | None:
        """Take a worker that is gone out of the members; what it was at has failed."""
        reason = self._ending(worker)
        if not worker.ready:
            self._stillborn += 1
            if not self._began:
                raise OverfitlabError(
                    "training_could_not_begin", "training could not begin: {reason}", reason=reason.error()
                )
            if self._stillborn > MOST_STILLBORN:
                raise OverfitlabError(
                    "no_process_to_train_in", "no training process could be started: {reason}", reason=reason.error()
                )
        return None if worker.given is None else Report(worker.given.handle, Failed(reason, lost=True))

    def _ending(self, worker: _Worker[Handle]) -> Reason:
        """Take a worker out of the members, and return how it ended."""
        self._workers.remove(worker)
        code = worker.process.wait()
        with contextlib.suppress(OSError):
            worker.inbox.close()
        if worker.given_up:
            return worker.given_up
        if code >= 0:
            words = self._last_words()
            if words:
                return Reason.of(OverfitlabError("said", "{text}", text=words))
            return Reason.of(OverfitlabError("process_ended", "its process ended with code {code}", code=code))
        name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else str(-code)
        if -code == signal.SIGKILL:
            return Reason.of(
                OverfitlabError(
                    "process_killed_perhaps_for_memory",
                    "its process was killed by {signal}, perhaps for lack of memory: try fewer --jobs or a smaller "
                    "--batch-size", signal=name
                )
            )  # fmt: skip
        return Reason.of(OverfitlabError("process_killed", "its process was killed by {signal}", signal=name))

    def _end_what_hangs(self) -> None:
        """Kill workers that said nothing for longer than they may; each end is an event."""
        now, looked = time.monotonic(), self._looked
        self._looked = now
        for worker in self._workers:
            patience = BEGINNING if worker.given is None else worker.given.patience
            if worker.idle or now - looked > SLEPT:
                worker.heard = now
            elif now - worker.heard > patience and worker.given_up is None:
                minutes = round((now - worker.heard) / 60)
                self._give_up(worker, Reason.of(OverfitlabError(
                    "process_hung", "its process did nothing for {minutes} minutes, and was ended", minutes=minutes
                )))  # fmt: skip

    @staticmethod
    def _give_up(worker: "_Worker[Handle]", reason: Reason) -> None:
        """Kill a worker that is of no more use; its end is an event."""
        worker.given_up = reason
        worker.process.kill()

    def stop(self) -> None:
        """Let all of them stop: a run ends with what its last finished epoch left."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.inbox.close()
        try:
            for worker in self._workers:
                worker.process.wait(PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):  # one hangs, or the user will not wait
            self.kill()
        self._workers.clear()

    def kill(self) -> None:
        """End all of them at once; their runs go on after the last finished epoch all the same."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()

    def _listen(self, worker: _Worker[Handle]) -> None:
        assert worker.process.stdout is not None  # noqa: S101 - it was opened as a pipe
        with worker.process.stdout as lines:
            for line in lines:
                self._said.put((worker, messages.read_from_worker(line)))
        self._said.put((worker, None))

    def _last_words(self) -> str:
        """Return the last line of the log, where it is one that a person can read."""
        with contextlib.suppress(OSError):
            with self._log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
                lines = log.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1].removeprefix("overfitlab: ") if lines else ""
        return ""
