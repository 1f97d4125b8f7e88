"""What `study.json` says, as typed values: what was asked for, the plan that it led to, and how far it has come."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from overfitlab.config import MOST_SEEDS, Protocol, StudyConfig
from overfitlab.display import display_name
from overfitlab.machine import Facts
from overfitlab.reasons import Reason
from overfitlab.records.data_record import DataRecord
from overfitlab.records.kinds import Count, Identity, Moment, Positive, Seconds, Side, Text
from overfitlab.records.run_record import Producer

FORMAT = 4
Status = Literal["running", "interrupted", "finished"]
RUNNING, INTERRUPTED, FINISHED = STATUSES = get_args(Status)
Seeds = Annotated[int, Meta(ge=1, le=MOST_SEEDS)]


class PartSizes(Struct, frozen=True):
    """How many images train, validate and test."""

    training: Positive
    validation: Count
    test: Count


class Cost(Struct, frozen=True):
    """What one method takes, measured on this machine with as many runs at once as the study will have."""

    step_seconds: Seconds  # a training step
    image_seconds: Seconds  # an image in evaluation mode
    save_seconds: Seconds  # a checkpoint
    memory_mb: Count | None  # the most that a process held, in MB (10^6 bytes)
    parameters: Count


class StudyPlan(Struct, frozen=True):
    """What a study will do; it is made once and kept, so that the same command always resumes.

    Raises `ValueError` for looks that are not ascending.
    """

    protocol: Protocol  # resolved for the images, and fitted to the budget
    looks: tuple[Seeds, ...]  # after how many seeds the verdict is read
    threads: Annotated[int, Meta(ge=1, le=1024)]  # of each run
    parts: PartSizes  # images of a run
    gave_up: tuple[Reason, ...]  # for the budget
    costs: dict[str, Cost]  # by method
    deviation: Annotated[float, Meta(ge=0, le=1e6)]  # in the metric's unit: the assumed noise of paired differences
    gap_deviation: Annotated[float, Meta(ge=0, le=1e6)] | None = None  # the same of the gap; None in older records

    def __post_init__(self) -> None:
        if not self.looks or sorted({*self.looks}) != list(self.looks):
            raise ValueError("plan.looks are not ascending numbers of seeds")

    @property
    def seeds(self) -> int:
        """How many seeds there are at most."""
        return self.looks[-1]

    def memory_mb(self, jobs: int) -> int | None:
        """Return how much memory so many runs at once take."""
        known = sorted((cost.memory_mb for cost in self.costs.values() if cost.memory_mb), reverse=True)
        return jobs * known[0] if known else None

    def runs(self, config: StudyConfig, first: int, last: int) -> Iterator[tuple[str, int]]:
        """Yield method and seed of the runs of those seeds, one seed after the other: so pairs are whole soon."""
        for number in range(first, last):
            for method in config.methods:
                yield method, config.first_seed + number


class Sitting(Struct, omit_defaults=True):
    """One session in which a study trained."""

    started: Moment
    jobs: Count | None = None  # runs at once
    finished: Moment | None = None


class Failure(Struct, frozen=True):
    """A run that could not be trained."""

    method: Text
    seed: int
    reason: Reason
    attempts: Count
    at: Moment
    given_up: bool = False  # by the user: it is not tried again, and the verdict is read without it


class StudyRecord(Struct, kw_only=True):
    """Everything that is known of a study besides its runs; raises `ValueError` where it does not go together."""

    format: int
    id: Identity
    producer: Producer
    status: Status
    config: StudyConfig
    plan: StudyPlan
    look: Annotated[int, Meta(ge=1, le=MOST_SEEDS)]  # that is being trained for, from 1
    labels: dict[str, Text]  # what each method is called, for people
    data: DataRecord
    image_size: tuple[Side, Side] | None
    weights: str | None  # a file that all runs begin with
    environment: Facts
    command: str  # that begins it again
    sessions: list[Sitting]
    failures: dict[str, Failure]  # by the name of the run's folder
    notes: list[Reason]

    @property
    def given_up(self) -> set[tuple[str, int]]:
        """Method and seed of the runs that failed, and will not be tried again."""
        return {(each.method, each.seed) for each in self.failures.values() if each.given_up}

    def __post_init__(self) -> None:
        methods = self.config.methods
        if not methods or any(method not in self.plan.costs or method not in self.labels for method in methods):
            raise ValueError("a method without a label, or without what it takes")
        if any(method not in methods for pair in self.config.contrasts for method in pair):
            raise ValueError("a contrast of methods that are not compared")
        if any(failure.method not in methods for failure in self.failures.values()):
            raise ValueError("a failure of a method that is not compared")
        said = (*methods, self.config.model, *self.config.given, self.config.protocol.name, self.plan.protocol.name)
        if any(display_name(text) != text for text in said):
            raise ValueError("a configuration that is not of texts of one line")
        if self.look > len(self.plan.looks):
            raise ValueError("a look that was not planned")
        self.labels = {method: display_name(self.labels[method]) for method in methods}
        self.command = display_name(self.command)
        self.environment = {
            display_name(name): display_name(value) if isinstance(value, str) else value
            for name, value in self.environment.items()
        }
