"""From logged runs to a diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overfitlab.errors import DataError
from overfitlab.interop.choosing import column_of, scale_of
from overfitlab.interop.columns import LOGGED, TEST, TRAIN, VALIDATION, listed
from overfitlab.interop.logged import Logged
from overfitlab.interop.runs import LoggedRun, runs_in
from overfitlab.stats.diagnosis import Curves, Diagnoses, diagnosed, together


@dataclass(frozen=True)
class Diagnosed:
    """The diagnosis of one method: the histories of its seeds together."""

    method: str
    sources: tuple[str, ...]
    kinds: tuple[str, ...]
    found: Diagnoses
    on_test: bool  # whether there were only test images to go by


def diagnose(logs: Sequence[Logged], given: dict[str, str]) -> list[Diagnosed]:
    """Return a diagnosis for each method in the logs, in their order; raises `DataError` where there is no history."""
    runs = _histories(logs, given)
    found = []
    for method in dict.fromkeys(run.method for run in runs):
        some = [run for run in runs if run.method == method]
        curves = [_curves(run, some) for run in some]
        found.append(Diagnosed(
            method, tuple(run.source for run in some), tuple(dict.fromkeys(run.kind for run in some)),
            together([diagnosed(each) for each in curves]), not _has(some[0], VALIDATION),
        ))  # fmt: skip
    return found


def _histories(logs: Sequence[Logged], given: dict[str, str]) -> list[LoggedRun]:
    """Return the runs that are histories; a table of epochs without a method or seed is the history of one run."""
    found = []
    for log in logs:
        found += runs_in([replace(log, history=True) if _is_of_one_run(log) else log], given)
    histories = [run for run in found if run.is_history and (_has(run, VALIDATION) or _has(run, TEST))]
    if not histories:
        raise DataError(
            "no_history_in_logs",
            "there is no history with a validation loss or accuracy in one row per epoch; the columns are: "
            "{columns}",
            columns=listed(logs[0].names),
        )  # fmt: skip
    return histories


def _is_of_one_run(log: Logged) -> bool:
    """Return whether a table has an epoch a row, each once, and no column of methods."""
    column = next((name for name in log.names if name.lower() == "epoch"), None)
    if column is None or "method" in map(str.lower, log.names):
        return False
    return len({row.get(column) for row in log.rows}) == len(log.rows)


def _has(run: LoggedRun, part: str) -> bool:
    return any(column_of(run, part, kind) for kind in ("loss", "accuracy"))


def _curves(run: LoggedRun, runs: Sequence[LoggedRun]) -> Curves:
    held_out = VALIDATION if _has(run, VALIDATION) else TEST

    def values(part: str, kind: str) -> list[float]:
        columns = [column_of(each, part, kind) for each in runs]
        column = column_of(run, part, kind)
        if column is None or None in columns:
            return []
        scale = scale_of(runs, [each for each in columns if each], is_loss=kind == "loss")
        found = run.values(column)
        while found and found[-1] is None:  # an epoch that was interrupted, or a test at the end
            found.pop()
        return [float("nan") if each is None else scale * each for each in found]

    validation = values(held_out, "loss"), values(held_out, "accuracy")
    n = max(map(len, validation))

    def as_long(found: list[float]) -> list[float]:
        return found[:n] if len(found) >= n else []

    return Curves(
        *map(as_long, validation), *(as_long(values(part, kind)) for part in (LOGGED, TRAIN)
                                     for kind in ("loss", "accuracy"))
    )  # fmt: skip
