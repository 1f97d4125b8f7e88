"""Which columns a verdict goes by, and what their numbers are: shares, percent, or losses."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overfitlab.config import METRICS
from overfitlab.errors import DataError, UsageError
from overfitlab.interop.columns import (
    KINDS,
    SMALLER_IS_BETTER,
    TEST,
    TRAIN,
    UNKNOWN,
    VALIDATION,
    MetricColumn,
    listed,
    matching,
    metric_of,
    plain,
)
from overfitlab.interop.runs import LoggedRun
from overfitlab.results.metric import LARGER, NATS, POINTS, SMALLER, column_metric

DIRECTIONS = {"higher": LARGER, "larger": LARGER, "lower": SMALLER, "smaller": SMALLER}
ORDER = ("accuracy", "balanced_accuracy", "f1", "error", "top5", "auc", "loss")  # of what is judged unless named
SHARES_BEYOND = 1.0 + 1e-6


@dataclass(frozen=True)
class Chosen:
    """What a verdict goes by: a metric of some images, and where each run has it."""

    metric: str  # of results.metric.BY_NAME
    part: str
    kind: str
    columns: tuple[str, ...]  # by run
    smaller_is_better: bool
    is_loss: bool


def chosen(runs: Sequence[LoggedRun], asked: str | None, *, best: bool = False) -> Chosen:
    """Return what is judged: what was `asked` for (`accuracy`, `val_auc:higher`), else the first of the usual ones.

    Columns whose names say that they are of the best epoch (`best_val_acc`) come first where that is asked for, and
    last otherwise. Test images come before validation images. Raises `UsageError` where nothing or several things can
    be meant, and `DataError` where some runs lack it.
    """
    name, colon, word = (asked or "").rpartition(":")
    if not colon or word.lower() not in DIRECTIONS:
        name, word = asked or "", ""
    if name and plain(name) not in (*METRICS, *KINDS):
        return _column(runs, name, word)
    wanted = (KINDS.get(plain(name), plain(name)),) if name else ORDER
    for of_best in (best, not best):
        for kind in wanted:
            for part in (TEST, VALIDATION, UNKNOWN):
                if any(_of(run, part, kind, best=of_best) for run in runs):
                    return _of_kind(runs, part, kind, best=of_best)
    if name and any(plain(column) == plain(name) for run in runs for column in run.rows[0]):
        return _column(runs, name, word)
    raise UsageError(
        "no_metric_found", "no column of {path} is known as a metric of validation or test images; name one: --metric "
        "NAME:higher or NAME:lower; there are: {columns}",
        path=runs[0].source, columns=listed([*runs[0].rows[0]]),
    )  # fmt: skip


def _of(run: LoggedRun, part: str, kind: str, *, best: bool = False) -> list[MetricColumn]:
    return [each for each in run.metrics if (each.part, each.kind, each.best) == (part, kind, best)]


def _of_kind(runs: Sequence[LoggedRun], part: str, kind: str, *, best: bool) -> Chosen:
    columns = []
    for run in runs:
        found = _of(run, part, kind, best=best)
        if not found:
            raise DataError(
                "run_without_the_metric", "{run} has no {metric}, which others have; name what all have with --metric; "
                "it has: {columns}",
                run=run.source, metric=f"{part} {kind}".strip(), columns=listed([*run.rows[0]]),
            )  # fmt: skip
        if len(found) > 1:
            raise UsageError(
                "several_columns_of_a_metric", "which of these is meant? {columns}; name one with --metric",
                columns=listed([each.name for each in found]),
            )  # fmt: skip
        columns.append(found[0].name)
    smaller = kind in SMALLER_IS_BETTER
    name = {TEST: kind, VALIDATION: f"validation_{kind}"}.get(part) if kind in METRICS else None
    if name is None:
        name = column_metric(NATS if kind == "loss" else POINTS, SMALLER if smaller else LARGER, columns[0])
    return Chosen(name, part, kind, tuple(columns), smaller, kind == "loss")


def _column(runs: Sequence[LoggedRun], name: str, word: str) -> Chosen:
    columns = tuple(matching(name, [*dict.fromkeys(key for row in run.rows for key in row)]) for run in runs)
    known = metric_of(columns[0])
    if not word and known is None:
        raise UsageError("no_direction_of_metric", "is a higher {name} better? Write --metric {name}:higher or "
                         "{name}:lower", name=columns[0])  # fmt: skip
    if known is not None and not word and known.kind in METRICS and known.part in (TEST, VALIDATION):
        return _of_kind_named(columns, known)
    smaller = DIRECTIONS[word.lower()] == SMALLER if word else known is not None and known.kind in SMALLER_IS_BETTER
    loss = known is not None and known.kind == "loss"
    metric = column_metric(NATS if loss else POINTS, SMALLER if smaller else LARGER, columns[0])
    return Chosen(metric, known.part if known else UNKNOWN, known.kind if known else "", columns, smaller, loss)


def _of_kind_named(columns: tuple[str, ...], known: MetricColumn) -> Chosen:
    name = known.kind if known.part == TEST else f"validation_{known.kind}"
    return Chosen(name, known.part, known.kind, columns, known.kind in SMALLER_IS_BETTER, known.kind == "loss")


def column_of(run: LoggedRun, part: str, kind: str) -> str | None:
    """Return the column of a metric in a run; None where there is none, or several."""
    found = _of(run, part, kind)
    return found[0].name if len(found) == 1 else None


def gap_columns(runs: Sequence[LoggedRun], kind: str, given: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """Return the columns of training, in evaluation mode, and of validation for each run; None where some lack them."""
    found = []
    for run in runs:
        names = [*dict.fromkeys(key for row in run.rows for key in row)]
        training = matching(given["train"], names) if "train" in given else column_of(run, TRAIN, kind)
        validation = matching(given["validation"], names) if "validation" in given else column_of(run, VALIDATION, kind)
        if training is None or validation is None:
            return None
        found.append((training, validation))
    return found


def scale_of(runs: Sequence[LoggedRun], columns: Sequence[str], *, is_loss: bool) -> float:
    """Return what turns the numbers of a column into shares: 1, or 0.01 where they are percent; 1 for a loss.

    Raises `DataError` where they are neither, or some runs have shares and others percent.
    """
    if is_loss:
        return 1.0
    highest, lowest = {}, math.inf
    for run, column in zip(runs, columns, strict=True):
        values = [value for value in run.values(column) if value is not None and math.isfinite(value)]
        if values:
            highest[run.source, run.method, run.seed] = max(values)
            lowest = min(lowest, *values)
    if not highest:
        return 1.0
    name = columns[0]
    if lowest < 0 or max(highest.values()) > 100 * SHARES_BEYOND:
        raise DataError(
            "neither_shares_nor_percent",
            "{column} goes from {low:.6g} to {high:.6g}; judge takes shares from 0 to 1, percent, and losses",
            column=name, low=lowest, high=max(highest.values()),
        )  # fmt: skip
    percent = [most > SHARES_BEYOND for most in highest.values()]
    if any(percent) and not all(percent):
        one, other = (next(key for key, most in highest.items() if (most > SHARES_BEYOND) == wanted)
                      for wanted in (True, False))  # fmt: skip
        raise DataError("shares_and_percent", "{column} is in percent in {one} and from 0 to 1 in {other}; write both "
                        "the same way", column=name, one=f"{one[1]}, {one[0]}", other=f"{other[1]}, "
                                                                                      f"{other[0]}")  # fmt: skip
    return 0.01 if any(percent) else 1.0
