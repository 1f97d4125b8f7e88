"""Trains the runs of a study: hands them to an executor, and copes with what goes wrong."""

import itertools
import re
import time
from collections import deque
from collections.abc import Iterable

from overfitlab.config import RunConfig
from overfitlab.errors import OverfitlabError
from overfitlab.events import (
    CostsBegan,
    Listener,
    StudyOpened,
    Task,
    TaskFailed,
    TaskFinished,
    TasksAdvanced,
    TaskStarted,
)
from overfitlab.records.run_folder import StoredRun, stored_run
from overfitlab.records.run_record import DIVERGED, FINISHED
from overfitlab.records.study_folder import StudyFolder
from overfitlab.records.study_record import Cost, Failure, StudyRecord
from overfitlab.runs.recording import now
from overfitlab.study.cost import run_seconds, study_seconds
from overfitlab.study.execute.executor import Executor, Happened
from overfitlab.study.execute.messages import Done, Epoch, Failed, Probe, Probed, Started, Stepped, Train

TICK = 0.25  # seconds
MOST_ATTEMPTS = 2  # of a run whose worker failed; what cannot work is not tried again
SILENCE = 600.0  # seconds without a word, and more than `SLOWNESS` whole runs take: then a worker hangs
SLOWNESS = 3.0
MEASURING = 1800.0  # the same for one that measures what a method takes
LONGEST_LABEL = 60  # characters in the name of a folder


def run_name(label: str, seed: int, run_id: str) -> str:
    """Return what a run's folder is called, for people."""
    return f"{re.sub(r'[^A-Za-z0-9_.+=-]+', '-', label)[:LONGEST_LABEL]}-seed{seed}-{run_id[:6]}"


class Runner:
    """Trains runs until all that are wanted have ended; notes in the study's record which of them failed."""

    def __init__(self, folder: StudyFolder, record: StudyRecord, executor: Executor[Task], listener: Listener) -> None:
        self._folder, self._record, self._config, self._plan = folder, record, record.config, record.plan
        self._executor, self._listener = executor, listener
        self._pending: deque[Task] = deque()
        self._running: list[Task] = []
        self._total = self._done = 0
        self._predicted = self._took = 0.0  # seconds of the runs that finished: as planned, and in fact
        self._began: dict[str, float] = {}

    def train(self, seeds: int) -> list[StoredRun]:
        """Train every method at the first `seeds` seeds; return all runs.

        Finished runs are not trained again. Raises `OverfitlabError` where the disk refuses or no worker can begin, and
        `CancelledError` where the listener asks for the end.
        """
        there = {run.name: run for run in self._folder.stored()}
        wanted = [self._task(method, seed) for method, seed in self._plan.runs(self._config, 0, seeds)]
        over = [there[task.name] for task in wanted if task.name in there and _over(there[task.name])]
        names = {run.name for run in over}
        self._pending = deque(task for task in wanted if task.name not in names)
        self._total, self._done = len(wanted), len(over)
        self._listener.on(StudyOpened(over, self._total))
        for task in self._pending:
            self._record.failures.pop(task.name, None)  # it is tried again
        while self._pending or self._running:
            self._listener.check()
            self._hand_out()
            report = self._executor.next(TICK)
            if report is not None:
                self._handle(report.handle, report.happened)
            self._listener.on(TasksAdvanced(list(self._running), self._seconds_left()))
        return self._folder.stored()

    def _run_config(self, task: Task) -> RunConfig:
        return self._config.run(self._plan.protocol, task.method, task.seed, self._plan.threads)

    def _task(self, method: str, seed: int) -> Task:
        task = Task("", method, self._record.labels[method], seed, epochs=self._plan.protocol.epochs)
        task.name = run_name(task.label, seed, self._run_config(task).run_id(self._record.data.sha256))
        return task

    def _hand_out(self) -> None:
        while self._pending and len(self._running) < self._executor.capacity:
            task = self._pending.popleft()
            self._running.append(task)
            self._began[task.name] = time.monotonic()
            patience = max(SILENCE, SLOWNESS * self._planned(task))
            self._executor.submit(task, Train(self._run_config(task), str(self._folder.run(task.name).path)), patience)

    def _handle(self, task: Task, happened: Happened) -> None:
        if isinstance(happened, Started):
            task.epoch, task.begun = happened.epochs, happened.epochs / task.epochs
            task.done = task.begun
            self._listener.on(TaskStarted(task, happened.notes))
        elif isinstance(happened, Stepped):
            task.epoch, task.done = happened.epoch, happened.done
        elif isinstance(happened, Epoch):
            task.epoch, task.done = happened.epoch, happened.epoch / task.epochs
            task.val_acc, task.train_acc = happened.val_acc, happened.train_acc
        elif isinstance(happened, Done):
            self._running.remove(task)
            self._predicted += self._planned(task) * (1 - task.begun)
            self._took += time.monotonic() - self._began[task.name]
            self._done += 1
            run = stored_run(self._folder.run(task.name))
            self._listener.on(TaskFinished(task, run, self._done, self._total, self._seconds_left()))
        elif isinstance(happened, Failed):
            self._running.remove(task)
            self._again_or_failed(task, happened)

    def _again_or_failed(self, task: Task, failed: Failed) -> None:
        again = not failed.final and task.attempt < MOST_ATTEMPTS
        self._listener.on(TaskFailed(task, failed.reason, again))
        if again:
            self._pending.appendleft(
                Task(task.name, task.method, task.label, task.seed, task.attempt + 1, epochs=task.epochs)
            )
            return
        if failed.disk:
            raise OverfitlabError(
                "disk_refuses_a_run", "{reason}, and the same command goes on", reason=failed.reason.error()
            )
        self._record.failures[task.name] = Failure(task.method, task.seed, failed.reason, task.attempt, now())
        self._folder.write_record(self._record)
        self._done += 1

    def _planned(self, task: Task) -> float:
        return run_seconds(self._plan.costs[task.method], self._plan.protocol, self._plan.parts)

    def _seconds_left(self) -> float:
        """Return how long the rest takes: as planned, corrected by how the finished runs compared with the plan."""
        scale = self._took / self._predicted if self._predicted else 1.0
        left = [self._planned(task) * (1 - task.done) for task in self._running]
        left += [self._planned(task) for task in self._pending]
        return scale * study_seconds(left, max(1, self._executor.capacity))


def _over(run: StoredRun) -> bool:
    return run.record.status in (FINISHED, DIVERGED)


def measured(
    executor: Executor[Task], methods: Iterable[tuple[str, str, RunConfig]], folder: StudyFolder, listener: Listener
) -> dict[str, Cost]:
    """Return what each method takes, in the order given; each is method, label and a run's configuration.

    As many are measured side by side as will train; where there are fewer methods some of them twice, and what took
    longest counts. Raises `OverfitlabError` where a method cannot be trained on these images with this network.
    """
    asked = list(methods)
    listener.on(CostsBegan(len(asked)))
    count = max(len(asked), executor.capacity)
    for method, label, config in itertools.islice(itertools.cycle(asked), count):
        executor.submit(Task("", method, label, config.seed), Probe(config, str(folder.path)), MEASURING)
    found: list[tuple[str, Cost]] = []
    while len(found) < count:
        listener.check()
        report = executor.next(TICK)
        if report is None:
            continue
        happened = report.happened
        if isinstance(happened, Probed):
            found.append((report.handle.method, happened.cost))
        elif isinstance(happened, Failed):
            reason = happened.reason.error()
            if happened.lost:
                raise OverfitlabError("training_could_not_begin", "training could not begin: {reason}", reason=reason)
            if happened.disk:
                raise reason
            raise OverfitlabError(
                "method_cannot_be_trained", "{method}: {reason}", method=report.handle.label, reason=reason
            )
    longest = dict(sorted(found, key=lambda each: each[1].step_seconds))  # of equal keys the last one stays
    return {method: longest[method] for method, *_ in asked}
