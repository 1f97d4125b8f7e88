"""The verdicts that docs/studies publishes follow from the runs beside them, with the statistics of today."""

import csv
import json
import math
from collections import defaultdict
from pathlib import Path

import pytest

from overfitlab.results.history import EpochRow
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.verdict import Design, compute_verdict

PUBLISHED = sorted((Path(__file__).parents[2] / "docs" / "studies" / "data").iterdir())
AXES = ["accuracy", "gap", "onset_accuracy", "onset_gap"]
NUMBERS = ["mean", "low", "high", "p", "p_adjusted", "p_equivalence_adjusted", "p_sign_flip"]
WHOLE = {"onset", "best_epoch", "epochs", "parameters", "peak_memory_mb", "seed", "epoch"}


def table(path):
    """Return the rows of a table, with numbers where there are numbers."""
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: value(name, text) for name, text in row.items()}


def value(name, text):
    if name in WHOLE:
        return int(text) if text else None
    try:
        return float(text)
    except ValueError:
        return text


def outcomes(folder):
    rows = defaultdict(list)
    for row in table(folder / "history.csv"):
        key = (row.pop("method"), row.pop("seed"))
        rows[key].append(EpochRow(**row))
    for run in table(folder / "runs.csv"):
        fields = {name: run[name] for name in Endpoints.__dataclass_fields__ if name in run}
        end = Endpoints(accuracy=run["test_acc"], onset_accuracy=run["onset_test_acc"], **fields)
        yield Outcome(run["method"], run["seed"], run["run"], end, rows[run["method"], run["seed"]])


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_the_verdict_follows_from_the_runs(folder):
    published = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    design = Design(
        name=published["study"],
        labels={method["method"]: method["label"] for method in published["methods"]},
        contrasts=[(contrast["method"], contrast["against"]) for contrast in published["contrasts"]],
        seeds=published["seed_numbers"],
        looks=tuple(published["looks"]),
        look=published["look"],
        alpha=published["alpha"],
        accuracy_zone=published["accuracy_zone"],
        gap_zone=published["gap_zone"],
    )
    found = compute_verdict(list(outcomes(folder)), design)
    assert found.recommended == published["recommended"]
    for contrast, before in zip(found.contrasts, published["contrasts"], strict=True):
        for axis in AXES:
            now, then = contrast.axis(axis), before[axis]
            assert (now.word, now.n) == (then["word"], then["n"])
            for name in NUMBERS:
                assert getattr(now, name) == pytest.approx(then[name], rel=1e-9), (contrast.label, axis, name)
        assert math.isclose(contrast.time_ratio, before["time_ratio"], rel_tol=1e-9)
        if before["equal_fit"] is not None:
            assert contrast.equal_fit.mean == pytest.approx(before["equal_fit"]["mean"], rel=1e-9)
    for method, before in zip(found.methods, published["methods"], strict=True):
        assert method.accuracy.mean == pytest.approx(before["accuracy"]["mean"], rel=1e-9)
        assert method.gap.mean == pytest.approx(before["gap"]["mean"], rel=1e-9)
