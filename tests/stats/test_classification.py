"""Scores against scikit-learn and SciPy."""

import math

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn import metrics

from overfitlab.stats.classification import (
    balanced_accuracy,
    brier_score,
    class_scores,
    confusion_matrix,
    cross_entropies,
    top_confusions,
    wilson_interval,
)


def predictions(classes, images=400, seed=0):
    """Labels and log-probabilities that are right more often than chance."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    logits = rng.normal(size=(images, classes)) * 2
    logits[np.arange(images), labels] += 1.5
    return labels, log_softmax(logits, axis=1)


@pytest.mark.parametrize("classes", [2, 3, 10, 120])
def test_against_scikit_learn(classes):
    labels, log_probabilities = predictions(classes, images=20 * classes)
    predicted = log_probabilities.argmax(axis=1)
    probabilities = np.exp(log_probabilities)
    everything = list(range(classes))

    confusion = confusion_matrix(labels, predicted, classes)
    np.testing.assert_array_equal(confusion, metrics.confusion_matrix(labels, predicted, labels=everything))
    precision, recall, f1, images = metrics.precision_recall_fscore_support(
        labels, predicted, labels=everything, zero_division=np.nan
    )
    ours = class_scores(confusion)
    np.testing.assert_allclose([row.precision for row in ours], precision)
    np.testing.assert_allclose([row.recall for row in ours], recall)
    np.testing.assert_allclose([row.f1 for row in ours], f1)
    np.testing.assert_array_equal([row.images for row in ours], images)
    np.testing.assert_array_equal([row.predicted for row in ours], np.bincount(predicted, minlength=classes))
    assert balanced_accuracy(confusion) == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    assert cross_entropies(log_probabilities, labels).mean() == pytest.approx(
        metrics.log_loss(labels, probabilities, labels=everything)
    )
    truth = np.eye(classes)[labels]
    assert brier_score(probabilities, labels) == pytest.approx(((probabilities - truth) ** 2).sum(axis=1).mean())


def test_the_brier_score_of_two_classes_is_twice_the_binary_one():
    labels, log_probabilities = predictions(2)
    binary = metrics.brier_score_loss(labels, np.exp(log_probabilities)[:, 1])
    assert brier_score(np.exp(log_probabilities), labels) == pytest.approx(2 * binary)


def test_a_loss_too_large_for_a_probability_stays_finite():
    log_probabilities = log_softmax(np.array([[0.0, 2000.0]]), axis=1)
    assert np.exp(log_probabilities)[0, 0] == 0
    assert cross_entropies(log_probabilities, np.array([0])).tolist() == [2000.0]


def test_classes_without_images_or_predictions_are_undefined_and_do_not_count():
    confusion = confusion_matrix(np.array([0, 0, 1]), np.array([0, 2, 1]), 4)
    never_predicted, _, never_there, neither = class_scores(confusion)[0], *class_scores(confusion)[1:]
    assert (never_predicted.precision, never_predicted.recall) == (1.0, 0.5)
    assert never_there.precision == 0
    assert math.isnan(never_there.recall)
    assert all(math.isnan(value) for value in (neither.precision, neither.recall, neither.f1))
    assert balanced_accuracy(confusion) == 0.75


def test_top_confusions_are_the_largest_off_the_diagonal():
    confusion = np.array([[50, 3, 0], [7, 10, 3], [0, 0, 9]])
    found = top_confusions(confusion, 10)
    assert [(one.true, one.predicted, one.images) for one in found] == [(1, 0, 7), (0, 1, 3), (1, 2, 3)]
    assert found[0].share == 7 / 20
    assert len(top_confusions(confusion, 1)) == 1
    assert top_confusions(np.diag([3, 4]), 5) == []


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 7), (6_650, 10_000), (1, 10_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_scipys(hits, trials, confidence):
    theirs = binomtest(hits, trials).proportion_ci(confidence, method="wilson")
    low, high = wilson_interval(hits, trials, confidence)
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= low <= hits / trials <= high <= 1


def test_a_share_of_nothing_has_no_interval():
    with pytest.raises(ValueError, match="nothing"):
        wilson_interval(0, 0)
