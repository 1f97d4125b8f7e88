"""Metrics: axes and units, the interval of a standard deviation, and image noise by a bootstrap over images."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from overfitlab.results.measurement import Measurement, Parts
from overfitlab.results.metric import BY_NAME, Measure, measure
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.classification import confusion_matrix, macro_f1
from overfitlab.stats.crossed import crossed
from overfitlab.stats.design import Design, axes
from overfitlab.stats.image_noise import _resampled, crossed_by_bootstrap
from overfitlab.stats.method_summary import deviation_interval
from overfitlab.stats.verdict import compute_verdict

CLASSES = 4
COUNTS = (60, 40, 20, 30)


def endpoints(loss: float, gap: float, accuracy: float = 0.7) -> Endpoints:
    return Endpoints(
        accuracy=accuracy, gap=0.1, onset_accuracy=accuracy, onset_gap=0.1, train_acc=0.8, val_acc=0.7, loss_gap=gap,
        onset=3, acc_drop=0.0, loss_rise=0.1, best_epoch=3, epochs=5, seconds_per_epoch=1.0, parameters=10,
        peak_memory_mb=None, measures={"loss": Measure(loss, gap, loss + 0.1, gap + 0.1)},
    )  # fmt: skip


def design(**changes) -> Design:
    values = {
        "name": "study", "labels": {"none": "none", "l2": "l2", "l1": "l1"},
        "contrasts": (("l2", "none"), ("l1", "none")), "seeds": range(5), "looks": (5,), "look": 1, "alpha": 0.05,
        "margin": 0.02, "gap_margin": 0.04, "test_images": 150, "validation_images": 100, "metric": "loss",
    }  # fmt: skip
    return Design(**values | changes)


def losses(shift: dict[str, float]) -> list[Outcome]:
    rng = np.random.default_rng(1)
    return [
        Outcome(method, seed, f"{method}-{seed}", endpoints(1 + each + 0.005 * rng.normal(), 0.3 + each), [])
        for method, each in shift.items() for seed in range(5)
    ]  # fmt: skip


def test_less_loss_is_better_on_both_axes():
    verdict = compute_verdict(losses({"none": 0.0, "l2": -0.1, "l1": 0.2}), design())
    better, worse = verdict.contrasts
    assert (better.metric.verdict, worse.metric.verdict) == ("helps", "harms")
    assert (better.gap.verdict, worse.gap.verdict) == ("undecided", "undecided")  # every seed differs by as much
    assert better.metric.mean == pytest.approx(-0.1, abs=0.01)  # nats, not points
    assert better.onset_metric.mean == pytest.approx(-0.1, abs=0.01)
    assert verdict.methods[0].metric.mean == pytest.approx(1, abs=0.01)
    assert (verdict.metric, verdict.recommended) == ("loss", "l2")


def test_the_recommended_of_two_that_help_has_the_least_loss():
    verdict = compute_verdict(losses({"none": 0.0, "l2": -0.1, "l1": -0.3}), design())
    assert verdict.recommended == "l1"


def test_all_equal_losses_are_never_equivalent():
    runs = [Outcome(m, s, f"{m}-{s}", endpoints(1.0, 0.3), []) for m in ("none", "l2", "l1") for s in range(5)]
    assert {each.metric.verdict for each in compute_verdict(runs, design()).contrasts} == {"undecided"}


@pytest.mark.parametrize(
    ("metric", "classes", "unit"),
    [
        ("accuracy", None, 100 / 150),
        ("balanced_accuracy", COUNTS, 100 / (4 * 20)),
        ("f1", (*COUNTS, 0), 100 / (4 * 20)),
        ("f1", None, None),
        ("loss", None, 0.0),
    ],
)
def test_unit_of_an_image(metric, classes, unit):
    test, _ = axes(design(metric=metric, test_classes=classes))
    assert test.unit == (None if unit is None else pytest.approx(unit))


def test_a_miss_changes_f1_by_about_the_unit():
    labels = np.repeat(np.arange(CLASSES), COUNTS)
    right = macro_f1(confusion_matrix(labels, labels, CLASSES))
    missed = labels.copy()
    missed[np.flatnonzero(labels == 2)[0]] = 3
    changed = 100 * (right - macro_f1(confusion_matrix(labels, missed, CLASSES)))
    unit = axes(design(metric="f1", test_classes=COUNTS))[0].unit
    assert 0.5 * unit < changed <= unit * 1.01  # the other class is larger here, so it is less than the most


def test_macro_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, predicted = rng.integers(0, 5, 30), rng.integers(0, 4, 30)
        expected = f1_score(labels, predicted, average="macro", zero_division=0)
        assert macro_f1(confusion_matrix(labels, predicted, 7)) == pytest.approx(expected, abs=1e-12)


def test_measures_of_a_run():
    parts = [
        Measurement(10, loss, acc, acc, f1) for loss, acc, f1 in ((0.1, 0.9, 0.8), (0.4, 0.7, 0.5), (0.5, 0.6, 0.4))
    ]
    both = Parts(*parts)
    assert measure(BY_NAME["loss"], both, both) == Measure(0.5, pytest.approx(0.3), 0.5, pytest.approx(0.3))
    assert measure(BY_NAME["f1"], both, both) == Measure(0.4, pytest.approx(0.3), 0.4, pytest.approx(0.3))
    older = Parts(*(Measurement(10, 0.1, 0.9, 0.9) for _ in range(3)))
    assert measure(BY_NAME["f1"], older, older) is None
    assert measure(BY_NAME["balanced_accuracy"], older, older) is not None


@pytest.mark.slow
def test_the_interval_of_a_standard_deviation_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for n in (3, 7, 12):
        found = rng.normal(0, 2, (4000, n)).std(axis=1, ddof=1)
        low, high = np.array([deviation_interval(each, n) for each in found]).T
        assert np.mean((low <= 2) & (high >= 2)) == pytest.approx(0.95, abs=0.012)  # 3.5 Monte Carlo errors
    assert deviation_interval(1.0, 7) == (pytest.approx(0.644, abs=1e-3), pytest.approx(2.202, abs=1e-3))


def test_one_method_alone_has_a_spread_and_no_contrasts():
    rng = np.random.default_rng(0)
    runs = [
        Outcome("none", seed, f"none-{seed}", endpoints(1 + 0.1 * rng.normal(), 0.3 + 0.1 * rng.normal()), [])
        for seed in range(5)
    ]
    verdict = compute_verdict(runs, design(labels={"none": "none"}, contrasts=()))
    [method] = verdict.methods
    assert verdict.over
    assert (verdict.contrasts, verdict.recommended) == ((), "none")
    for spread in (method.metric, method.gap):
        assert (spread.deviation_low, spread.deviation_high) == deviation_interval(spread.deviation, 5)


def drawn(rng, seeds, counts=COUNTS, noise=0.5):
    """Return labels, and answers of a method and another by turns: images are easy or hard for all of them."""
    labels = np.repeat(np.arange(len(counts)), counts)
    ease = rng.normal(0, 1, len(labels))
    answers = []
    for _ in range(2 * seeds):
        right = ease + noise * rng.normal(0, 1, len(labels)) + 0.3 * rng.normal() > -0.5
        answers.append(np.where(right, labels, rng.integers(0, len(counts), len(labels))))
    return labels, answers


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        ("f1", lambda a, b: f1_score(a, b, average="macro", zero_division=0)),
        ("balanced_accuracy", balanced_accuracy_score),
    ],
)
def test_resampled_metrics_are_those_of_scikit_learn(metric, reference):
    labels, answers = drawn(np.random.default_rng(3), 2)
    found = _resampled(metric, labels, answers)
    assert [each[0] for each in found] == pytest.approx([reference(labels, each) for each in answers], abs=1e-6)


def test_with_classes_of_one_size_the_bootstrap_agrees_with_the_crossed_analysis():
    """Balanced accuracy of equal classes is accuracy, a mean over images, but for how many images a class draws."""
    labels, answers = drawn(np.random.default_rng(4), 6, counts=(150,) * 4)
    right = np.array([each == labels for each in answers], dtype=np.float64)
    exact = crossed(100 * (right[::2] - right[1::2]))
    found = crossed_by_bootstrap("balanced_accuracy", answers, [labels] * len(answers), 100)
    assert found.mean == pytest.approx(exact.mean, abs=1e-4)
    assert found.seed_deviation == pytest.approx(exact.seed_deviation, rel=1e-4)
    assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy"])
def test_the_bootstrap_finds_the_noise_of_images(metric):
    """Two methods that differ in which images they find easy: the truth is simulated, images and seeds drawn anew."""
    rng = np.random.default_rng(5)
    seeds, found, means = 4, [], []
    for _ in range(60):
        labels = np.repeat(np.arange(CLASSES), COUNTS)
        ease = rng.normal(0, 1, (2, len(labels)))
        answers = []
        for run in range(2 * seeds):
            right = ease[run % 2] + 0.3 * rng.normal(0, 1, len(labels)) > -0.5
            answers.append(np.where(right, labels, (labels + 1) % CLASSES))
        one = crossed_by_bootstrap(metric, answers, [labels] * len(answers), 100)
        found.append((one.seed_deviation**2, one.image_deviation**2, one.low <= 0 <= one.high))
        means.append(one.mean)
    by_seeds, by_images, covers = np.mean(found, axis=0)
    assert by_seeds + by_images == pytest.approx(np.var(means), rel=0.5)  # 60 studies know a variance to 18 %
    assert by_images > 3 * by_seeds
    assert covers >= 0.85  # of 95 %: 3.5 Monte Carlo errors


def test_no_image_noise_where_runs_lack_predictions_or_differ_in_their_images():
    labels, answers = drawn(np.random.default_rng(6), 2)
    assert crossed_by_bootstrap("f1", [None, *answers[1:]], [labels] * 4) is None
    assert crossed_by_bootstrap("f1", answers, [labels[::-1], *[labels] * 3]) is None
    assert crossed_by_bootstrap("f1", answers[:2], [labels] * 2) is None
