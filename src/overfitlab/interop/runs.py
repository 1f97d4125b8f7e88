"""Runs out of logs: which rows belong to one training, and which method and seed it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from overfitlab.display import display_name
from overfitlab.errors import DataError, UsageError
from overfitlab.interop.cells import Row, as_text, number
from overfitlab.interop.columns import VALIDATION, MetricColumn, listed, metric_of, role_columns
from overfitlab.interop.logged import Logged
from overfitlab.interop.places import of_place

DIVERGED, FAILED = ("diverged", "nan"), ("failed", "crashed", "killed", "running", "interrupted")


@dataclass(frozen=True)
class LoggedRun:
    """One training of others: a row an epoch, in order, or one row where only its outcome is known."""

    method: str
    seed: str | None  # None where nobody says it
    source: str
    kind: str
    rows: Sequence[Row]
    metrics: Sequence[MetricColumn]
    roles: Mapping[str, str]  # the columns that are no metrics

    @property
    def is_history(self) -> bool:
        """Whether it has epochs."""
        return "epoch" in self.roles

    @property
    def diverged(self) -> bool:
        """Whether the log says so in a column."""
        return self.said("status").lower() in DIVERGED

    def said(self, role: str) -> str:
        """Return what a column says in the last row, as text; empty where there is none."""
        name = self.roles.get(role)
        return "" if name is None else (as_text(self.rows[-1].get(name)) or "")

    def values(self, name: str) -> list[float | None]:
        """Return the numbers of a column."""
        return [number(row.get(name)) for row in self.rows]


def runs_in(logs: Sequence[Logged], given: Mapping[str, str]) -> list[LoggedRun]:
    """Return the runs of all logs; `given` are columns that the user named, by what they are.

    Raises `UsageError` where methods cannot be told, and `DataError` where rows of a run contradict each other.
    """
    found = []
    for log in logs:
        found += _of_history(log, given) if log.history else _of_table(log, given, alone=len(logs) == 1)
    return found


def _of_history(log: Logged, given: Mapping[str, str]) -> list[LoggedRun]:
    roles = role_columns(log.names, {role: name for role, name in given.items() if role not in ("method", "seed")})
    roles.setdefault("epoch", "epoch")
    method = log.method
    if method is None:
        method = PurePath(log.source.partition(": ")[0]).stem or log.source
    return [
        LoggedRun(display_name(method), log.seed, log.source, log.kind, log.rows, _metrics(log, roles, given), roles)
    ]


def _of_table(log: Logged, given: Mapping[str, str], *, alone: bool) -> list[LoggedRun]:
    roles = role_columns(log.names, given)
    column = roles.get("method")
    fixed = log.method or (None if column else of_place((log.source,))[0])
    if column is None and (fixed is None or (alone and log.method is None)):
        raise UsageError(
            "no_column_of_methods", "which column of {path} has the methods? Name it: --column method=NAME; there are: "
            "{columns}", path=log.source, columns=listed(log.names),
        )  # fmt: skip
    metrics = _metrics(log, roles, given)
    seeds, epochs = roles.get("seed"), roles.get("epoch")
    grouped: dict[tuple[str, str | None, int], list[Row]] = {}
    for place, row in enumerate(log.rows):
        method = log.method or (as_text(row.get(column)) if column else fixed)
        if method is None:
            raise DataError("row_without_method", "row {row} of {path} has no method", row=place + 1, path=log.source)
        seed = as_text(row.get(seeds)) if seeds else None
        apart = place if seed is None and epochs is None else 0
        grouped.setdefault((method, seed, apart), []).append(row)
    found = []
    for (method, seed, _), rows in grouped.items():
        if epochs is None and len(rows) > 1:
            raise DataError(
                "rows_of_one_run", "{path} has {rows} rows of {method} with seed {seed}, and no column of epochs; name "
                "it: --column epoch=NAME; there are: {columns}",
                path=log.source, rows=len(rows), method=method, seed=seed, columns=listed(log.names),
            )  # fmt: skip
        found.append(LoggedRun(method, seed, log.source, log.kind, _in_order(log, rows, epochs), metrics, roles))
    return [run for run in found if run.said("status").lower() not in FAILED]


def _in_order(log: Logged, rows: list[Row], epochs: str | None) -> list[Row]:
    """Return the rows of a run by epoch; raises `DataError` where one is there twice, or is no number."""
    if epochs is None:
        return rows
    numbers = [number(row.get(epochs)) for row in rows]
    if None in numbers or len({*numbers}) < len(numbers):
        raise DataError(
            "epochs_contradict", "{path} has the same epoch of a run twice, or a row without one; do seeds have "
                                 "a column "
            "of their own? Name it: --column seed=NAME; there are: {columns}",
            path=log.source, columns=listed(log.names),
        )  # fmt: skip
    return sorted(rows, key=lambda row: number(row.get(epochs)) or 0.0)


def _metrics(log: Logged, roles: Mapping[str, str], given: Mapping[str, str]) -> list[MetricColumn]:
    taken = {*roles.values()}
    found = []
    for name in log.names:
        if name in taken and name not in (given.get("metric"), given.get("train"), given.get("validation")):
            continue
        metric = metric_of(name, of_validation=name in log.of_validation, evaluated=name in log.evaluated)
        if metric is not None and any(number(row.get(name)) is not None for row in log.rows):
            found.append(metric)
    # a loss or accuracy without a part is that of training where another one is of validation
    if log.history or "epoch" in roles:
        held_out = {each.kind for each in found if each.part == VALIDATION}
        found = [MetricColumn(each.name, "logged", each.kind, each.best) if each.part == "" and each.kind in held_out
                 else each for each in found]  # fmt: skip
    return found
