"""Figures of an evaluation: what they show, and that no class name or number of classes breaks them."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from overfitlab.report.evaluation_figures import Mistake, calibration_figure, confusion_figure, mistakes_figure
from overfitlab.report.figures import rendered
from overfitlab.stats.calibration import calibration
from overfitlab.stats.classification import confusion_matrix

HOSTILE = ["$x_1$", "<b>", "two\nlines", "한글", "\udcff", "x" * 90, "", "$", "عربي", "\x1b[0m"]


def matrix(classes, images=50):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), images)
    predicted = np.where(rng.random(len(labels)) < 0.7, labels, rng.integers(0, classes, len(labels)))
    return confusion_matrix(labels, predicted, classes)


def names(classes):
    return [HOSTILE[k] if k < len(HOSTILE) else f"class {k}" for k in range(classes)]


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 10, 20, 21, 110, 150])
def test_the_confusion_matrix_is_readable_with_any_number_of_classes(classes):
    counts = matrix(classes)
    figure = confusion_figure(counts, names(classes), "$title_")
    axes = figure.axes[0]
    written = [text.get_text() for text in axes.texts]
    assert written == ([f"{count:,}" for count in counts.ravel() if count] if classes <= 20 else [])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    if classes <= 110:
        assert len(set(labels)) == classes, "no two classes look alike"
    else:
        assert len(labels) < 20
        assert "number of the true class" in axes.get_ylabel()
    shares = np.asarray(axes.get_images()[0].get_array())
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert rendered(figure, "png").startswith(b"\x89PNG")


def test_long_names_do_not_run_into_each_other():
    figure = confusion_figure(matrix(10), [f"a class with a long name {k}" for k in range(10)])
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    bounds = figure.bbox
    assert all(box.y0 >= bounds.y0 for box in boxes)


def test_a_class_without_images_has_an_empty_row():
    counts = np.array([[3, 1], [0, 0]])
    shares = np.asarray(confusion_figure(counts, ["a", "b"]).axes[0].get_images()[0].get_array())
    assert shares.tolist() == [[0.75, 0.25], [0, 0]]


def test_the_reliability_diagram_shows_accuracy_against_confidence():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 500)
    found = calibration(np.column_stack([sure, 1 - sure]), (rng.random(500) > sure).astype(np.int64))
    figure = calibration_figure(found, "$title_")
    top, bottom = figure.axes
    some = found.images > 0
    points = top.containers[0].lines[0]
    np.testing.assert_allclose(points.get_xdata(), found.confidence[some])
    np.testing.assert_allclose(points.get_ydata(), found.accuracy[some])
    values, edges, _ = bottom.patches[0].get_data()
    np.testing.assert_allclose(values, found.images / 500)
    np.testing.assert_allclose(edges, np.linspace(0, 1, 16))
    assert figure.legends[0].get_title().get_text() == f"ECE {found.expected_error:.3f} in 15 bins, n = 500"
    ET.fromstring(rendered(figure, "svg"))


def test_one_image_is_enough_for_a_reliability_diagram():
    for label in (0, 1):
        assert rendered(calibration_figure(calibration(np.array([[1.0, 0.0]]), np.array([label]))), "png")


@pytest.mark.parametrize("channels", [1, 3])
def test_mistakes_are_shown_with_picture_classes_and_probabilities(channels):
    picture = np.full((8, 8, channels), 16, dtype=np.uint8)
    mistakes = [Mistake(picture, "$cat", "d_o\ng", 0.01, 0.9, "a/$b\udcff.png")] * 5
    figure = mistakes_figure(mistakes, "$title", brightest=16)
    assert len(figure.axes) == 5
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "taken for d_o g 0.900\ntrue: $cat 0.010"
    assert axes.get_xlabel() == "a/$b□.png"
    assert np.asarray(axes.get_images()[0].get_array()).min() == 1, "16 is white here"
    assert rendered(figure, "png")


def test_no_mistakes_are_said_to_be_none():
    figure = mistakes_figure([])
    assert [text.get_text() for text in figure.texts] == ["no mistakes"]
    assert rendered(figure, "svg")
