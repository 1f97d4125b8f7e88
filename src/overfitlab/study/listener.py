"""Who wants to know how a study goes on."""

from dataclasses import dataclass
from typing import Any

from overfitlab.config import StudyConfig
from overfitlab.records.index import Entry
from overfitlab.study.plan import StudyPlan


@dataclass
class Task:
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


class Listener:
    """Is told what happens; the base class ignores it all."""

    def measuring(self, total: int) -> None:
        """The costs of so many methods are being measured."""

    def little_memory(self, one: int, free: int, jobs: int) -> None:
        """A run takes `one` MB and `free` MB are free, so only `jobs` runs are trained at once."""

    def planned(self, config: StudyConfig, plan: StudyPlan, record: dict[str, Any], jobs: int) -> None:
        """What will be trained is settled, and how many runs at once."""

    def opened(self, finished: list[Entry], total: int) -> None:
        """Training begins, with these runs finished before, of so many."""

    def started(self, task: Task) -> None:
        """A run begins, or goes on after `task.epoch` epochs."""

    def noted(self, task: Task, note: str) -> None:
        """There is something to know about where a run goes on from."""

    def advanced(self, tasks: list[Task], seconds_left: float) -> None:
        """The runs that are being trained have come so far; called a few times a second."""

    def finished(self, task: Task, entry: Entry, done: int, total: int, seconds_left: float) -> None:
        """A run has ended, the `done`-th of `total`."""

    def failed(self, task: Task, reason: str, *, again: bool) -> None:
        """A run could not be trained; it is tried `again`, or counted as failed."""

    def stopping(self) -> None:
        """The user wants the study to stop, and its runs are being ended."""

    def close(self) -> None:
        """Take away what does not stay; also after an interruption."""
