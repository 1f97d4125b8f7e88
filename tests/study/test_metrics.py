"""Whole studies by other metrics than accuracy, and of one method alone, on a few digits."""

import json
import shutil
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

import overfitlab
from overfitlab.config import CLEAN, StudyConfig
from overfitlab.errors import UsageError
from overfitlab.records import probabilities
from overfitlab.records.run_folder import PROBABILITIES, RunFolder
from overfitlab.report.study_text import whole
from overfitlab.study.question import question
from overfitlab.words.languages import language_named

pytestmark = pytest.mark.slow  # whole studies

FEW = {
    "data": "digits", "protocol": "quick", "epochs": 2, "training_images": 60, "seeds": 3, "precision": "float32",
    "threads": 1, "jobs": 2, "verbose": False,
}  # fmt: skip
OF_TEST = {
    "balanced_accuracy": lambda found: balanced_accuracy_score(found.labels, found.classes),
    "f1": lambda found: f1_score(found.labels, found.classes, average="macro", zero_division=0),
    "loss": lambda found: float(found.losses.astype(np.float64).mean()),
}
NAMES = {"balanced_accuracy": "balanced test accuracy", "f1": "test macro F1", "loss": "test loss"}


@pytest.fixture(scope="module", params=list(OF_TEST))
def study(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "study"
    return overfitlab.compare(["none", "dropout"], metric=request.param, alpha=0.1, out=folder, **FEW)


def test_the_verdict_is_that_of_the_stored_predictions(study):
    metric, by_run = study.config.metric, {}
    for run in study.runs:
        found = probabilities.read(run.folder / PROBABILITIES)["test"]
        by_run[run.own.config.method, run.own.config.seed] = OF_TEST[metric](found)
    scale = 1 if metric == "loss" else 100
    [contrast] = study.judged().contrasts
    expected = [scale * (by_run[contrast.method, seed] - by_run["none", seed]) for seed in range(3)]
    assert contrast.metric.differences == pytest.approx(expected, abs=2e-5)  # of a loss, float32
    assert contrast.metric.crossed.mean == pytest.approx(contrast.metric.mean, abs=2e-4)
    assert study.judged().alpha == 0.1


def test_the_gap_is_one_of_the_metric(study):
    metric = study.config.metric
    field, sign = ("loss", -1) if metric == "loss" else ("f1" if metric == "f1" else "balanced_acc", 1)
    gaps = {}
    for run in study.runs:
        end, config = run.record.measured.end, run.own.config
        gap = getattr(end.training, field) - getattr(end.validation, field)
        gaps[config.method, config.seed] = sign * gap
    [contrast] = study.judged().contrasts
    scale = 1 if metric == "loss" else 100
    expected = [scale * (gaps[contrast.method, seed] - gaps["none", seed]) for seed in range(3)]
    assert contrast.gap.differences == pytest.approx(expected, abs=1e-8)


def test_texts_and_reports_name_metric_and_unit(study, tmp_path):
    metric, verdict = study.config.metric, study.judged()
    text = whole(verdict, study.record, "mine")
    assert NAMES[metric] in text
    assert "90 % interval" in text
    assert ("nats" if metric == "loss" else "points") in text
    assert " test accuracy" not in text.replace("balanced test accuracy", "")
    assert "points of gap" not in text or metric != "loss"
    for code in ("en", "ko"):
        page = study.report(tmp_path / code, language=code).read_text()
        assert language_named(code)(NAMES[metric]) in page
    frame = study.verdict()
    assert frame["metric_difference"].iloc[0] == verdict.contrasts[0].metric.mean
    assert {"test_f1", "test_balanced_acc", "test_loss"} <= set(study.results().columns)


def test_margins_are_in_the_metrics_unit(study):
    expected = (0.02, 0.04) if study.config.metric == "loss" else (0.5, 1.0)
    assert (study.config.margin, study.config.gap_margin) == expected
    assert f"--metric {study.config.metric}" in study.record.command
    assert "--alpha 0.1" in study.record.command


def test_a_run_of_before_the_metric_is_refused_in_a_line(study, tmp_path):
    metric, folder = study.config.metric, tmp_path / "older"
    shutil.copytree(study.folder, folder)
    run = RunFolder(next((folder / "runs").glob("dropout*")))
    record = run.record()
    without_losses = {
        part: replace(found, losses=None) for part, found in probabilities.read(run / PROBABILITIES).items()
    }
    run.write(PROBABILITIES, probabilities.to_bytes(without_losses, record.id))
    record.files[PROBABILITIES] = run.checksums([PROBABILITIES])[PROBABILITIES]
    end = record.result.measured.end
    before = msgspec.structs.replace(end, test=msgspec.structs.replace(end.test, f1=None))
    measured = msgspec.structs.replace(record.result.measured, end=before)
    record.result = msgspec.structs.replace(record.result, measured=measured)
    run.write_record(record)
    older = overfitlab.load_study(folder)
    if metric == "balanced_accuracy":  # has been measured from the first
        assert older.judged().contrasts[0].metric.n == 3
        return
    with pytest.raises(UsageError) as caught:
        older.judged()
    assert caught.value.code == "run_of_before_the_metric"
    assert f"--metric {metric}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_method_alone_says_how_much_it_varies(tmp_path):
    study = overfitlab.compare(["none"], out=tmp_path / "study", **FEW)
    verdict = study.judged()
    [method] = verdict.methods
    assert (verdict.contrasts, verdict.over) == ((), True)
    assert 0 < method.metric.deviation_low < method.metric.deviation < method.metric.deviation_high
    stored = json.loads((study.folder / "verdict.json").read_text())
    assert stored["methods"][0]["metric"]["deviation_high"] == method.metric.deviation_high
    text = whole(verdict, study.record, "mine")
    assert "none alone, at 3 seeds: test accuracy" in text
    assert "95 % interval" in text
    assert "Recommended" not in text
    for code in ("en", "ko"):
        assert study.report(tmp_path / code, language=code).exists()
    assert study.verdict().empty
    assert "standard deviation" in study._repr_markdown_()
    assert study.record.command.startswith("overfitlab compare none ")


def test_a_question_of_one_method_may_name_any():
    asked = question(["dropout"], "dropout", [])
    assert (len(asked.methods), asked.contrasts) == (1, [])


def config(**changes) -> StudyConfig:
    return StudyConfig(CLEAN, ("none", "l2"), (("l2", "none"),), "digits", **changes)


def test_one_method_alone_has_nothing_to_decide():
    for changes in ({"until_decided": 12}, {"looks": (4, 8)}):
        with pytest.raises(UsageError) as caught:
            StudyConfig(CLEAN, ("none",), (), "digits", **changes)
        assert caught.value.code == "nothing_to_decide"


def test_metric_and_level_are_part_of_the_identity_but_at_their_defaults():
    assert not {"metric", "alpha"} & config().as_dict().keys()
    found = {each.study_id("0") for each in (config(), config(metric="f1"), config(alpha=0.01))}
    assert len(found) == 3


@pytest.mark.parametrize("changes", [{"metric": "auc"}, {"alpha": 0.9}, {"alpha": "much"}, {"alpha": 0}])
def test_what_is_no_metric_or_level_is_refused(changes):
    with pytest.raises(UsageError):
        config(**changes)
    with pytest.raises(UsageError):
        overfitlab.compare(["none"], **changes)
