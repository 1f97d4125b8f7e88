"""Trains the runs of a study: hands them to an executor, and copes with what goes wrong."""

import itertools
import re
import shutil
import time
from collections.abc import Iterable

from overfitlab.config import RunConfig
from overfitlab.errors import OverfitlabError
from overfitlab.events import (
    CostsBegan,
    Listener,
    RoundRead,
    StudyOpened,
    Task,
    TaskFailed,
    TaskFinished,
    TasksAdvanced,
    TaskStarted,
)
from overfitlab.records.run_folder import stored_run
from overfitlab.records.study_folder import StudyFolder
from overfitlab.records.study_record import Cost, Failure, StudyRecord
from overfitlab.runs.recording import now
from overfitlab.stats.design import Run
from overfitlab.stats.reading import outlook
from overfitlab.stats.sequential import FEWEST
from overfitlab.study.cost import run_seconds, study_seconds
from overfitlab.study.execute.executor import Executor, Happened
from overfitlab.study.execute.messages import Done, Epoch, Failed, Probe, Probed, Started, Stepped, Train
from overfitlab.study.outcomes import outcomes
from overfitlab.study.wanted import Wanted, Wants

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
        self._running: list[Task] = []
        self._retried: dict[Run, Task] = {}  # runs whose worker failed
        self._names: dict[Run, str] = {}
        stored = {run.name: run for run in folder.stored()}
        ended = {each.name: each for each in outcomes(folder, list(stored.values()), with_images=False)}
        self._ended = {(each.method, each.seed): each for each in ended.values()
                       if each.name == self._name((each.method, each.seed))}  # fmt: skip
        self._before = [stored[each.name] for each in self._ended.values()]
        self._wants = Wants(())
        self._predicted = self._took = 0.0  # seconds of the runs that finished: as planned, and in fact
        self._began: dict[str, float] = {}

    def train(self, wanted: Wanted) -> None:
        """Train what is wanted, until nothing more is.

        Finished runs are not trained again, those that failed before are, unless they were given up. Raises
        `OverfitlabError` where the disk refuses or no worker can begin, and `CancelledError` where the listener asks
        for the end.
        """
        failures = self._record.failures
        for name in [name for name, failure in failures.items() if not failure.given_up]:
            del failures[name]
        self._ask(wanted)
        needed = {self._name(run) for run in self._wants.needed}
        before = [run for run in self._before if self._wants.progress or run.name in needed]
        self._listener.on(StudyOpened(before, self._total))
        while self._waited_for():
            self._listener.check()
            self._hand_out()
            report = self._executor.next(TICK)
            if report is not None:
                self._handle(report.handle, report.happened)
                if isinstance(report.happened, Done):
                    self._ask(wanted)
            self._listener.on(TasksAdvanced(list(self._running), self._seconds_left()))

    def discard_unwanted(self) -> None:
        """Remove what was trained ahead of a round that nobody needed, and has not ended, or failed."""
        for task in self._running:
            shutil.rmtree(self._folder.run(task.name).path, ignore_errors=True)
        failures, needed = self._record.failures, {self._name(run) for run in self._wants.needed}
        for name in [name for name, failure in failures.items() if not failure.given_up and name not in needed]:
            del failures[name]

    def _ask(self, wanted: Wanted) -> None:
        """Ask what is wanted now, and tell of the round that could be read."""
        before, ended = self._wants.progress, list(self._ended.values())
        self._wants = wanted.after(ended, self._record.given_up, max(1, self._executor.capacity))
        now = self._wants.progress
        if now is not None and now.round >= FEWEST and (before is None or now.round > before.round):
            forecast = outlook(self._wants.rounds, wanted.design) if self._wants.rounds and now.wanted else None
            self._listener.on(RoundRead(now, wanted.verdict(ended, self._record.given_up), forecast))

    def _waited_for(self) -> list[Run]:
        """Return the runs that are needed, and have neither ended nor failed."""
        return self._left(self._wants.needed)

    def _left(self, runs: Iterable[Run]) -> list[Run]:
        failed = {(each.method, each.seed) for each in self._record.failures.values()}
        return [run for run in runs if run not in self._ended and run not in failed]

    @property
    def _total(self) -> int:
        """How many runs there will be, as far as is known."""
        return len({*self._wants.needed, *(self._ended if self._wants.progress else ())})

    @property
    def _done(self) -> int:
        return self._total - len(self._waited_for())

    def _name(self, run: Run) -> str:
        if run not in self._names:
            method, seed = run
            config = self._run_config(method, seed)
            name = run_name(self._record.labels[method], seed, config.run_id(self._record.data.sha256))
            self._names[run] = name
        return self._names[run]

    def _run_config(self, method: str, seed: int) -> RunConfig:
        return self._config.run(self._plan.protocol, method, seed, self._plan.threads)

    def _task(self, run: Run) -> Task:
        method, seed = run
        return Task(self._name(run), method, self._record.labels[method], seed, epochs=self._plan.protocol.epochs)

    def _hand_out(self) -> None:
        """Let every worker train: what is needed first, and what may be needed later where nothing else is left."""
        running = {(task.method, task.seed) for task in self._running}
        for run in (*self._waited_for(), *self._left(self._wants.ahead)):
            if len(self._running) >= self._executor.capacity:
                return
            if run in running:
                continue
            task = self._retried.pop(run, None) or self._task(run)
            self._running.append(task)
            self._began[task.name] = time.monotonic()
            patience = max(SILENCE, SLOWNESS * self._planned(run))
            config = self._run_config(task.method, task.seed)
            self._executor.submit(task, Train(config, str(self._folder.run(task.name).path)), patience)

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
            task.measured, task.val_loss = happened.epoch, happened.val_loss
        elif isinstance(happened, Done):
            self._running.remove(task)
            self._predicted += self._planned((task.method, task.seed)) * (1 - task.begun)
            self._took += time.monotonic() - self._began[task.name]
            run = stored_run(self._folder.run(task.name))
            [self._ended[task.method, task.seed]] = outcomes(self._folder, [run], with_images=False)
            self._listener.on(TaskFinished(task, run, self._done, self._total, self._seconds_left()))
        elif isinstance(happened, Failed):
            self._running.remove(task)
            self._again_or_failed(task, happened)

    def _again_or_failed(self, task: Task, failed: Failed) -> None:
        again = not failed.final and task.attempt < MOST_ATTEMPTS
        self._listener.on(TaskFailed(task, failed.reason, again))
        if again:
            self._retried[task.method, task.seed] = Task(
                task.name, task.method, task.label, task.seed, task.attempt + 1, epochs=task.epochs
            )
            return
        if failed.disk:
            raise OverfitlabError(
                "disk_refuses_a_run", "{reason}, then run the same command to continue", reason=failed.reason.error()
            )
        self._record.failures[task.name] = Failure(task.method, task.seed, failed.reason, task.attempt, now())
        self._folder.write_record(self._record)

    def _planned(self, run: Run) -> float:
        return run_seconds(self._plan.costs[run[0]], self._plan.protocol, self._plan.parts)

    def _seconds_left(self) -> float:
        """Return how long the rest takes: as planned, corrected by how the finished runs compared with the plan."""
        scale = self._took / self._predicted if self._predicted else 1.0
        running = {(task.method, task.seed): task for task in self._running}
        needed = self._waited_for()
        left = [self._planned(run) * (1 - running[run].done) for run in needed if run in running]
        left += [self._planned(run) for run in needed if run not in running]
        return scale * study_seconds(left, max(1, self._executor.capacity))


def measured(
    executor: Executor[Task], methods: Iterable[tuple[str, str, RunConfig]], folder: StudyFolder, listener: Listener
) -> dict[str, Cost]:
    """Return what each method takes, in the order given; each is method, label and a run's configuration.

    As many are measured side by side as will train; where there are fewer methods some of them twice, and the median
    counts. Raises `OverfitlabError` where a method cannot be trained on these images with this network.
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
    return {method: _middle([cost for one, cost in found if one == method]) for method, *_ in asked}


def _middle(costs: list[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.step_seconds)[(len(costs) - 1) // 2]
