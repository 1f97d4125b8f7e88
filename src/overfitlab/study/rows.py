"""The runs of a study as rows: one for each run, and one for each epoch of each run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from overfitlab.records.run_record import DIVERGED, FINISHED
from overfitlab.records.study_record import Failure
from overfitlab.results.history import ALL_COLUMNS
from overfitlab.results.outcome import Outcome

Row = dict[str, str | int | float | bool | None]
FAILED = "failed"
# accuracies and gaps are fractions from 0 to 1, losses nats
RUN_COLUMNS = (
    *("method", "label", "seed", "run", "status", "test_acc", "gap", "train_acc", "val_acc", "loss_gap"),
    *("test_balanced_acc", "test_f1", "test_loss"),
    *("onset", "onset_test_acc", "onset_gap", "acc_drop", "loss_rise", "best_epoch", "epochs", "stopped_early"),
    *("seconds_per_epoch", "parameters", "peak_memory_mb"),
)
OTHER_METRICS = {"test_balanced_acc": "balanced_accuracy", "test_f1": "f1", "test_loss": "loss"}
HISTORY_COLUMNS = ("method", "seed", *ALL_COLUMNS)


def run_rows(outcomes: Sequence[Outcome], labels: Mapping[str, str], failures: Mapping[str, Failure]) -> list[Row]:
    """Return a row for each run that has ended, by method and seed; None where a run has no such number."""
    rows = []
    for each in outcomes:
        row: Row = dict.fromkeys(RUN_COLUMNS) | _about(each.method, each.seed, each.name, labels)
        row |= {"status": DIVERGED if each.end is None else FINISHED, "epochs": len(each.rows)}
        row["stopped_early"] = each.stopped_early
        if each.end is not None:
            end = each.end
            row |= {
                "test_acc": end.accuracy, "gap": end.gap, "train_acc": end.train_acc, "val_acc": end.val_acc,
                "loss_gap": end.loss_gap, "onset": end.onset, "onset_test_acc": end.onset_accuracy,
                "onset_gap": end.onset_gap, "acc_drop": end.acc_drop, "loss_rise": end.loss_rise,
                "best_epoch": end.best_epoch, "seconds_per_epoch": end.seconds_per_epoch,
                "parameters": end.parameters, "peak_memory_mb": end.peak_memory_mb,
            }  # fmt: skip
            for column, metric in OTHER_METRICS.items():
                row[column] = end.measures[metric].test if metric in end.measures else None
        rows.append(row)
    for name, failure in failures.items():
        row = dict.fromkeys(RUN_COLUMNS) | _about(failure.method, failure.seed, name, labels)
        rows.append(row | {"status": FAILED})
    return _in_order(rows, labels)


def history_rows(outcomes: Sequence[Outcome], labels: Mapping[str, str]) -> list[Row]:
    """Return a row for each epoch of each run that has ended, by method, seed and epoch."""
    rows: list[Row] = [
        {"method": each.method, "seed": each.seed, **asdict(row)} for each in outcomes for row in each.rows
    ]
    return _in_order(rows, labels)


def _about(method: str, seed: int, name: str, labels: Mapping[str, str]) -> Row:
    return {"method": method, "label": labels.get(method, method), "seed": seed, "run": name}


def _in_order(rows: list[Row], labels: Mapping[str, str]) -> list[Row]:
    """Return rows in the order of the study's methods, then by seed; the order within a run stays."""
    places = {method: place for place, method in enumerate(labels)}
    return sorted(rows, key=lambda row: (places.get(str(row["method"]), len(places)), int(row["seed"] or 0)))
