"""The history of a run: a row an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class EpochRow:
    """One epoch.

    `loss` and `acc` are running means over the epoch's changing weights, as Keras logs them; `val_loss` and
    `val_acc` are taken after it, in evaluation mode: plain cross-entropy in nats, and a fraction from 0 to 1. So are
    `train_loss` and `train_acc`, on a fixed part of the training images; None under a protocol without them.
    """

    epoch: int  # from 1
    seconds: float  # training and validation together, without what train_loss and train_acc take
    loss: float
    acc: float
    val_loss: float
    val_acc: float
    train_loss: float | None = None
    train_acc: float | None = None


ALL_COLUMNS = tuple(entry.name for entry in fields(EpochRow))
COLUMNS = tuple(name for name in ALL_COLUMNS if not name.startswith("train_"))


def columns(rows: Sequence[EpochRow]) -> tuple[str, ...]:
    """Return the columns that these rows have."""
    return ALL_COLUMNS if rows and rows[0].train_loss is not None else COLUMNS
