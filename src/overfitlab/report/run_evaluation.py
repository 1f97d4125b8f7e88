"""What one run says of images: its confusion matrix, its classes, and whether it is as sure as it should be."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overfitlab.report.marks import DASHED, Dot, Dots, Line, Panel
from overfitlab.report.scales import axis
from overfitlab.report.study_tables import Table
from overfitlab.results.predictions import Predicted
from overfitlab.stats.calibration import calibration
from overfitlab.stats.classification import class_scores, top_confusions
from overfitlab.words.language import Language

NAMED = 5  # most frequent mistakes
CERTAIN = 1.04  # the end of a scale of probabilities, with room for a large dot at 1
SMALLEST, LARGEST = 8.0, 70.0  # areas of dots


def percent_of(confusion: NDArray[np.int64]) -> tuple[tuple[float, ...], ...]:
    """Return a confusion matrix [K, K] in percent of the true class."""
    images = confusion.sum(axis=1, keepdims=True)
    return tuple(map(tuple, (100 * confusion / np.where(images > 0, images, 1)).tolist()))


def mistakes_in_words(confusion: NDArray[np.int64], classes: Sequence[str], say: Language) -> str:
    """Return what is most often taken for what, the most frequent mistake first; "" where there is none."""
    found = sorted(top_confusions(confusion, NAMED), key=lambda one: -one.share)
    return ", ".join(
        say("{true} predicted as {predicted} ({share} %)", true=classes[one.true], predicted=classes[one.predicted],
            share=f"{100 * one.share:.1f}")
        for one in found
    )  # fmt: skip


def class_table(confusion: NDArray[np.int64], classes: Sequence[str], say: Language) -> Table:
    """Return how each class fares."""
    header = (say("class"), say("images"), say("precision"), say("recall"), say("F1"))
    rows = tuple(
        (name, f"{found.images:,}", *map(_rate, (found.precision, found.recall, found.f1)))
        for name, found in zip(classes, class_scores(confusion), strict=True)
    )
    return Table(header, rows)


def calibration_panels(predicted: Predicted, say: Language) -> list[Panel]:
    """Return one panel: accuracy against confidence in bins, the area of a dot growing with its images."""
    found = calibration(predicted.probabilities.astype(np.float64), predicted.labels, predicted=predicted.classes)
    some, most = np.flatnonzero(found.images), int(found.images.max())
    dots = tuple(
        Dot(float(found.confidence[k]), float(found.accuracy[k]),
            math.sqrt(SMALLEST + LARGEST * float(found.images[k]) / most),
            tip=say("{images} images: confidence {confidence}, accuracy {accuracy}", images=int(found.images[k]),
                    confidence=f"{found.confidence[k]:.3f}", accuracy=f"{found.accuracy[k]:.3f}"))
        for k in some
    )  # fmt: skip
    accuracy = int(found.correct.sum()) / int(found.images.sum())
    alternative = say(
        "Accuracy against confidence: mean confidence {confidence}, accuracy {accuracy}; expected calibration error "
        "{error}.",
        confidence=f"{found.mean_confidence:.3f}", accuracy=f"{accuracy:.3f}", error=f"{found.expected_error:.3f}",
    )  # fmt: skip
    marks = (
        Line(x=(0.0, 1.0), y=(0.0, 1.0), color="soft", dash=DASHED, width=1.0, label=say("perfect calibration")),
        Dots(dots=dots, color="method", size=5.0, opacity=0.85, label=f"ECE {found.expected_error:.3f}"),
    )
    x, y = axis(0.0, CERTAIN, say("confidence")), axis(0.0, CERTAIN, say("accuracy"))
    return [Panel(title=say("Calibration"), alternative=alternative, x=x, y=y, marks=marks, key="calibration")]


def _rate(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
