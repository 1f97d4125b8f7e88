"""Lightning: `metrics.csv` of its `CSVLogger`, sparse rows of steps and of epochs, and `hparams.yaml` beside it."""

import re
from pathlib import Path

from overfitlab.files import read_whole
from overfitlab.interop.cells import Row, as_text, cell

KIND = "Lightning CSVLogger"
LARGEST_HPARAMS = 2**20
ENTRY = re.compile(r"^([A-Za-z_][\w.]*):[ \t]+(.+?)[ \t]*$", re.MULTILINE)
SEEDS, METHODS = ("seed", "random_seed"), ("method", "regularization", "variant", "arm")


def is_csv(names: tuple[str, ...]) -> bool:
    """Return whether a table has the columns of Lightning's `CSVLogger`."""
    return "epoch" in names and "step" in names and "loss" not in names


def merged(rows: list[Row]) -> list[Row]:
    """Return a row an epoch, from 1: the last value of each column within it.

    Training metrics and those of validation stand in rows of their own. Where a training was resumed, its log goes on
    at an earlier epoch: what was logged again counts. A test after the training stands in the row of the last epoch.
    """
    found: dict[float, Row] = {}
    latest = -1.0
    for row in rows:
        epoch = row.get("epoch")
        if not isinstance(epoch, float):
            continue
        if epoch < latest and not any(name.startswith("test") for name, value in row.items() if value is not None):
            found = {number: kept for number, kept in found.items() if number < epoch}
        latest = epoch
        merged_row = found.setdefault(epoch, {})
        merged_row |= {name: value for name, value in row.items() if value is not None}
    if len(found) > 1:  # the number of the epoch that would have been next, with the test alone
        last = max(found)
        if not any(plain not in ("epoch", "step") and not plain.startswith("test") for plain in found[last]):
            before = max(number for number in found if number != last)
            found[before] |= {name: value for name, value in found.pop(last).items() if name.startswith("test")}
    return [{**found[epoch], "epoch": epoch + 1} for epoch in sorted(found)]


def hparams(folder: Path) -> tuple[str | None, str | None]:
    """Return method and seed of an `hparams.yaml`, where there is one and it says them in a line of their own."""
    try:
        text = read_whole(folder / "hparams.yaml", LARGEST_HPARAMS).decode("utf-8", "replace")
    except OSError:
        return None, None
    known = {name.lower(): value.strip("'\"") for name, value in ENTRY.findall(text)}
    method, seed = (next((known[name] for name in names if name in known), None) for names in (METHODS, SEEDS))
    return method, None if seed is None else as_text(cell(seed))
