"""The contract of who carries out the runs of a study."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from overfitlab.study.execute.messages import Done, Epoch, Failed, Probe, Probed, Started, Stepped, Train

Handle = TypeVar("Handle")  # what a task is to whoever submits it
Happened = Started | Stepped | Epoch | Probed | Done | Failed


@dataclass(frozen=True)
class Report(Generic[Handle]):
    """What happened to a task; after `Probed`, `Done` or `Failed` nothing more comes of it."""

    handle: Handle
    happened: Happened


class Executor(ABC, Generic[Handle]):
    """Carries out tasks, so many at once; all of them stop when the block ends, however it ends.

    Whatever it runs them on: the folder of a run is the truth, so a task that is lost with its process or its machine
    can be submitted again, and goes on after its last finished epoch.
    """

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many tasks are carried out at once."""

    @abstractmethod
    def submit(self, handle: Handle, task: Train | Probe, patience: float) -> None:
        """Take a task; it is given up, and reported as failed, after `patience` seconds without a word from it."""

    @abstractmethod
    def next(self, timeout: float) -> Report[Handle] | None:
        """Return what happened next; None where nothing did in so many seconds.

        Raises `OverfitlabError` where nothing can be carried out any more.
        """

    @abstractmethod
    def stop(self) -> None:
        """Let all tasks stop: a run ends with what its last finished epoch left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
