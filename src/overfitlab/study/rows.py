"""The runs of a study as rows: one for each run, and one for each epoch of each run."""

from collections.abc import Mapping, Sequence
from typing import Any

from overfitlab.records.index import Entry
from overfitlab.records.run_folder import DIVERGED, FINISHED
from overfitlab.results.history import ALL_COLUMNS
from overfitlab.study.judging import outcomes

FAILED = "failed"
# accuracies and gaps are fractions from 0 to 1, losses nats
RUN_COLUMNS = (
    *("method", "label", "seed", "run", "status", "test_acc", "gap", "train_acc", "val_acc", "loss_gap"),
    *("onset", "onset_test_acc", "onset_gap", "damage_acc", "damage_loss", "best_epoch", "epochs", "stopped_early"),
    *("seconds_per_epoch", "parameters", "peak_memory_mb"),
)
HISTORY_COLUMNS = ("method", "seed", *ALL_COLUMNS)


def run_rows(
    entries: Sequence[Entry], labels: Mapping[str, str], failures: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a row for each run that has ended, by method and seed; None where a run has no such number.

    Raises `OverfitlabError` where a record is damaged.
    """
    statuses = {entry.name: entry.record["status"] for entry in entries}
    rows = []
    for each in outcomes(entries):
        row = dict.fromkeys(RUN_COLUMNS) | _about(each.method, each.seed, each.name, labels)
        row |= {"status": statuses[each.name], "epochs": len(each.rows), "stopped_early": each.stopped_early}
        if each.end is not None:
            end = each.end
            row |= {
                "test_acc": end.accuracy, "gap": end.gap, "train_acc": end.train_acc, "val_acc": end.val_acc,
                "loss_gap": end.loss_gap, "onset": end.onset, "onset_test_acc": end.onset_accuracy,
                "onset_gap": end.onset_gap, "damage_acc": end.damage_acc, "damage_loss": end.damage_loss,
                "best_epoch": end.best_epoch, "seconds_per_epoch": end.seconds_per_epoch,
                "parameters": end.parameters, "peak_memory_mb": end.peak_memory_mb,
            }  # fmt: skip
        rows.append(row)
    for name, failure in failures.items():
        row = dict.fromkeys(RUN_COLUMNS) | _about(failure.get("method"), failure.get("seed"), name, labels)
        rows.append(row | {"status": FAILED})
    return _in_order(rows, labels)


def history_rows(entries: Sequence[Entry], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row for each epoch of each run that has ended, by method, seed and epoch."""
    rows = [
        {"method": entry.record["config"]["method"], "seed": entry.record["config"]["seed"]}
        | {name: getattr(row, name) for name in ALL_COLUMNS}
        for entry in entries
        if entry.record["status"] in (FINISHED, DIVERGED)
        for row in entry.rows
    ]
    return _in_order(rows, labels)


def _about(method: Any, seed: Any, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"method": method, "label": labels.get(method, method), "seed": seed, "run": name}


def _in_order(rows: list[dict[str, Any]], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return rows in the order of the study's methods, then by seed; the order within a run stays."""
    places = {method: place for place, method in enumerate(labels)}
    return sorted(rows, key=lambda row: (places.get(row["method"], len(places)), row["seed"]))
