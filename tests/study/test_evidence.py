"""The document of a study's evidence, beside pandas, scikit-learn and SciPy, and its data frames."""

import json
from statistics import stdev

import msgspec
import numpy as np
import pandas
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix

import overfitlab
from overfitlab.errors import DamagedError
from overfitlab.records import probabilities
from overfitlab.results.history import ALL_COLUMNS, EpochRow
from overfitlab.results.outcome import Outcome
from overfitlab.results.predictions import Predicted
from overfitlab.stats.disagreement import Opinions, most_disputed
from overfitlab.study.gathering import curves


def document(evidence):
    """Return the evidence as the JSON file has it."""
    return json.loads(json.dumps(msgspec.to_builtins(evidence), allow_nan=False))


def with_record(study, stored=None, **changes):
    """Return the study with other entries in its record, and other runs."""
    record = msgspec.structs.replace(study.record, **changes)
    return type(study)(study.folder, record, study.stored if stored is None else stored)


@pytest.fixture(scope="module")
def study(small_study):
    return overfitlab.load_study(small_study)


@pytest.fixture(scope="module")
def evidence(study):
    return document(study.evidence())


def predicted(study, method):
    runs = [run for run in study.runs if run.record.config.method == method]
    return [probabilities.read(run.folder / "probabilities.safetensors", ("test",))["test"] for run in runs]


def test_it_begins_with_the_verdict(study, evidence):
    verdict = document(study.judged())
    assert {name: evidence[name] for name in verdict} == verdict


def test_no_folder_of_whoever_trained_it_is_passed_on(study, evidence):
    assert study.record.data.origin
    assert evidence["data"]["origin"] == ""
    assert evidence["data"]["data_dir"] is None
    assert str(study.folder.parent) not in json.dumps(evidence)


def test_images_of_ones_own_are_not_named_by_their_folder(study):
    own = msgspec.structs.replace(study.record.data, source="/home/somebody/photos", name="photos")
    evidence = document(with_record(study, data=own).evidence())
    assert evidence["data"]["source"] == "own"
    assert "/home" not in json.dumps(evidence)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("overfitlab compare l2 --name mine", "small"),
        ("overfitlab compare l2 --out 'my studies/one'", "my studies/one"),
        ("overfitlab compare l2 --out=elsewhere", "elsewhere"),
        ("", "small"),
        ("overfitlab compare 'unfinished", "small"),
    ],
)
def test_how_to_name_it_again(study, command, said):
    assert with_record(study, command=command).evidence().reference == said


def test_predictions_of_other_classes_are_damage(study):
    two = {part: counts[:2] for part, counts in study.record.data.class_images.items()}
    fewer = msgspec.structs.replace(study.record.data, classes=["a", "b"], class_images=two)
    with pytest.raises(DamagedError, match="of other classes than its record"):
        with_record(study, data=fewer).evidence()


def test_curves_are_means_over_the_seeds(study, evidence):
    frame = study.history()
    frame["gap"] = frame["train_acc"] - frame["val_acc"]
    for method in ("none", "dropout:rate=0.2"):
        of = frame[frame["method"] == method].groupby("epoch")
        found = evidence["curves"][method]
        assert found["runs"] == 4
        assert found["training"] == [4] * 3
        for name in ("train_loss", "val_loss", "train_acc", "val_acc", "gap"):
            assert found[name]["mean"] == pytest.approx(of[name].mean().tolist())
            assert found[name]["deviation"] == pytest.approx(of[name].std().tolist())


def row(epoch, value):
    return EpochRow(epoch, 1.0, value, value, value, value, value, value)


def test_a_stopped_run_is_carried_forward():
    long = Outcome("m", 0, "a", None, [row(1, 0.1), row(2, 0.2), row(3, 0.3)], stopped_early=False)
    short = Outcome("m", 1, "b", None, [row(1, 0.5)], stopped_early=True)
    found = curves([long, short], 3)
    assert found.training == (2, 1, 1)
    assert found.val_acc.mean == pytest.approx([0.3, 0.35, 0.4])
    assert found.val_acc.deviation == pytest.approx([stdev([0.1, 0.5]), stdev([0.2, 0.5]), stdev([0.3, 0.5])])
    assert curves([short], 3).val_loss.deviation == (None,) * 3
    assert curves([], 3).epochs == ()


def test_a_loss_that_is_not_finite_is_left_out():
    one = Outcome("m", 0, "a", None, [row(1, float("inf"))], stopped_early=False)
    two = Outcome("m", 1, "b", None, [row(1, 2.0)], stopped_early=False)
    assert curves([one, two], 1).val_loss.mean == (2.0,)
    assert curves([one], 1).val_loss.mean == (None,)


def test_confusion_and_calibration_of_all_seeds(study, evidence):
    for method in ("none", "dropout:rate=0.2"):
        said, found = predicted(study, method), evidence["predictions"][method]
        labels = np.concatenate([each.labels for each in said])
        classes = np.concatenate([each.classes for each in said])
        assert found["confusion"] == confusion_matrix(labels, classes, labels=range(10)).tolist()
        worst = found["top_confusions"][0]
        counts = np.array(found["confusion"])
        np.fill_diagonal(counts, 0)
        assert counts[worst["true"], worst["predicted"]] == counts.max()
        calibration = found["calibration"]
        right = labels == classes
        assert calibration["accuracy"] == pytest.approx(right.mean())
        confidence = np.concatenate([each.probabilities.max(axis=1) for each in said]).astype(np.float64)
        assert calibration["mean_confidence"] == pytest.approx(confidence.mean())
        assert sum(each["images"] for each in calibration["bins"]) == len(labels)
        for each in calibration["bins"]:
            inside = (confidence > each["low"]) & (confidence <= each["high"])
            assert each["images"] == inside.sum()
            assert each["accuracy"] == pytest.approx(right[inside].mean())


def test_disputed_images(study, evidence):
    said = {method: predicted(study, method) for method in study.labels}
    shares = {method: np.mean([each.correct for each in found], axis=0) for method, found in said.items()}
    rows = said["none"][0].rows
    first = evidence["disputed"][0]
    place = int(np.flatnonzero(rows == first["row"])[0])
    others = np.array([shares[method] for method in study.labels if method != "none"])
    assert others.max(axis=0)[place] - shares["none"][place] == (others.max(axis=0) - shares["none"]).max()
    for each in evidence["disputed"]:
        place = int(np.flatnonzero(rows == each["row"])[0])
        for method, opinion in each["opinions"].items():
            assert opinion["right"] / opinion["runs"] == shares[method][place]
            votes = [found.classes[place] for found in said[method]]
            wrong = [vote for vote in votes if vote != each["label"]]
            assert opinion["votes"] == wrong.count(opinion["taken_for"])
            assert opinion["votes"] == max(map(wrong.count, wrong), default=0)


def opinions(*classes, labels=(0, 0, 0)):
    probability = np.zeros((3, 2), dtype=np.float16)
    return Opinions.of([
        Predicted(np.arange(3), np.array(labels), np.array(each), probability) for each in classes
    ])  # fmt: skip


def test_most_disputed_alternates_and_leaves_agreement_out():
    base = opinions((0, 1, 0), (0, 1, 0))  # right, wrong, right
    other = opinions((1, 0, 0), (1, 1, 0))  # wrong, right in one of two, right
    assert most_disputed({"base": base, "other": other}, "base", 12) == [1, 0]
    assert most_disputed({"base": base}, "base", 12) == []
    assert most_disputed({"other": other}, "base", 12) == []
    assert most_disputed({"base": base, "same": base}, "base", 12) == []
    with pytest.raises(ValueError, match="same images"):
        Opinions.of([])


def test_the_frames_lead_to_the_verdict_again(study):
    """Recomputed from the rows of the runs with SciPy and statsmodels: what a reader of runs.csv can do."""
    runs, verdict = study.results(), study.verdict()
    labels = {label: method for method, label in study.labels.items()}
    table = {name: runs.pivot_table(index="seed", columns="method", values=name) for name in ("test_acc", "gap")}
    for axis, column in (("metric", "test_acc"), ("gap", "gap")):
        p = []
        for method, against in verdict.index:
            differences = 100 * (table[column][labels[method]] - table[column][labels[against]])
            of = verdict.loc[(method, against)]
            assert of["n"] == len(differences)
            assert of[f"{axis}_difference"] == pytest.approx(differences.mean(), abs=1e-7)
            if differences.std() > 0:
                low, high = stats.t.interval(0.95, len(differences) - 1, differences.mean(), stats.sem(differences))
                assert (of[f"{axis}_low"], of[f"{axis}_high"]) == pytest.approx((low, high), abs=1e-6)
                p.append(stats.ttest_1samp(differences, 0).pvalue)
            else:
                assert differences.mean() == 0
                p.append(1.0)
        assert verdict[f"{axis}_p_raw"].tolist() == pytest.approx(p, rel=1e-5)
        # of three pairs of three methods none, two or three differ: Shaffer's multipliers are 3, 1, 1
        order = np.argsort(p, kind="stable")
        expected = np.empty(3)
        expected[order] = np.minimum(np.maximum.accumulate(np.array(p)[order] * (3, 1, 1)), 1)
        assert verdict[f"{axis}_p_adjusted"].tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_a_notebook_shows_the_answer(study):
    shown = study._repr_markdown_()
    assert shown.startswith("Compared with none")
    assert "| dropout - none |" in shown
    assert repr(study).startswith("<Study of none, dropout")


def test_frames(study):
    history = study.history()
    assert list(history.columns) == ["method", "seed", *ALL_COLUMNS]
    assert len(history) == sum(len(run.rows) for run in study.runs)
    assert history["epoch"].dtype == "Int64"
    assert history["val_acc"].dtype == float
    runs = study.results()
    assert isinstance(runs, pandas.DataFrame)
    assert len(runs) == 12
    assert runs["method"].unique().tolist() == list(study.labels)
    none = runs[(runs["method"] == "none") & (runs["seed"] == 1)].iloc[0]
    [run] = [run for run in study.runs if run.record.config.method == "none" and run.record.config.seed == 1]
    assert none["test_acc"] == run.measured["end"]["test"]["acc"]
    assert none["onset"] == run.onset
    assert bool(none["stopped_early"]) is False


def test_an_unfinished_study_has_neither_words_nor_p(study):
    unfinished = document(with_record(study, study.stored[:-1]).evidence())
    assert unfinished["provisional"]
    for contrast in unfinished["contrasts"]:
        for axis in ("metric", "gap", "onset_metric", "onset_gap"):
            found = contrast[axis]
            assert found.pop("mean") is not None
            assert found.pop("deviation") is not None
            assert len(found.pop("differences")) == len(found.pop("seeds")) == found.pop("n")
            assert set(found.values()) == {None}  # neither words nor what a reader could make one of


def test_runs_without_an_onset_are_counted(study, evidence):
    last = study.results().eval("onset == epochs").groupby(study.results()["method"]).sum()
    assert {each["method"]: each["without_onset"] for each in evidence["methods"]} == last.to_dict()


def test_the_middle_half_of_the_times(study, evidence):
    seconds = study.results().pivot_table(index="seed", columns="method", values="seconds_per_epoch")
    for contrast in evidence["contrasts"]:
        ratios = seconds[contrast["method"]] / seconds[contrast["against"]]
        assert contrast["time_quartiles"] == pytest.approx(ratios.quantile([0.25, 0.75]).tolist())
        assert contrast["time_ratio"] == pytest.approx(ratios.median())
