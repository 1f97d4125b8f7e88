"""Trains the runs of a study: gives them to workers, keeps the index, and copes with what goes wrong."""

import itertools
import re
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from overfitlab.config import StudyConfig
from overfitlab.errors import OverfitlabError
from overfitlab.records.index import Entry, Index
from overfitlab.records.run_folder import DIVERGED, FINISHED
from overfitlab.records.study_folder import StudyFolder
from overfitlab.runs.recording import now
from overfitlab.study import messages
from overfitlab.study.cost import Cost, run_seconds, study_seconds
from overfitlab.study.listener import Listener, Task
from overfitlab.study.plan import StudyPlan
from overfitlab.study.workers import Event, Worker, Workers

TICK = 0.25  # seconds
MOST_ATTEMPTS = 2  # of a run whose worker failed; what cannot work is not tried again
MOST_STILLBORN = 3
SILENCE = 600.0  # seconds without a word, and more than `SLOWNESS` whole runs take: then a worker hangs
SLOWNESS = 3.0
BEGINNING = 1800.0  # the same for one that reads the images, or measures what a method takes
LONGEST_LABEL = 60  # characters in the name of a folder


def run_name(label: str, seed: int, run_id: str) -> str:
    """Return what a run's folder is called, for people."""
    return f"{re.sub(r'[^A-Za-z0-9_.+=-]+', '-', label)[:LONGEST_LABEL]}-seed{seed}-{run_id[:6]}"


class Runner:
    """Trains runs until all that are wanted have ended."""

    def __init__(
        self,
        folder: StudyFolder,
        record: dict[str, Any],
        config: StudyConfig,
        plan: StudyPlan,
        workers: Workers,
        index: Index,
        listener: Listener,
    ) -> None:
        self._folder, self._record, self._config, self._plan = folder, record, config, plan
        self._workers, self._index, self._listener = workers, index, listener
        self._pending: deque[Task] = deque()
        self._total = 0
        self._predicted = self._took = 0.0  # seconds of the runs that finished: as planned, and in fact
        self._began: dict[str, float] = {}
        self._jobs = 1
        self._stillborn = 0  # workers that died before they were ready

    def _read(self) -> list[Entry]:
        """Return the runs that have begun, as their folders are now, and note them in the index."""
        return [self._index.put(folder) for folder in self._folder.runs()]

    def train(self, seeds: int, jobs: int) -> list[Entry]:
        """Train every method at the first `seeds` seeds, so many runs at once; return all runs.

        Finished runs are not trained again. Raises `OverfitlabError` where the disk refuses or no worker can begin.
        """
        there = {entry.name: entry for entry in self._read()}
        wanted = [self._task(method, seed) for method, seed in self._plan.runs(self._config, 0, seeds)]
        over = [there[task.name] for task in wanted if task.name in there and _over(there[task.name])]
        names = {entry.name for entry in over}
        self._pending = deque(task for task in wanted if task.name not in names)
        self._total, self._jobs = len(wanted), jobs
        self._listener.opened(over, self._total)
        done = len(over)
        for task in self._pending:
            self._record["failures"].pop(task.name, None)  # it is tried again
        for _ in range(min(jobs, len(self._pending)) - len(self._workers.members)):
            self._workers.add()
        while self._pending or self._running():
            self._hand_out()
            event = self._workers.next(TICK)
            if event is not None:
                done += self._handle(event, done)
            self._workers.end_what_hangs(self._patience)
            self._listener.advanced(self._running(), self._seconds_left())
        return self._read()

    def _task(self, method: str, seed: int) -> Task:
        config = self._config.run(self._plan.protocol, method, seed, self._plan.threads)
        label = self._record["labels"][method]
        run_id = config.run_id(self._record["data"]["sha256"])
        return Task(run_name(label, seed, run_id), method, label, seed, epochs=config.protocol.epochs)

    def _running(self) -> list[Task]:
        return [worker.task for worker in self._workers.members if worker.task is not None]

    def _hand_out(self) -> None:
        for worker in self._workers.members:
            if worker.idle and self._pending and len(self._running()) < self._jobs:
                task = self._pending.popleft()
                self._began[task.name] = time.monotonic()
                config = self._config.run(self._plan.protocol, task.method, task.seed, self._plan.threads)
                path = self._folder.run(task.name).path
                self._workers.give(worker, task, messages.RUN, config=config.as_dict(), folder=str(path))

    def _patience(self, task: Task | None) -> float:
        """Return how many seconds a worker may be silent."""
        return BEGINNING if task is None else max(SILENCE, SLOWNESS * self._planned(task))

    def _handle(self, event: Event, done: int) -> int:
        """Take note of an event, and return how many runs have ended with it."""
        worker, message = event.worker, event.message
        task: Task | None = worker.task
        if message is None:
            return self._lost(worker, task)
        if message["kind"] == messages.READY:
            worker.ready = True
        elif task is None:
            return 0
        elif message["kind"] == messages.STARTED:
            task.epoch, task.begun = message["epochs"], message["epochs"] / task.epochs
            task.done = task.begun
            if message["note"]:
                self._listener.noted(task, message["note"])
            self._listener.started(task)
        elif message["kind"] == messages.STEP:
            task.epoch, task.done = message["epoch"], message["done"]
        elif message["kind"] == messages.EPOCH:
            task.epoch, task.done = message["epoch"], message["epoch"] / task.epochs
            task.val_acc, task.train_acc = message.get("val_acc"), message.get("train_acc")
            self._index.put(self._folder.run(task.name))
        elif message["kind"] == messages.DONE:
            worker.task = None
            self._predicted += self._planned(task) * (1 - task.begun)
            self._took += time.monotonic() - self._began[task.name]
            entry = self._index.put(self._folder.run(task.name))
            self._listener.finished(task, entry, done + 1, self._total, self._seconds_left())
            return 1
        elif message["kind"] == messages.FAILED:
            worker.task = None
            if message["memory"]:  # what found none stays broken in its process: oneDNN's convolutions fail, or crash
                self._workers.give_up(worker, message["reason"])
            return self._again_or_failed(task, message["reason"], final=message["final"], disk=message["disk"])
        return 0

    def _lost(self, worker: Worker, task: Task | None) -> int:
        """Replace a worker that is gone."""
        reason = self._workers.ended(worker)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn > MOST_STILLBORN or not any(each.ready for each in self._workers.members):
                raise OverfitlabError(f"no process could be started to train in: {reason}")
        ended = self._again_or_failed(task, reason, final=False, disk=False) if task is not None else 0
        if len(self._workers.members) < min(self._jobs, len(self._pending) + len(self._running())):
            self._workers.add()
        return ended

    def _again_or_failed(self, task: Task, reason: str, *, final: bool, disk: bool) -> int:
        again = not final and task.attempt < MOST_ATTEMPTS
        self._listener.failed(task, reason, again=again)
        if again:
            self._pending.appendleft(
                Task(task.name, task.method, task.label, task.seed, task.attempt + 1, epochs=task.epochs)
            )
            return 0
        if disk:
            raise OverfitlabError(f"{reason}, and the same command goes on")
        self._record["failures"][task.name] = {
            "method": task.method, "seed": task.seed, "reason": reason, "attempts": task.attempt, "at": now(),
        }  # fmt: skip
        self._folder.write_record(self._record)
        return 1

    def _planned(self, task: Task) -> float:
        return run_seconds(self._plan.costs[task.method], self._plan.protocol, self._plan.parts)

    def _seconds_left(self) -> float:
        """Return how long the rest takes: as planned, corrected by how the finished runs compared with the plan."""
        scale = self._took / self._predicted if self._predicted else 1.0
        left = [self._planned(task) * (1 - task.done) for task in self._running()]
        left += [self._planned(task) for task in self._pending]
        return scale * study_seconds(left, max(1, len(self._workers.members)))


def _over(entry: Entry) -> bool:
    return entry.record["status"] in (FINISHED, DIVERGED)


def measured(
    workers: Workers, methods: Iterable[tuple[str, str, dict[str, Any]]], folder: StudyFolder, listener: Listener
) -> dict[str, Cost]:
    """Return what each method takes, in the order given; each is method, label and a run's configuration.

    All workers measure side by side, as they will train, where there are fewer methods some of them twice; what took
    longest counts. Raises `OverfitlabError` where a method cannot be trained on these images with this network.
    """
    asked = list(methods)
    pending = deque(itertools.islice(itertools.cycle(asked), max(len(asked), len(workers.members))))
    total, found = len(pending), list[tuple[str, Cost]]()
    listener.measuring(len(asked))
    while len(found) < total:
        for worker in workers.members:
            if worker.idle and pending:
                method, label, config = pending.popleft()
                workers.give(worker, (method, label), messages.PROBE, config=config, folder=str(folder.path))
        event = workers.next(TICK)
        workers.end_what_hangs(lambda _: BEGINNING)
        if event is None:
            continue
        if event.message is None:
            raise OverfitlabError(f"training could not begin: {workers.ended(event.worker)}")
        kind = event.message.pop("kind")
        if kind == messages.READY:
            event.worker.ready = True
        elif kind == messages.PROBED:
            (method, _), event.worker.task = event.worker.task, None
            found.append((method, Cost(**event.message)))
        elif kind == messages.FAILED:
            _, label = event.worker.task
            blamed = "" if event.message["disk"] else f"{label}: "
            raise OverfitlabError(f"{blamed}{event.message['reason']}")
    longest = dict(sorted(found, key=lambda each: each[1].step_seconds))  # of equal keys the last one stays
    return {method: longest[method] for method, *_ in asked}
