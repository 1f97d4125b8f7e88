"""The history of a run: a row an epoch."""

import csv
import io
import itertools
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from overfitlab.config import MOST_EPOCHS
from overfitlab.errors import OverfitlabError
from overfitlab.files import read_checked


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
LARGEST_HISTORY = 200 * MOST_EPOCHS  # bytes
COLUMNS = tuple(name for name in ALL_COLUMNS if not name.startswith("train_"))


def columns(rows: list[EpochRow]) -> tuple[str, ...]:
    """Return the columns that these rows have."""
    return ALL_COLUMNS if rows and rows[0].train_loss is not None else COLUMNS


def to_csv(rows: list[EpochRow]) -> str:
    """Return the rows as CSV with a header; numbers in full precision, so that reading gives the same rows."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns(rows), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return stream.getvalue()


def read_csv(path: Path, sha256: str | None = None) -> list[EpochRow]:
    """Return the rows of a `history.csv`; raises `OverfitlabError` where it is not one, or has another checksum."""
    content = read_checked(path, sha256, LARGEST_HISTORY)
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
        names = tuple(reader.fieldnames or ())
        if names not in (COLUMNS, ALL_COLUMNS):
            raise ValueError("other columns")
        lines = itertools.islice(reader, MOST_EPOCHS + 1)
        rows = [EpochRow(int(line["epoch"]), *(float(line[name]) for name in names[1:])) for line in lines]
        if len(rows) > MOST_EPOCHS:
            raise ValueError("more epochs than there can be")
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise OverfitlabError(f"{path} is not a history with the columns {', '.join(COLUMNS)}") from error
    if [row.epoch for row in rows] != list(range(1, len(rows) + 1)):
        raise OverfitlabError(f"{path} is damaged: its epochs are not 1, 2, 3, ...")
    return rows
