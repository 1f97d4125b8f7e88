"""What one run says of images."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from overfitlab.report.run_evaluation import calibration_panels, class_table, mistakes_in_words, percent_of
from overfitlab.results.predictions import Predicted
from overfitlab.words.language import ENGLISH

NAMES = ["cat", "dog", "emu"]


@pytest.fixture
def predicted():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet((1, 1, 1), 200)
    labels = rng.integers(0, 3, 200)
    return Predicted(np.arange(200), labels, shares.argmax(axis=1), shares.astype(np.float16), None)


def test_classes_and_confusion(predicted):
    confusion = confusion_matrix(predicted.labels, predicted.classes)
    table = class_table(confusion, NAMES, ENGLISH)
    precision, recall, f1, images = precision_recall_fscore_support(predicted.labels, predicted.classes)
    expected = [
        (name, str(n), f"{p:.3f}", f"{r:.3f}", f"{f:.3f}")
        for name, n, p, r, f in zip(NAMES, images, precision, recall, f1, strict=True)
    ]
    assert list(table.rows) == expected
    assert np.allclose(np.sum(percent_of(confusion), axis=1), 100)
    assert mistakes_in_words(confusion, NAMES, ENGLISH).count("predicted as") == 5
    assert percent_of(np.zeros((2, 2), dtype=np.int64)) == ((0.0, 0.0), (0.0, 0.0))


def test_calibration(predicted):
    [panel] = calibration_panels(predicted, ENGLISH)
    dots = panel.marks[1].dots
    assert sum(int(dot.tip.split()[0]) for dot in dots) == 200
    assert "expected calibration error" in panel.alternative
