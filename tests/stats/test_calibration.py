"""Calibration against a plain loop, scikit-learn's curve, and cases that can be said by hand."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from overfitlab.stats.calibration import calibration


def predictions(images=3000, classes=5, sharpness=3.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, classes)) * sharpness
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row**0.5 / (row**0.5).sum()) for row in probabilities])
    return probabilities, labels


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_against_a_plain_loop(bins):
    probabilities, labels = predictions()
    found = calibration(probabilities, labels, bins)
    error = 0.0
    for m in range(1, bins + 1):
        inside = [n for n, row in enumerate(probabilities) if (m - 1) / bins < row.max() <= m / bins]
        assert found.images[m - 1] == len(inside)
        if not inside:
            assert np.isnan(found.confidence[m - 1])
            assert np.isnan(found.accuracy[m - 1])
            continue
        accuracy = np.mean([probabilities[n].argmax() == labels[n] for n in inside])
        confidence = np.mean([probabilities[n].max() for n in inside])
        assert found.accuracy[m - 1] == pytest.approx(accuracy)
        assert found.confidence[m - 1] == pytest.approx(confidence)
        error += len(inside) / len(labels) * abs(accuracy - confidence)
    assert found.expected_error == pytest.approx(error)
    assert found.mean_confidence == pytest.approx(probabilities.max(axis=1).mean())


def test_against_scikit_learns_curve():
    probabilities, labels = predictions()
    found = calibration(probabilities, labels)
    right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=15)
    some = found.images > 0
    np.testing.assert_allclose(found.accuracy[some], accuracy)
    np.testing.assert_allclose(found.confidence[some], confidence)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    found = calibration(np.array([[0.6, 0.4], [0.8, 0.2], [1.0, 0.0]]), np.array([0, 0, 1]), bins=5)
    assert found.images.tolist() == [0, 0, 1, 1, 1]
    assert found.expected_error == pytest.approx((0.4 + 0.2 + 1.0) / 3)


def test_certain_and_right_is_without_error_even_a_rounding_error_above_one():
    found = calibration(np.array([[1.0 + 2e-16, 0.0]] * 4), np.zeros(4, dtype=np.int64))
    assert found.expected_error == 0
    assert found.images[-1] == 4
