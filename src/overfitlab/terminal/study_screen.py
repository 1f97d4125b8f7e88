"""What a study says on screen: the plan, a live table or plain lines while it trains, and the verdict."""

from pathlib import Path
from statistics import mean
from typing import TextIO

from rich.cells import cell_len
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
    RoundRead,
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
from overfitlab.report import metric_words
from overfitlab.report.data_text import data_lines
from overfitlab.report.round_news import news
from overfitlab.report.study_text import short, whole
from overfitlab.results.metric import BY_NAME
from overfitlab.terminal.plan_text import plan_text
from overfitlab.terminal.task_screen import duration
from overfitlab.words.columns import cut, flowing, screen_width, wrapped
from overfitlab.words.language import ENGLISH, Language

BAR_WIDTH, NARROWEST_BAR = 24, 4
REFRESHES = 4  # a second


class StudyLines(Listener):
    """Prints the plan, and a line where a run ends."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH, *, full: bool = False) -> None:
        self._stream, self._say, self._full = stream, say, full
        self._metric = "accuracy"

    def on(self, event: Event) -> None:
        """Print what there is to say."""
        lines = self._lines(event)
        if not isinstance(event, StudyPlanned | StudyEnded):  # whose tables and commands are laid out already
            lines = self._flowing(lines)
        for line in lines:
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
                plan = plan_text(event.record, event.jobs, say, full=self._full, width=screen_width(self._stream))
                first = event.record.config.first_seed if "split" in event.record.plan.protocol.vary else None
                return [*self._flowing(data_lines(event.record.data, say, RECORD, first)), plan, *self._flowing(notes)]
            case MemoryIsLittle():
                return [
                    say("Note: a run takes {one:,} MB and {free:,} MB are free, so {runs} at once.",
                        one=event.one, free=event.free, runs=say.count(event.jobs, "run"))
                ]  # fmt: skip
            case StudyOpened(finished=[_, *_]):
                return [
                    say("{runs} of {total} have already finished and are not trained again.",
                        runs=say.count(len(event.finished), "run"), total=event.total)
                ]  # fmt: skip
            case TaskStarted():
                return self._started(event)
            case TaskFinished():
                return self._finished(event)
            case RoundRead():
                return news(event.verdict, event.forecast, say) if event.progress.wanted else []
            case TaskFailed():
                ending = say("it is tried again" if event.again else "it counts as failed")
                return [f"{_named(event.task, say)}: {say.reason(event.reason)}; {ending}"]
            case StudyStopping():
                self.close()
                return [say("Stopping after the current step of each run; press Ctrl-C again to stop at once.")]
            case StudyEnded():
                self.close()
                return [ended_text(event, say, full=self._full, width=screen_width(self._stream))]
        return []

    def _started(self, event: TaskStarted) -> list[str]:
        say, name = self._say, _named(event.task, self._say)
        notes = [f"{name}: {'; '.join(map(say.reason, event.notes))}"] if event.notes else []
        if event.task.epoch:
            notes.append(say("{name}: resumes after epoch {epoch}", name=name, epoch=event.task.epoch))
        return notes

    def _finished(self, event: TaskFinished) -> list[str]:
        say = self._say
        left = say("; about {time} left", time=duration(event.seconds_left)) if event.done < event.total else ""
        outcome = _outcome(event.run, self._metric, say)
        return [f"[{event.done}/{event.total}] {_named(event.task, say)}: {outcome}{left}"]

    def _flowing(self, lines: list[str]) -> list[str]:
        return [flowing(line, screen_width(self._stream)) for line in lines]

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class LiveStudy(StudyLines):
    """Shows every run that is being trained, and what the finished ones say so far, without any verdict."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH, *, full: bool = False) -> None:
        super().__init__(stream, say, full=full)
        self._console = Console(file=stream, highlight=False)
        self._live: Live | None = None
        self._ended: list[StoredRun] = []
        self._labels: dict[str, str] = {}
        self._total = 0
        self._rounds = False

    def on(self, event: Event) -> None:
        """Draw the table anew, and print what stays above it."""
        super().on(event)
        match event:
            case StudyPlanned():
                self._labels = event.record.labels
                self._rounds = event.record.config.until_decided is not None
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
        running, width = Table.grid(padding=(0, 2)), self._console.width
        for _ in range(4):
            running.add_column(no_wrap=True)
        epochs = [self._say("epoch {epoch}/{epochs}", epoch=task.epoch, epochs=task.epochs) for task in tasks]
        names = [_named(task, self._say) for task in tasks]
        taken = max(map(cell_len, epochs), default=0) + len("val_acc 0.000") + 3 * len("  ")
        names = [cut(name, width - taken - NARROWEST_BAR) for name in names]
        bar_width = min(BAR_WIDTH, width - taken - max(map(cell_len, names), default=0))
        for task, name, epoch in zip(tasks, names, epochs, strict=True):
            seen = f"val_acc {task.val_acc:.3f}" if task.val_acc is not None else ""
            running.add_row(name, ProgressBar(total=1, completed=task.done, width=bar_width), epoch, seen)
        head = self._say(
            "{done} of {total} runs done, about {time} left; Ctrl-C keeps results",
            done=len(self._ended), total=self._total, time=duration(seconds_left),
        )  # fmt: skip
        return Group(Text("\n".join(wrapped(head, width))), running, self._so_far())

    def _so_far(self) -> Table:
        say = self._say
        title = say("so far" if self._rounds else "so far, provisional")
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
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


def ended_text(event: StudyEnded, say: Language = ENGLISH, *, full: bool = False, width: int | None = None) -> str:
    """Return what a study says, and where it lies; `full` with every table, `width` as in `report.study_text`."""
    folder, verdict = Path(event.folder), event.verdict
    lines = [say("This study has already finished, so nothing is trained again.")] if event.before else []
    told = whole if full else short
    lines.append(f"\n{told(verdict, event.record, str(folder), say, width)}\n")
    duplicates = [DUPLICATES] if (folder / DUPLICATES).exists() else []
    where = {"file": folder / VERDICT, "others": ", ".join((RECORD, f"{RUNS}/", *duplicates))}
    lines.append(say("See {file} (and {others})" if event.before else "Wrote {file} (and {others})", **where))
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
