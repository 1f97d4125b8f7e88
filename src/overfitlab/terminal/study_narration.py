"""What a study says on screen: the plan, a live table or plain lines while it trains, and the verdict."""

import shlex
from statistics import mean
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from overfitlab.config import StudyConfig
from overfitlab.records.index import Entry
from overfitlab.records.run_folder import DUPLICATES
from overfitlab.records.study_folder import INDEX, RECORD, RUNS, VERDICT
from overfitlab.report.study_text import whole
from overfitlab.stats.power import FEWEST
from overfitlab.study.cost import run_seconds
from overfitlab.study.judging import Verdict
from overfitlab.study.listener import Listener, Task
from overfitlab.study.plan import StudyPlan, power
from overfitlab.study.study import Study
from overfitlab.terminal.narration import Narrator
from overfitlab.terminal.watching import duration

LONG = 30 * 60  # seconds: longer studies are told what would be shorter
BAR_WIDTH = 24
REFRESHES = 4  # a second


def listener_on(stream: TextIO | None) -> Listener:
    """Return who shows a study on that stream; nobody does on None."""
    if stream is None:
        return Listener()
    return LiveStudy(stream) if stream.isatty() else StudyLines(stream)


class StudyLines(Listener):
    """Prints the plan, and a line where a run ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._narrator = Narrator(stream)

    def measuring(self, total: int) -> None:
        """Say so."""
        self.say(f"Measuring a few steps of {_count(total, 'method')}, to plan the study ...")

    def planned(self, config: StudyConfig, plan: StudyPlan, record: dict[str, Any], jobs: int) -> None:
        """Say what will be trained, how long that takes, and what it can decide."""
        self._narrator.findings(record["data"], RECORD)
        self.say(plan_text(config, plan, record["labels"], jobs))
        for note in record["notes"]:
            self.say(f"Note: {note}")

    def little_memory(self, one: int, free: int, jobs: int) -> None:
        """Say why fewer runs are trained at once."""
        self.say(f"Note: a run takes {one:,} MB and {free:,} MB are free, so {_count(jobs, 'run')} at once.")

    def opened(self, finished: list[Entry], total: int) -> None:
        """Say what is there already."""
        if finished:
            self.say(f"{_count(len(finished), 'run')} of {total} finished before, and are not trained again.")

    def started(self, task: Task) -> None:
        """Say where an interrupted run goes on."""
        if task.epoch:
            self.say(f"{task.label}, seed {task.seed}: goes on after epoch {task.epoch}, which was saved")

    def noted(self, task: Task, note: str) -> None:
        """Say it."""
        self.say(f"{task.label}, seed {task.seed}: {note}")

    def finished(self, task: Task, entry: Entry, done: int, total: int, seconds_left: float) -> None:
        """Print the run's line."""
        left = f"; about {duration(seconds_left)} left" if done < total else ""
        self.say(f"[{done}/{total}] {task.label}, seed {task.seed}: {_outcome(entry)}{left}")

    def failed(self, task: Task, reason: str, *, again: bool) -> None:
        """Say what went wrong."""
        self.say(f"{task.label}, seed {task.seed}: {reason}; {'it is tried again' if again else 'it counts as failed'}")

    def stopping(self) -> None:
        """Say what the pause is, and how to cut it short."""
        self.close()
        self.say("Stopping after the step that each run is at; Ctrl-C again does not wait for it.")

    def say(self, text: str) -> None:
        """Print lines."""
        print(text, file=self._stream, flush=True)


class LiveStudy(StudyLines):
    """Shows every run that is being trained, and what the finished ones say so far, without any verdict."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._console = Console(file=stream, highlight=False)
        self._live: Live | None = None
        self._entries: list[Entry] = []
        self._labels: dict[str, str] = {}
        self._methods: tuple[str, ...] = ()
        self._total = 0

    def planned(self, config: StudyConfig, plan: StudyPlan, record: dict[str, Any], jobs: int) -> None:
        """Say what will be trained."""
        super().planned(config, plan, record, jobs)
        self._labels, self._methods = record["labels"], config.methods

    def opened(self, finished: list[Entry], total: int) -> None:
        """Open the table."""
        super().opened(finished, total)
        self._entries, self._total = list(finished), total
        self.close()
        self._live = Live(console=self._console, refresh_per_second=REFRESHES, transient=True)
        self._live.start()

    def advanced(self, tasks: list[Task], seconds_left: float) -> None:
        """Draw the table anew."""
        if self._live is not None:
            self._live.update(self._shown(tasks, seconds_left))

    def finished(self, task: Task, entry: Entry, done: int, total: int, seconds_left: float) -> None:
        """Count the run in; its numbers are in the table."""
        self._entries.append(entry)

    def say(self, text: str) -> None:
        """Print lines, above the table."""
        self._console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Take the table away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _shown(self, tasks: list[Task], seconds_left: float) -> Group:
        running = Table.grid(padding=(0, 2))
        for task in tasks:
            seen = f"val_acc {task.val_acc:.3f}" if task.val_acc is not None else ""
            running.add_row(
                f"{task.label}, seed {task.seed}",
                ProgressBar(total=1, completed=task.done, width=BAR_WIDTH),
                f"epoch {task.epoch}/{task.epochs}",
                seen,
            )
        done = len(self._entries)
        head = Text(
            f"{done} of {self._total} runs done, about {duration(seconds_left)} left; Ctrl-C keeps what is there"
        )
        return Group(head, running, self._so_far())

    def _so_far(self) -> Table:
        table = Table(title="so far, provisional", title_justify="left", box=None, padding=(0, 2))
        for number, column in enumerate(("method", "runs", "test acc %", "gap", "train acc %")):
            table.add_column(column, justify="left" if number == 0 else "right")
        for method in self._methods:
            ended = [entry for entry in self._entries if entry.record["config"]["method"] == method]
            ends = [entry.record["result"]["measured"].get("end") for entry in ended]
            known = [end for end in ends if end]
            cells = ["", "", ""]
            if known:
                numbers = (
                    mean(end["test"]["acc"] for end in known),
                    mean(end["training"]["acc"] - end["validation"]["acc"] for end in known),
                    mean(end["training"]["acc"] for end in known),
                )
                cells = [f"{100 * number:.1f}" for number in numbers]
            table.add_row(self._labels[method], str(len(ended)), *cells)
        return table


def plan_text(config: StudyConfig, plan: StudyPlan, labels: dict[str, str], jobs: int) -> str:
    """Return what a study will do, what that takes, and what it can decide."""
    protocol, parts = plan.protocol, plan.parts
    runs = len(config.methods) * plan.seeds
    last = config.first_seed + plan.seeds - 1
    looks = f", looked at after {' and '.join(map(str, plan.looks))}" if len(plan.looks) > 1 else ""
    contrasts = ", ".join(f"{labels[method]} - {labels[against]}" for method, against in config.contrasts)
    each = ", ".join(
        f"{labels[method]} {duration(run_seconds(cost, protocol, parts))}" for method, cost in plan.costs.items()
    )
    seconds = plan.seconds(jobs)
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
        lines.append(f"Given up for the budget of {duration(config.budget or 0)}: {'; '.join(plan.gave_up)}")
    elif seconds > LONG and config.budget is None:
        lines.append("Shorter: --protocol quick takes minutes, --budget 30m gives up images and epochs, never seeds")
    lines.append(power_text(config, plan))
    return "\n".join(lines)


def power_text(config: StudyConfig, plan: StudyPlan) -> str:
    """Return what the number of seeds can decide."""
    if plan.seeds < FEWEST:
        return f"Can decide: nothing with {_count(plan.seeds, 'seed')}; a verdict needs {FEWEST} at least."
    found = power(config, plan)
    differ = ", ".join(f"{points:g}: {_percent(chance)}" for points, chance in found["differ"].items())
    return (
        f"Can decide: a true difference in test accuracy is found with a probability, by its size in points, of "
        f"{differ}; that there is none (within {config.accuracy_zone:g}) is shown with {_percent(found['equal'])}. "
        f"Assumed: paired differences vary by {plan.deviation:g} points (SD) from seed to seed."
    )


def show_study(study: Study, verdict: Verdict, stream: TextIO | None, *, trained_before: bool = False) -> None:
    """Print what a study says, and where it lies."""
    if stream is None:
        return
    if trained_before:
        print("This study has finished before; nothing is trained again.", file=stream)
    print(f"\n{whole(verdict.as_dict(), study.record)}", file=stream)
    duplicates = [DUPLICATES] if (study.folder / DUPLICATES).exists() else []
    others = ", ".join((RECORD, f"{RUNS}/", INDEX, *duplicates))
    verb = "See" if trained_before else "Wrote"
    print(f"\n{verb} {study.folder / VERDICT} (and {others})", file=stream)
    if verdict.recommended is not None:
        label = study.labels[verdict.recommended]
        what = f"trains {label} on all the training images"
        print(f"Next: overfitlab train --like {shlex.quote(str(study.folder))} {what}", file=stream, flush=True)


def _outcome(entry: Entry) -> str:
    measured = entry.record["result"]["measured"]
    if not measured:
        return f"diverged in epoch {len(entry.rows)}"
    end = measured["end"]
    gap = 100 * (end["training"]["acc"] - end["validation"]["acc"])
    seconds = entry.record["times"]["training_seconds"]
    return f"test accuracy {end['test']['acc']:.4f}, gap {gap:.1f} points, {duration(seconds)}"


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %" if chance >= 0.005 else "less than 1 %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
