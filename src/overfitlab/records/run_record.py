"""What `run.json` says, as typed values: who trained what, on what, and what came out."""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from overfitlab._version import __version__
from overfitlab.config import MOST_EPOCHS, RunConfig
from overfitlab.display import display_name
from overfitlab.errors import UsageError
from overfitlab.machine import Facts
from overfitlab.reasons import Reason
from overfitlab.records.data_record import DataRecord
from overfitlab.records.kinds import Count, Identity, Moment, Seconds, Sha256, Text, lines
from overfitlab.results.measurement import Measured

FORMAT = 4
Status = Literal["running", "interrupted", "finished", "diverged"]
RUNNING, INTERRUPTED, FINISHED, DIVERGED = STATUSES = get_args(Status)
OURSELVES = "overfitlab"

Epoch = Annotated[int, Meta(ge=1, le=MOST_EPOCHS)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]  # leads nowhere else


class Producer(Struct, frozen=True):
    """Who made a run: this program, or another one whose training was written as a run."""

    name: Text = OURSELVES
    version: Text = __version__


class Resolved(Struct, frozen=True):
    """How a run computes; a resumption keeps it, because it can change bits."""

    precision: Annotated[str, Meta(pattern="^(bfloat16|float32|float64)$")]
    threads: Annotated[int, Meta(ge=1, le=1024)]
    device: Annotated[str, Meta(pattern="^(cpu|cuda|mps)$")]
    kernels: Text = "off"


class Parameters(Struct, frozen=True):
    """How many numbers a network has."""

    total: Count
    trainable: Count


class LoadedRecord(Struct, frozen=True):
    """The weights that a network began with: those that were taken from a file, and why others were not."""

    sha256: Sha256
    loaded: list[str]
    left_out: dict[str, Reason]


class NetworkRecord(Struct, frozen=True, omit_defaults=True):
    """What the network is."""

    name: Text
    parameters: Parameters
    sites: list[str]  # where methods can insert layers
    own_batch_norms: Count  # that it has whatever the method
    weights: LoadedRecord | None = None
    notes: list[Reason] = []  # what a reader of results has to know about it
    made_by: Text = ""  # how a class or a function of the user's was called for it: "Net(num_classes=10)"


class Times(Struct, frozen=True, omit_defaults=True):
    """When, how long, and how much memory."""

    started: Moment
    finished: Moment | None = None
    training_seconds: Seconds | None = None
    peak_memory_mb: Count | None = None


class Resumption(Struct, frozen=True, omit_defaults=True):
    """A sitting in which an interrupted run was taken up again."""

    at: Moment
    changed: Facts  # of machine and packages, since the run began: what they are now
    notes: list[Reason] = []  # on what it goes on from, where that is not the last checkpoint


class Result(Struct, frozen=True, omit_defaults=True):
    """What came out: the last epoch, and what its weights do on whole parts; None for a number that was not finite."""

    onset: Epoch | None
    handed_over: Epoch | None  # whose weights are those of the end; None where training diverged
    epoch: Epoch
    seconds: float
    loss: float | None
    acc: float | None
    val_loss: float | None
    val_acc: float | None
    train_loss: float | None = None
    train_acc: float | None = None
    measured: Measured = Measured()


class RunRecord(Struct, kw_only=True, omit_defaults=True):
    """What is known of any run, whoever trained it."""

    format: int
    id: Identity
    producer: Producer
    status: Status
    method: Text  # for people
    environment: Facts
    times: Times
    resumed: list[Resumption]
    files: dict[FileName, Sha256]
    result: Result | None = None

    def __post_init__(self) -> None:
        self.method = display_name(self.method)
        self.environment = {display_name(name): _shown(value) for name, value in self.environment.items()}

    @property
    def data_name(self) -> str:
        """What the images are called; empty where nobody knows."""
        raise NotImplementedError

    @property
    def run_seed(self) -> int | None:
        """The seed, where it is known."""
        raise NotImplementedError

    @property
    def planned_epochs(self) -> int | None:
        """How many epochs were planned, where that is known."""
        raise NotImplementedError

    @property
    def class_count(self) -> int:
        """How many classes there are; 0 where nobody knows."""
        raise NotImplementedError

    @property
    def batch_norm_warm_up(self) -> bool:
        """Whether moving averages began as plain means, where that is known."""
        return False

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the lowest validation loss are handed over, whatever the method."""
        return False

    @property
    def measured(self) -> Measured:
        """What the weights do on whole parts; nothing before the end."""
        return Measured() if self.result is None else self.result.measured

    def own(self) -> "OwnRunRecord":
        """Return the record of a run that this program trained; raises `UsageError` for another one."""
        raise UsageError(
            "run_of_another_program", "the run {id} was trained by {producer}, so only its curves can be shown here",
            id=self.id, producer=self.producer.name
        )  # fmt: skip


class OwnRunRecord(RunRecord):
    """A run that this program trained, or began to train."""

    config: RunConfig
    resolved: Resolved
    data: DataRecord
    network: NetworkRecord

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status == FINISHED and (self.result is None or self.result.measured.end is None):
            raise ValueError("a finished run without what was measured")
        said = (self.config.method, self.config.model, self.config.protocol.name)
        if any(display_name(text) != text for text in said):
            raise ValueError("a configuration that is not of texts of one line")

    @property
    def data_name(self) -> str:
        """What the images are called."""
        return display_name(self.config.data)

    @property
    def run_seed(self) -> int:
        """The seed."""
        return self.config.seed

    @property
    def planned_epochs(self) -> int:
        """The epochs of the protocol."""
        return self.config.protocol.epochs

    @property
    def class_count(self) -> int:
        """How many classes there are."""
        return len(self.data.classes)

    @property
    def batch_norm_warm_up(self) -> bool:
        """Whether moving averages began as plain means over the batches."""
        return self.config.protocol.batch_norm_warm_up

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the lowest validation loss are handed over, whatever the method."""
        return self.config.protocol.keep == "best"

    def own(self) -> "OwnRunRecord":
        """Return the record itself."""
        return self


class ForeignRunRecord(RunRecord):
    """A run that another program trained: its curves, and what it said of itself."""

    data: Text = ""
    seed: int | None = None
    epochs: Epoch | None = None  # that were planned
    classes: list[Text] = []

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data, self.classes = display_name(self.data), lines(self.classes)

    @property
    def data_name(self) -> str:
        """What the images are called; empty where nobody knows."""
        return self.data

    @property
    def run_seed(self) -> int | None:
        """The seed, where it is known."""
        return self.seed

    @property
    def planned_epochs(self) -> int | None:
        """How many epochs were planned, where that is known."""
        return self.epochs

    @property
    def class_count(self) -> int:
        """How many classes there are; 0 where nobody knows."""
        return len(self.classes)


def _shown(value: str | int | None) -> str | int | None:
    return display_name(value) if isinstance(value, str) else value
