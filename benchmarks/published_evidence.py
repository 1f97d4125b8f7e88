"""The evidence of a published study, from the files of docs/studies/data: judged again by the statistics of today.

The runs behind those files are not kept. `runs.csv` and `history.csv` have all that a verdict is computed from, but for
the answers image by image: intervals for other images, calibration, and what networks said of single images are taken
over from `verdict.json`. That file stays as it was written; one of format 1 has the names of before.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec

from overfitlab.config import StudyConfig
from overfitlab.reasons import Reason
from overfitlab.records.data_record import DataRecord
from overfitlab.records.older import upgraded_study
from overfitlab.records.run_record import Producer
from overfitlab.records.study_record import Failure, Sitting, StudyPlan
from overfitlab.results.history import EpochRow
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.crossed import Crossed
from overfitlab.stats.design import Design
from overfitlab.stats.verdict import Contrast, Verdict, compute_verdict
from overfitlab.study.evidence import Curves, DisputedImage, Evidence, MethodPredictions
from overfitlab.study.plan import power

Document = dict[str, Any]
NUMBERS, RUNS, HISTORY = "verdict.json", "runs.csv", "history.csv"
WHOLE = {"onset", "best_epoch", "epochs", "parameters", "peak_memory_mb", "seed", "epoch"}
COLUMNS = {
    "test_acc": "accuracy",
    "onset_test_acc": "onset_accuracy",
    "damage_acc": "acc_drop",
    "damage_loss": "loss_rise",
}
OLDER = {"accuracy_zone": "margin", "gap_zone": "gap_margin"}  # and what it is called now
AXES = {"metric": "accuracy", "gap": "gap"}  # and what each was called


def document(folder: Path) -> Document:
    """Return what the study said when it was published, under the names of then."""
    found: Document = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
    return found


def outcomes(folder: Path) -> Iterator[Outcome]:
    """Yield its runs, as far as the tables know them."""
    rows = defaultdict(list)
    for row in _table(folder / HISTORY):
        key = (row.pop("method"), row.pop("seed"))
        rows[key].append(EpochRow(**row))
    names = {field.name for field in fields(Endpoints)}
    for run in _table(folder / RUNS):
        end = Endpoints(**{now: value for then, value in run.items() if (now := COLUMNS.get(then, then)) in names})
        yield Outcome(run["method"], run["seed"], run["run"], end, rows[run["method"], run["seed"]])


def _table(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, with numbers where there are numbers."""
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: _value(name, text) for name, text in row.items()}


def _value(name: str, text: str) -> Any:
    if name in WHOLE:
        return int(text) if text else None
    try:
        return float(text)
    except ValueError:
        return text


def judged_again(folder: Path) -> Verdict:
    """Return the verdict that follows from the runs today."""
    then = document(folder)
    design = Design(
        name=then["study"],
        labels={method["method"]: method["label"] for method in then["methods"]},
        contrasts=[(contrast["method"], contrast["against"]) for contrast in then["contrasts"]],
        seeds=then["seed_numbers"],
        looks=tuple(then["looks"]),
        look=then["look"],
        alpha=then["alpha"],
        **{now: then.get(now, then.get(before)) for before, now in OLDER.items()},
        test_images=then["test_images"],
        validation_images=then["plan"]["parts"]["validation"],
    )
    found = compute_verdict(list(outcomes(folder)), design)
    contrasts = tuple(_with_images(*both) for both in zip(found.contrasts, then["contrasts"], strict=True))
    return replace(found, contrasts=contrasts, test_images=then["test_images"])


def _with_images(contrast: Contrast, then: Document) -> Contrast:
    crossed = axis_then(then, "metric")["crossed"]
    return replace(contrast, metric=replace(contrast.metric, crossed=msgspec.convert(crossed, Crossed | None)))


def axis_then(contrast: Document, axis: str) -> Document:
    """Return what was published of one contrast on an axis, `metric` or `gap`."""
    found: Document = contrast[AXES[axis] if AXES[axis] in contrast else axis]
    return found


def word_then(contrast: Document, axis: str) -> str:
    """Return the word that was published."""
    found = axis_then(contrast, axis)
    return str(found["word"] if "word" in found else found["verdict"])


def evidence(folder: Path) -> Evidence:
    """Return all that a report of the study shows."""
    then, verdict = document(folder), judged_again(folder)
    values = upgraded_study({"config": then["asked"], **{name: then[name] for name in (
        "plan", "data", "failures", "notes", "environment")}})  # fmt: skip
    asked, plan = msgspec.convert(values["config"], StudyConfig), msgspec.convert(values["plan"], StudyPlan)
    return Evidence(
        **{entry.name: getattr(verdict, entry.name) for entry in fields(verdict)},
        **{name: then[name] for name in ("study_id", "reference", "status", "command", "environment")},
        seed_numbers=tuple(then["seed_numbers"]),
        asked=asked,
        plan=plan,
        power=power(asked, plan),
        data=msgspec.convert({"origin": "", "data_dir": None} | values["data"], DataRecord),
        precision=tuple(then["precision"]),
        producer=msgspec.convert(values["producer"], Producer),
        sessions=msgspec.convert(then["sessions"], list[Sitting]),
        notes=msgspec.convert(msgspec.to_builtins(values["notes"]), list[Reason]),
        failures=msgspec.convert(msgspec.to_builtins(values["failures"]), dict[str, Failure]),
        curves=msgspec.convert(then["curves"], dict[str, Curves]),
        predictions=msgspec.convert(then["predictions"], dict[str, MethodPredictions]),
        disputed=msgspec.convert(then["disputed"], tuple[DisputedImage, ...]),
    )
