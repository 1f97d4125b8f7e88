"""The file of a history: CSV, a row an epoch."""

import csv
import io
import itertools
from dataclasses import asdict
from pathlib import Path

from overfitlab.config import MOST_EPOCHS
from overfitlab.errors import OverfitlabError
from overfitlab.files import read_checked
from overfitlab.results.history import ALL_COLUMNS, COLUMNS, EpochRow, columns

LARGEST_HISTORY = 200 * MOST_EPOCHS  # bytes


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
