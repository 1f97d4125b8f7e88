"""The file of a history: CSV, a row an epoch."""

import csv
import io
import itertools
from dataclasses import asdict
from pathlib import Path

from overfitlab.config import MOST_EPOCHS
from overfitlab.errors import DamagedError
from overfitlab.files import read_checked
from overfitlab.results.history import ALL_COLUMNS, COLUMNS, EpochRow, columns

LARGEST_HISTORY = 200 * MOST_EPOCHS  # bytes
MOST_SECONDS = 1e12  # of an epoch


def to_csv(rows: list[EpochRow]) -> str:
    """Return the rows as CSV with a header; numbers in full precision, so that reading gives the same rows."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns(rows), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return stream.getvalue()


def read_csv(path: Path, sha256: str | None = None) -> list[EpochRow]:
    """Return the rows of a `history.csv`; raises `DamagedError` where it is not one, or has another checksum."""
    return parsed(read_checked(path, sha256, LARGEST_HISTORY), path)


def parsed(content: bytes, path: Path) -> list[EpochRow]:
    """Return the rows of the content of such a file; raises `DamagedError`, which names `path`, where it is none."""
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
        names = tuple(next(lines, ()))
        if names not in (COLUMNS, ALL_COLUMNS):
            raise ValueError("other columns")
        rows = [
            EpochRow(int(epoch), *map(float, numbers)) for epoch, *numbers in itertools.islice(lines, MOST_EPOCHS + 1)
        ]
        if len(rows) > MOST_EPOCHS or not all(map(_sound, rows)):
            raise ValueError("numbers that are none of a training")
    except (TypeError, ValueError, csv.Error) as error:
        raise DamagedError(
            "no_history", "{file} is not a history with the columns {columns}", file=path, columns=", ".join(COLUMNS)
        ) from error
    if [row.epoch for row in rows] != list(range(1, len(rows) + 1)):
        raise DamagedError("history_with_gaps", "{file} is damaged: its epochs are not 1, 2, 3, ...", file=path)
    return rows


def _sound(row: EpochRow) -> bool:
    """Return whether these can be the numbers of an epoch; a loss can be anything where training diverged."""
    return (
        0 <= row.seconds < MOST_SECONDS and 0 <= row.acc <= 1 and 0 <= row.val_acc <= 1
        and (row.train_acc is None or 0 <= row.train_acc <= 1)
    )  # fmt: skip
