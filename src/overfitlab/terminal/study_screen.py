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
from overfitlab.report import metric_words
from overfitlab.report.seed_spread import known_deviation
from overfitlab.report.study_text import whole
from overfitlab.results.metric import BY_NAME
from overfitlab.stats.power import FEWEST
from overfitlab.study.cost import plan_seconds, run_seconds
from overfitlab.study.plan import power
from overfitlab.terminal.task_screen import duration
from overfitlab.terminal.training_screen import data_lines, falling
from overfitlab.words.language import ENGLISH, Language

LONG = 30 * 60  # seconds: longer studies are told what would be shorter
BAR_WIDTH = 24
REFRESHES = 4  # a second


class StudyLines(Listener):
    """Prints the plan, and a line where a run ends."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        self._stream, self._say = stream, say
        self._metric = "accuracy"

    def on(self, event: Event) -> None:
        """Print what there is to say."""
        for line in self._lines(event):
            self._print(line)

    def _lines(self, event: Event) -> list[str]:  # noqa: PLR0911 - a case for each event
        say = self._say
        match event:
            case CostsBegan():
                methods = say.count(event.methods, "method")
                return [say("Measuring a few steps of {methods}, to plan the study ...", methods=methods)]
            case StudyPlanned():
                self._metric = event.record.config.metric
                notes = [say("Note: {what}", what=say.reason(note)) for note in event.record.notes]
                plan = plan_text(event.record, event.jobs, say)
                return [*data_lines(event.record.data, say, RECORD), plan, *notes]
            case MemoryIsLittle():
                return [
                    say("Note: a run takes {one:,} MB and {free:,} MB are free, so {runs} at once.",
                        one=event.one, free=event.free, runs=say.count(event.jobs, "run"))
                ]  # fmt: skip
            case StudyOpened(finished=[_, *_]):
                return [
                    say("{runs} of {total} finished before, and are not trained again.",
                        runs=say.count(len(event.finished), "run"), total=event.total)
                ]  # fmt: skip
            case TaskStarted():
                return self._started(event)
            case TaskFinished():
                return self._finished(event)
            case TaskFailed():
                ending = say("it is tried again" if event.again else "it counts as failed")
                return [f"{_named(event.task, say)}: {say.reason(event.reason)}; {ending}"]
            case StudyStopping():
                self.close()
                return [say("Stopping after the step that each run is at; Ctrl-C again does not wait for it.")]
            case StudyEnded():
                self.close()
                return [ended_text(event, say)]
        return []

    def _started(self, event: TaskStarted) -> list[str]:
        say, name = self._say, _named(event.task, self._say)
        notes = [f"{name}: {'; '.join(map(say.reason, event.notes))}"] if event.notes else []
        if event.task.epoch:
            notes.append(say("{name}: goes on after epoch {epoch}, which was saved", name=name, epoch=event.task.epoch))
        return notes

    def _finished(self, event: TaskFinished) -> list[str]:
        say = self._say
        left = say("; about {time} left", time=duration(event.seconds_left)) if event.done < event.total else ""
        outcome = _outcome(event.run, self._metric, say)
        return [f"[{event.done}/{event.total}] {_named(event.task, say)}: {outcome}{left}"]

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
            epoch = self._say("epoch {epoch}/{epochs}", epoch=task.epoch, epochs=task.epochs)
            running.add_row(_named(task, self._say), bar, epoch, seen)
        head = self._say(
            "{done} of {total} runs done, about {time} left; Ctrl-C keeps what is there",
            done=len(self._ended), total=self._total, time=duration(seconds_left),
        )  # fmt: skip
        return Group(Text(head), running, self._so_far())

    def _so_far(self) -> Table:
        say = self._say
        table = Table(title=say("so far, provisional"), title_justify="left", box=None, padding=(0, 2))
        metric = BY_NAME[self._metric]
        test = say("test acc %") if metric.name == "accuracy" else metric_words.name(metric.name, say)
        columns = (say("method"), say("runs"), test, say("gap"), say("train acc %"))
        for number, column in enumerate(columns):
            table.add_column(column, justify="left" if number == 0 else "right")
        for method, label in self._labels.items():
            ended = [run for run in self._ended if run.record.own().config.method == method]
            known = [numbers for run in ended if (numbers := _numbers(run, self._metric)) is not None]
            cells = ["", "", ""]
            if known:
                *own, fit = (mean(column) for column in zip(*known, strict=True))
                places = metric_words.digits(metric.name)
                cells = [*(f"{metric.scale * value:.{places}f}" for value in own), f"{100 * fit:.1f}"]
            table.add_row(say.method(label), str(len(ended)), *cells)
        return table


def _numbers(run: StoredRun, metric: str) -> tuple[float, float, float] | None:
    """Return test metric, its gap and training accuracy at the end, as shares or nats; None where it diverged."""
    end = run.record.measured.end
    if end is None or end.test is None or end.training is None or end.validation is None:
        return None
    kind = BY_NAME[metric]
    training, validation, test = kind.of(end.training), kind.of(end.validation), kind.of(end.test)
    if training is None or validation is None or test is None:
        return None
    return test, kind.gap(training, validation), end.training.acc


def _named(task: Task, say: Language) -> str:
    return say("{method}, seed {seed}", method=say.method(task.label), seed=task.seed)


def plan_text(record: StudyRecord, jobs: int, say: Language = ENGLISH) -> str:
    """Return what a study will do, what that takes, and what it can decide."""
    config, plan = record.config, record.plan
    labels = {method: say.method(label) for method, label in record.labels.items()}
    protocol, parts = plan.protocol, plan.parts
    looks = ""
    if len(plan.looks) > 1:
        looks = say(", looked at after {seeds}", seeds=say.last_comma.join(map(str, plan.looks)))
    each = ", ".join(
        f"{labels[method]} {duration(run_seconds(cost, protocol, parts))}" for method, cost in plan.costs.items()
    )
    seconds, memory = plan_seconds(plan, jobs), plan.memory_mb(jobs)
    lines = [
        say(
            "Study: {methods} at {seeds} ({first} to {last}{looks}), {runs} runs, paired by seed",
            methods=say.count(len(config.methods), "method"), seeds=say.count(plan.seeds, "seed"),
            first=config.first_seed, last=config.first_seed + plan.seeds - 1, looks=looks,
            runs=len(config.methods) * plan.seeds,
        ),
        *([say("Contrasts: {contrasts}",
               contrasts=", ".join(f"{labels[method]} - {labels[against]}" for method, against in config.contrasts))]
          if config.contrasts else []),
        say(
            "Protocol: {name}, {training:,} training, {validation:,} validation, {test:,} test images, {epochs}, "
            "batches of {batch}, Adam {rate:g}{falling}; {model}",
            name=protocol.name, training=parts.training, validation=parts.validation, test=parts.test,
            epochs=say.count(protocol.epochs, "epoch"), batch=protocol.batch_size, rate=protocol.learning_rate,
            falling=falling(protocol, say), model=config.model,
        ),
        say(
            "Takes: about {time} with {runs} at once, {threads} each{memory}; a run: {each}",
            time=duration(seconds), runs=say.count(jobs, "run"), threads=say.count(plan.threads, "thread"),
            memory=f", {memory:,} MB" if memory else "", each=each,
        ),
    ]  # fmt: skip
    if plan.gave_up:
        given_up = "; ".join(map(say.reason, plan.gave_up))
        lines.append(say("Given up for the budget of {time}: {what}", time=duration(config.budget or 0), what=given_up))
    elif seconds > LONG and config.budget is None:
        lines.append(
            say("Shorter: --protocol quick takes minutes, --budget 30m gives up images and epochs, never seeds")
        )
    lines.append(power_text(record, say))
    return "\n".join(lines)


def power_text(record: StudyRecord, say: Language = ENGLISH) -> str:
    """Return what the number of seeds can decide."""
    config, plan = record.config, record.plan
    if not config.contrasts:
        if plan.seeds < 2:
            return say("Can say: the outcome of one seed, and nothing of how much the method varies.")
        return say("Can say: how much one method varies from seed to seed; {seeds} know that standard deviation to "
                   "{factors}.", seeds=say.count(plan.seeds, "seed"),
                   factors=known_deviation(plan.seeds, say))  # fmt: skip
    if plan.seeds < FEWEST:
        return say("Can decide: nothing with {seeds}; a verdict needs {least} at least.",
                   seeds=say.count(plan.seeds, "seed"), least=FEWEST)  # fmt: skip
    found = power(config, plan)
    differ = ", ".join(f"{each.points:g}: {_percent(each.chance, say)}" for each in found.differ)
    return say(
        "Can decide: a true difference in {metric} is found with a probability, by its size in {unit}, of "
        "{chances}; that there is none (within {margin:g}) is shown with {equal}. Assumed: paired differences vary by "
        "{deviation:g} {unit} (SD) from seed to seed.",
        metric=metric_words.name(config.metric, say), unit=say(BY_NAME[config.metric].unit),
        chances=differ, margin=config.margin, equal=_percent(found.equal, say), deviation=plan.deviation,
    )  # fmt: skip


def ended_text(event: StudyEnded, say: Language = ENGLISH) -> str:
    """Return what a study says, and where it lies."""
    folder, verdict = Path(event.folder), event.verdict
    lines = [say("This study has finished before; nothing is trained again.")] if event.before else []
    lines.append(f"\n{whole(verdict, event.record, say)}")
    duplicates = [DUPLICATES] if (folder / DUPLICATES).exists() else []
    where = {"file": folder / VERDICT, "others": ", ".join((RECORD, f"{RUNS}/", *duplicates))}
    wrote = say("See {file} (and {others})" if event.before else "Wrote {file} (and {others})", **where)
    lines.append(f"\n{wrote}")
    if verdict.recommended is not None:
        lines.append(
            say("Next: overfitlab train --like {folder} trains {method} on all the training images",
                folder=shlex.quote(str(folder)), method=say.method(verdict.label(verdict.recommended)))
        )  # fmt: skip
    return "\n".join(lines)


def _outcome(run: StoredRun, metric: str, say: Language) -> str:
    numbers = _numbers(run, metric)
    if numbers is None:
        return say("diverged in epoch {epoch}", epoch=len(run.rows))
    test, gap, _ = numbers
    return say(
        "{metric} {test}, gap {gap}, {time}", metric=metric_words.name(metric, say), test=f"{test:.4f}",
        gap=say("{number} points" if metric != "loss" else "{number} nats",
                number=f"{BY_NAME[metric].scale * gap:.{metric_words.digits(metric)}f}"),
        time=duration(run.record.times.training_seconds or 0.0),
    )  # fmt: skip


def _percent(chance: float, say: Language) -> str:
    return say("{percent:.0f} %", percent=100 * chance) if chance >= 0.005 else say("less than 1 %")
