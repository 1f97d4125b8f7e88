"""What the process that leads a study and those that train say to each other: a JSON document a line.

To a worker: first a setup, then tasks. From it: how they go on. A worker whose input ends stops at the next step, so
none outlives the process that started it.
"""

import json
from typing import BinaryIO

import msgspec
from msgspec import Struct

from overfitlab.config import RunConfig
from overfitlab.models.shipping import Shipment
from overfitlab.reasons import Reason
from overfitlab.records.study_record import Cost


class Setup(Struct, frozen=True, tag=True):
    """What all runs of a worker have in common: the images, and the weights to begin with."""

    source: str  # what to load
    name: str
    data_dir: str | None
    image_size: tuple[int, int] | None
    content_hash: str  # that the images must have
    weights: str | None
    groups: str | None = None  # what keeps images together
    groups_hash: str | None = None  # that it must have
    network: Shipment | None = None  # that all runs train, where it was handed over in Python


class Probe(Struct, frozen=True, tag=True):
    """Measure what such a run takes; a checkpoint is written below `folder`, and removed."""

    config: RunConfig
    folder: str


class Train(Struct, frozen=True, tag=True):
    """Train a run in that folder, or what is left of it."""

    config: RunConfig
    folder: str


class Ready(Struct, frozen=True, tag=True):
    """The images are loaded."""


class Probed(Struct, frozen=True, tag=True):
    """What a run takes."""

    cost: Cost


class Started(Struct, frozen=True, tag=True):
    """A run begins, or goes on after so many epochs."""

    epochs: int
    notes: list[Reason]


class Stepped(Struct, frozen=True, tag=True):
    """So much of the run is done, from 0 to 1."""

    epoch: int
    done: float


class Epoch(Struct, frozen=True, tag=True):
    """An epoch is over."""

    epoch: int
    val_acc: float | None
    train_acc: float | None
    val_loss: float | None = None


class Done(Struct, frozen=True, tag=True):
    """The run has ended, well or not."""


class Failed(Struct, frozen=True, tag=True):
    """The task could not be done."""

    reason: Reason
    final: bool = False  # it will not work another time either
    disk: bool = False  # because the disk refuses
    memory: bool = False  # for want of memory
    lost: bool = False  # with the process that worked on it


ToWorker = Setup | Probe | Train
FromWorker = Ready | Probed | Started | Stepped | Epoch | Done | Failed
Message = ToWorker | FromWorker


def write(stream: BinaryIO, message: Message) -> None:
    """Send one message; raises `OSError` where nobody reads any more."""
    # not by msgspec: a path can be no UTF-8, which Python's JSON can say
    stream.write(json.dumps(msgspec.to_builtins(message)).encode() + b"\n")
    stream.flush()


def read_by_worker(line: bytes) -> ToWorker:
    """Return the message in a line to a worker."""
    found: ToWorker = msgspec.convert(json.loads(line), ToWorker)
    return found


def read_from_worker(line: bytes) -> FromWorker:
    """Return the message in a line of a worker."""
    found: FromWorker = msgspec.convert(json.loads(line), FromWorker)
    return found
