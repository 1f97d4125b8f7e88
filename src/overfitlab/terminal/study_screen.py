"""What a study says on screen: the plan, a live table or plain lines while it trains, and the verdict."""

import shlex
from pathlib import Path
from statistics import mean
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from overfitlab.events import (
    CostsBegan,
    Event,
    Listener,
    MemoryIsLittle,
    StudyEnded,
    StudyOpened,
    StudyPlanned,
    StudyStopping,
    Task,
    TaskFailed,
    TaskFinished,
    TasksAdvanced,
    TaskStarted,
)
from overfitlab.records.run_folder import DUPLICATES, StoredRun
from overfitlab.records.study_folder import RECORD, RUNS, VERDICT
from overfitlab.records.study_record import StudyRecord
from overfitlab.report.study_text import whole
from overfitlab.stats.power import FEWEST
from overfitlab.study.cost import plan_seconds, run_seconds
from overfitlab.study.plan import power
from overfitlab.terminal.task_screen import duration
from overfitlab.terminal.training_screen import data_lines
from overfitlab.words.language import ENGLISH, Language

LONG = 30 * 60  # seconds: longer studies are told what would be shorter
BAR_WIDTH = 24
REFRESHES = 4  # a second


class StudyLines(Listener):
    """Prints the plan, and a line where a run ends."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        self._stream, self._say = stream, say

    def on(self, event: Event) -> None:
        """Print what there is to say."""
        for line in self._lines(event):
            self._print(line)

    def _lines(self, event: Event) -> list[str]:  # noqa: PLR0911 - a case for each event
        match event:
            case CostsBegan():
                return [f"Measuring a few steps of {_count(event.methods, 'method')}, to plan the study ..."]
            case StudyPlanned():
                notes = [f"Note: {self._say.reason(note)}" for note in event.record.notes]
                plan = plan_text(event.record, event.jobs, self._say)
                return [*data_lines(event.record.data, self._say, RECORD), plan, *notes]
            case MemoryIsLittle():
                at_once = _count(event.jobs, "run")
                return [f"Note: a run takes {event.one:,} MB and {event.free:,} MB are free, so {at_once} at once."]
            case StudyOpened(finished=[_, *_]):
                there = _count(len(event.finished), "run")
                return [f"{there} of {event.total} finished before, and are not trained again."]
            case TaskStarted():
                return self._started(event)
            case TaskFinished():
                return self._finished(event)
            case TaskFailed():
                ending = "it is tried again" if event.again else "it counts as failed"
                return [f"{_named(event.task)}: {self._say.reason(event.reason)}; {ending}"]
            case StudyStopping():
                self.close()
                return ["Stopping after the step that each run is at; Ctrl-C again does not wait for it."]
            case StudyEnded():
                self.close()
                return [ended_text(event, self._say)]
        return []

    def _started(self, event: TaskStarted) -> list[str]:
        notes = [f"{_named(event.task)}: {'; '.join(map(self._say.reason, event.notes))}"] if event.notes else []
        if event.task.epoch:
            notes.append(f"{_named(event.task)}: goes on after epoch {event.task.epoch}, which was saved")
        return notes

    def _finished(self, event: TaskFinished) -> list[str]:
        left = f"; about {duration(event.seconds_left)} left" if event.done < event.total else ""
        return [f"[{event.done}/{event.total}] {_named(event.task)}: {_outcome(event.run)}{left}"]

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class LiveStudy(StudyLines):
    """Shows every run that is being trained, and what the finished ones say so far, without any verdict."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        super().__init__(stream, say)
        self._console = Console(file=stream, highlight=False)
        self._live: Live | None = None
        self._ended: list[StoredRun] = []
        self._labels: dict[str, str] = {}
        self._total = 0

    def on(self, event: Event) -> None:
        """Draw the table anew, and print what stays above it."""
        super().on(event)
        match event:
            case StudyPlanned():
                self._labels = event.record.labels
            case StudyOpened():
                self._ended, self._total = list(event.finished), event.total
                self.close()
                self._live = Live(console=self._console, refresh_per_second=REFRESHES, transient=True)
                self._live.start()
            case TasksAdvanced() if self._live is not None:
                self._live.update(self._shown(event.tasks, event.seconds_left))

    def close(self) -> None:
        """Take the table away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _finished(self, event: TaskFinished) -> list[str]:
        """Count the run in; its numbers are in the table."""
        self._ended.append(event.run)
        return []

    def _print(self, text: str) -> None:
        """Print lines, above the table."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _shown(self, tasks: list[Task], seconds_left: float) -> Group:
        running = Table.grid(padding=(0, 2))
        for task in tasks:
            seen = f"val_acc {task.val_acc:.3f}" if task.val_acc is not None else ""
            bar = ProgressBar(total=1, completed=task.done, width=BAR_WIDTH)
            running.add_row(_named(task), bar, f"epoch {task.epoch}/{task.epochs}", seen)
        head = Text(
            f"{len(self._ended)} of {self._total} runs done, about {duration(seconds_left)} left; Ctrl-C keeps what is "
            "there"
        )
        return Group(head, running, self._so_far())

    def _so_far(self) -> Table:
        table = Table(title="so far, provisional", title_justify="left", box=None, padding=(0, 2))
        for number, column in enumerate(("method", "runs", "test acc %", "gap", "train acc %")):
            table.add_column(column, justify="left" if number == 0 else "right")
        for method, label in self._labels.items():
            ended = [run for run in self._ended if run.record.own().config.method == method]
            known = [numbers for run in ended if (numbers := _numbers(run)) is not None]
            cells = [f"{100 * mean(column):.1f}" for column in zip(*known, strict=True)] if known else ["", "", ""]
            table.add_row(label, str(len(ended)), *cells)
        return table


def _numbers(run: StoredRun) -> tuple[float, float, float] | None:
    """Return test accuracy, gap and training accuracy at the end, from 0 to 1; None where it diverged."""
    end = run.record.measured.end
    if end is None or end.test is None or end.training is None or end.validation is None:
        return None
    return end.test.acc, end.training.acc - end.validation.acc, end.training.acc


def _named(task: Task) -> str:
    return f"{task.label}, seed {task.seed}"


def plan_text(record: StudyRecord, jobs: int, say: Language = ENGLISH) -> str:
    """Return what a study will do, what that takes, and what it can decide."""
    config, plan, labels = record.config, record.plan, record.labels
    protocol, parts = plan.protocol, plan.parts
    runs = len(config.methods) * plan.seeds
    last = config.first_seed + plan.seeds - 1
    looks = f", looked at after {' and '.join(map(str, plan.looks))}" if len(plan.looks) > 1 else ""
    contrasts = ", ".join(f"{labels[method]} - {labels[against]}" for method, against in config.contrasts)
    each = ", ".join(
        f"{labels[method]} {duration(run_seconds(cost, protocol, parts))}" for method, cost in plan.costs.items()
    )
    seconds = plan_seconds(plan, jobs)
    memory = plan.memory_mb(jobs)
    lines = [
        f"Study: {_count(len(config.methods), 'method')} at {_count(plan.seeds, 'seed')} ({config.first_seed} to {last}"
        f"{looks}), {runs} runs, paired by seed",
        f"Contrasts: {contrasts}",
        f"Protocol: {protocol.name}, {parts.training:,} training, {parts.validation:,} validation, {parts.test:,} test "
        f"images, {_count(protocol.epochs, 'epoch')}, batches of {protocol.batch_size}, Adam {protocol.learning_rate:g}"
        f"{', falling to zero along a cosine' * (protocol.schedule == 'cosine')}; {config.model}",
        f"Takes: about {duration(seconds)} with {_count(jobs, 'run')} at once, {_count(plan.threads, 'thread')} each"
        f"{f', {memory:,} MB' if memory else ''}; a run: {each}",
    ]
    if plan.gave_up:
        given_up = "; ".join(map(say.reason, plan.gave_up))
        lines.append(f"Given up for the budget of {duration(config.budget or 0)}: {given_up}")
    elif seconds > LONG and config.budget is None:
        lines.append("Shorter: --protocol quick takes minutes, --budget 30m gives up images and epochs, never seeds")
    lines.append(power_text(record))
    return "\n".join(lines)


def power_text(record: StudyRecord) -> str:
    """Return what the number of seeds can decide."""
    config, plan = record.config, record.plan
    if plan.seeds < FEWEST:
        return f"Can decide: nothing with {_count(plan.seeds, 'seed')}; a verdict needs {FEWEST} at least."
    found = power(config, plan)
    differ = ", ".join(f"{each.points:g}: {_percent(each.chance)}" for each in found.differ)
    return (
        f"Can decide: a true difference in test accuracy is found with a probability, by its size in points, of "
        f"{differ}; that there is none (within {config.accuracy_zone:g}) is shown with {_percent(found.equal)}. "
        f"Assumed: paired differences vary by {plan.deviation:g} points (SD) from seed to seed."
    )


def ended_text(event: StudyEnded, say: Language = ENGLISH) -> str:
    """Return what a study says, and where it lies."""
    folder, verdict = Path(event.folder), event.verdict
    lines = ["This study has finished before; nothing is trained again."] if event.before else []
    lines.append(f"\n{whole(verdict, event.record, say)}")
    duplicates = [DUPLICATES] if (folder / DUPLICATES).exists() else []
    others = ", ".join((RECORD, f"{RUNS}/", *duplicates))
    lines.append(f"\n{'See' if event.before else 'Wrote'} {folder / VERDICT} (and {others})")
    if verdict.recommended is not None:
        what = f"trains {verdict.label(verdict.recommended)} on all the training images"
        lines.append(f"Next: overfitlab train --like {shlex.quote(str(folder))} {what}")
    return "\n".join(lines)


def _outcome(run: StoredRun) -> str:
    numbers = _numbers(run)
    if numbers is None:
        return f"diverged in epoch {len(run.rows)}"
    accuracy, gap, _ = numbers
    seconds = run.record.times.training_seconds or 0.0
    return f"test accuracy {accuracy:.4f}, gap {100 * gap:.1f} points, {duration(seconds)}"


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %" if chance >= 0.005 else "less than 1 %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
