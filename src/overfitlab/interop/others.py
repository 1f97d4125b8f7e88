"""fastai's `history.csv`, Hugging Face's `trainer_state.json`, and what W&B exports as CSV."""

import re
from pathlib import Path
from typing import Any

from overfitlab.errors import DataError
from overfitlab.interop.cells import Row, of_value
from overfitlab.interop.logged import unreadable
from overfitlab.interop.tables import Table

FASTAI, HUGGING_FACE, WANDB = "fastai CSVLogger", "Hugging Face Trainer", "W&B export"
CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+)")
# wide columns, a run each: "NAME - METRIC", with __MIN and __MAX of what was averaged
WIDE = re.compile(r"(.+?) - (.+?)(__MIN|__MAX)?")
NOT_EVALUATION = ("runtime", "samples_per_second", "steps_per_second")


def is_fastai(names: tuple[str, ...]) -> bool:
    """Return whether a table has fastai's columns: between valid_loss and time stand metrics of validation."""
    return names[:1] == ("epoch",) and {"train_loss", "valid_loss", "time"} <= {*names}


def fastai(rows: list[Row]) -> list[Row]:
    """Return the rows of the last training of a log that was appended to, with epochs from 1 and seconds."""
    begin = max((place for place, row in enumerate(rows) if row.get("epoch") == 0.0), default=0)
    found = []
    for row in rows[begin:]:
        epoch, clock = row.get("epoch"), row.get("time")
        if not isinstance(epoch, float):  # the header once more
            continue
        time = CLOCK.fullmatch(clock) if isinstance(clock, str) else None
        seconds = float(int(time[1] or 0) * 3600 + int(time[2]) * 60 + int(time[3])) if time else None
        found.append({**row, "epoch": epoch + 1, "time": seconds})
    return found


def is_trainer_state(document: Any) -> bool:
    """Return whether that is a `trainer_state.json`."""
    return isinstance(document, dict) and isinstance(document.get("log_history"), list)


def trainer_state(path: Path, document: dict[str, Any]) -> Table:
    """Return a row for each evaluation, with the training loss that was logged before it; raises `DataError`."""
    rows: list[Row] = []
    training: float | None = None
    for entry in document["log_history"]:
        if not isinstance(entry, dict):
            raise unreadable(
                path, HUGGING_FACE, DataError("log_history_of_no_objects", "an entry of log_history is not an object")
            )
        cells = {str(name): of_value(value) for name, value in entry.items()}
        if isinstance(cells.get("loss"), float):
            training = cells["loss"]  # type: ignore[assignment]
        metrics = {name: value for name, value in cells.items()
                   if name.startswith(("eval_", "test_")) and not name.endswith(NOT_EVALUATION)}  # fmt: skip
        if metrics:
            rows.append({"epoch": float(len(rows) + 1), "train_loss": training, **metrics})
    if not rows:
        raise unreadable(path, HUGGING_FACE, DataError(
            "no_evaluation_logged", "it has no evaluation; train with eval_strategy='epoch'"
        ))  # fmt: skip
    return tuple(dict.fromkeys(name for row in rows for name in row)), rows


def is_wandb(names: tuple[str, ...]) -> bool:
    """Return whether a table has the columns of a chart that W&B exports: one axis, then `RUN - METRIC`."""
    return names[:1] in (("Step",), ("epoch",), ("Epoch",), ("_step",)) and any(
        WIDE.fullmatch(name) for name in names[1:]
    )


def wandb(names: tuple[str, ...], rows: list[Row]) -> dict[str, Table]:
    """Return a table a run, a row a value, by the name of the run."""
    found: dict[str, dict[str, str]] = {}
    for name in names[1:]:
        match = WIDE.fullmatch(name)
        if match and not match[3] and match[2] not in ("_step",):
            found.setdefault(match[1], {})[name] = match[2]
    tables = {}
    for run, columns in found.items():
        kept: list[Row] = []
        for row in rows:
            cells = {metric: row.get(column) for column, metric in columns.items()}
            if any(value is not None for value in cells.values()):
                kept.append({"epoch": float(len(kept) + 1), **cells})
        if kept:
            tables[run] = ("epoch", *columns.values()), kept
    return tables
