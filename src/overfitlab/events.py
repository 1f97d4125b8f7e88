"""What happens while something runs, as plain values; and who listens.

One vocabulary and one listener for trainings, studies, downloads and everything else that takes long:

    class Mine(overfitlab.Listener):
        def on(self, event):
            print(event)

    overfitlab.train("dropout", listener=Mine())

A listener is told in the thread that works. From any other thread, `listener.cancel()` ends the work at the next step:
what was trained is kept, and `CancelledError` is raised.
"""

import threading
from collections.abc import Callable
from typing import Self

from msgspec import Struct

from overfitlab.errors import CancelledError
from overfitlab.reasons import Reason
from overfitlab.records.run_folder import StoredRun
from overfitlab.records.run_record import OwnRunRecord, RunRecord
from overfitlab.records.study_record import StudyRecord
from overfitlab.results.history import EpochRow
from overfitlab.stats.forecast import Forecast
from overfitlab.stats.reading import Progress
from overfitlab.stats.verdict import Verdict


class Event(Struct, frozen=True):
    """Something that happened."""


# Work on files: downloads, images that are read, evaluations. One task at a time.


class TaskBegan(Event, frozen=True):
    """Work begins: what it is, how much there is (None where unknown), and how much of it is done."""

    task: Reason
    total: int | None
    unit: str  # "bytes", "images", ...
    done: int = 0


class TaskAdvanced(Event, frozen=True):
    """So much of the task is done, counted from zero."""

    done: int


class TaskEnded(Event, frozen=True):
    """The task is over, well or not."""


class TaskNoted(Event, frozen=True):
    """Something to know while it goes on, for example that a mirror does not answer."""

    reason: Reason


# One training.


class ImagesLoaded(Event, frozen=True):
    """The images are there."""

    name: str
    origin: str  # where they were read from
    images: int
    image_shape: tuple[int, int, int]  # height, width, channels
    classes: int
    note: Reason | None
    unexpected: bool  # whether they are others than the reader will expect


class Noted(Event, frozen=True):
    """Something that a reader of the results has to know."""

    reason: Reason


class RunBegan(Event, frozen=True):
    """A run begins, or goes on after its last finished epoch."""

    record: OwnRunRecord
    rows: list[EpochRow]  # that were finished before
    changed: list[str]  # of machine and packages, since the run began
    notes: list[Reason]  # on what it goes on from, where that is not the last checkpoint
    cores: int  # that it has claimed
    usable_cores: int  # of so many
    taken_cores: int  # of which other trainings hold so many


class EpochBegan(Event, frozen=True):
    """Epoch `epoch` of `epochs`, of that many steps, begins."""

    epoch: int
    epochs: int
    steps: int


class StepDone(Event, frozen=True):
    """Step `step` of the epoch, from 1, is done; told a few times a second, with the running means of the epoch."""

    step: int
    loss: float
    acc: float


class ValidationBegan(Event, frozen=True):
    """Training of the epoch is done, validation begins."""


class EpochEnded(Event, frozen=True):
    """The epoch of that many steps is done, and saved."""

    row: EpochRow
    steps: int


class MeasuringBegan(Event, frozen=True):
    """Training is over, its outcome is measured."""


class RunEnded(Event, frozen=True):
    """A run has ended."""

    folder: str
    record: RunRecord
    rows: list[EpochRow]
    before: bool  # it had ended before, and nothing was trained


# A study.


class Task(Struct):
    """A run that is to be trained, or is being trained."""

    name: str  # of its folder
    method: str
    label: str
    seed: int
    attempt: int = 1
    epoch: int = 0  # the one that runs, or ran last
    epochs: int = 0  # of the protocol
    begun: float = 0.0  # of the run, from 0 to 1: what was done before this session
    done: float = 0.0  # and what is done now
    val_acc: float | None = None  # after its last finished epoch
    train_acc: float | None = None
    val_loss: float | None = None
    measured: int = 0  # the epoch that these three are of; 0 before the first one of this session


class CostsBegan(Event, frozen=True):
    """What so many methods take is being measured."""

    methods: int


class MemoryIsLittle(Event, frozen=True):
    """A run takes `one` MB and `free` MB are free, so only `jobs` runs are trained at once."""

    one: int
    free: int
    jobs: int


class StudyPlanned(Event, frozen=True):
    """What will be trained is settled, and how many runs at once."""

    record: StudyRecord
    jobs: int


class StudyOpened(Event, frozen=True):
    """Training begins, with these runs finished before, of so many."""

    finished: list[StoredRun]
    total: int


class TaskStarted(Event, frozen=True):
    """A run of a study begins, or goes on after `task.epoch` epochs; `notes` say from what, where that is unusual."""

    task: Task
    notes: list[Reason]


class TasksAdvanced(Event, frozen=True):
    """The runs that are being trained have come so far; told a few times a second."""

    tasks: list[Task]
    seconds_left: float


class TaskFinished(Event, frozen=True):
    """A run of a study has ended, the `done`-th of `total`."""

    task: Task
    run: StoredRun
    done: int
    total: int
    seconds_left: float


class TaskFailed(Event, frozen=True):
    """A run could not be trained; it is tried `again`, or counts as failed."""

    task: Task
    reason: Reason
    again: bool


class RoundRead(Event, frozen=True):
    """A study that goes on until all is decided has read another round; words, p and intervals hold as they are."""

    progress: Progress
    verdict: Verdict
    forecast: Forecast | None  # what to expect from here; None when it is over


class StudyStopping(Event, frozen=True):
    """The user wants the study to stop, and its runs are being ended."""


class StudyEnded(Event, frozen=True):
    """A study has ended."""

    folder: str
    record: StudyRecord
    verdict: Verdict
    before: bool  # it had ended before, and nothing was trained


class Listener:
    """Is told what happens; this one ignores it all."""

    _cancelled: threading.Event

    def __new__(cls, *_: object, **__: object) -> Self:
        """Make the listener ready to be cancelled, whatever its own `__init__` does."""
        made = super().__new__(cls)
        made._cancelled = threading.Event()
        return made

    def on(self, event: Event) -> None:
        """Take note of an event; called in the thread that works, which waits for it."""

    def close(self) -> None:
        """The work is over, well or not: take away what does not stay."""

    def cancel(self) -> None:
        """Ask for the end, from any thread; the work stops at the next step."""
        self._cancelled.set()

    def advanced(self, done: int) -> None:
        """So much of a task is done; raises `CancelledError` where the end was asked for."""
        self.on(TaskAdvanced(done))
        self.check()

    def check(self) -> None:
        """Raise `CancelledError` where the end was asked for."""
        if self._cancelled.is_set():
            raise CancelledError("cancelled", "stopped, as the listener asked; the same call continues")


class Callback(Listener):
    """A listener that calls a function."""

    def __init__(self, function: Callable[[Event], object]) -> None:
        self._function = function

    def on(self, event: Event) -> None:
        """Call it."""
        self._function(event)


class Several(Listener):
    """Several listeners as one; each of them can cancel."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def on(self, event: Event) -> None:
        """Tell all of them."""
        for each in self._listeners:
            each.on(event)

    def close(self) -> None:
        """Close all of them."""
        for each in self._listeners:
            each.close()

    def check(self) -> None:
        """Raise `CancelledError` where one of them asked for the end."""
        for each in self._listeners:
            each.check()


def listening(given: Listener | Callable[[Event], object] | None, *others: Listener) -> Listener:
    """Return one listener for what a user hands in, a listener or a function, and the `others`."""
    own = [] if given is None else [given if isinstance(given, Listener) else Callback(given)]
    return Several(*own, *others)
