"""Keras: what `CSVLogger` writes, and `History.history` as JSON."""

from pathlib import Path
from typing import Any

from overfitlab.errors import DataError
from overfitlab.interop.cells import Row, of_value
from overfitlab.interop.logged import unreadable
from overfitlab.interop.tables import Table

CSV_KIND, JSON_KIND = "Keras CSVLogger", "Keras History"


def is_csv(names: tuple[str, ...]) -> bool:
    """Return whether a table has the columns of `CSVLogger`: epoch first, then metrics, training ones without part."""
    return names[:1] == ("epoch",) and "loss" in names and "train_loss" not in names and "valid_loss" not in names


def numbered_from_one(rows: list[Row]) -> list[Row]:
    """Return the rows of one run; where it was appended to (`append=True`), a later row of an epoch counts.

    `CSVLogger` counts epochs from 0.
    """
    first = min((each for row in rows if isinstance(each := row.get("epoch"), float)), default=1.0)
    shift = 1.0 if first == 0.0 else 0.0
    found = {}
    for row in rows:
        epoch = row.get("epoch")
        if isinstance(epoch, float):
            found[epoch] = {**row, "epoch": epoch + shift}
    return [found[epoch] for epoch in sorted(found)]


def is_history(document: Any) -> bool:
    """Return whether that is `History.history`: lists of as many numbers, by the names of metrics."""
    return isinstance(document, dict) and bool(document) and all(isinstance(each, list) for each in document.values())


def history(path: Path, document: dict[str, list[Any]]) -> Table:
    """Return it as a row an epoch; raises `DataError` where lists are not of the same length."""
    lengths = {len(values) for values in document.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise unreadable(
            path, JSON_KIND, DataError("lists_of_other_lengths", "its lists are not all of the same length")
        )
    names = tuple(str(name) for name in document)
    rows: list[Row] = [
        {"epoch": float(number), **dict(zip(names, map(of_value, values), strict=True))}
        for number, values in enumerate(zip(*document.values(), strict=True), 1)
    ]
    return ("epoch", *names), rows
