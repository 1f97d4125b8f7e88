"""How well classes are told apart: counts, rates, and the uncertainty of a share."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScores:
    """How one class fares; rates from 0 to 1, NaN where they are not defined (nothing to divide by)."""

    images: int  # that are of this class
    predicted: int  # images that the network takes for it
    precision: float  # share of `predicted` that are of this class
    recall: float  # share of `images` that are recognized
    f1: float  # harmonic mean of the two: 2 hits / (images + predicted)


@dataclass(frozen=True)
class Confusion:
    """So many images of class `true` were taken for class `predicted` (numbers of the classes)."""

    true: int
    predicted: int
    images: int
    share: float  # of all images of class `true`


@dataclass(frozen=True)
class Scores:
    """How well probabilities [N, K] fit the labels of N images."""

    images: int
    correct: int  # images whose most probable class is the true one
    accuracy: float
    accuracy_interval: tuple[float, float]  # Wilson's, 95 %
    balanced_accuracy: float
    loss: float  # mean cross-entropy, nats
    brier: float
    confusion: Integers  # [K, K]
    classes: list[ClassScores]


def scores(log_probabilities: Floats, labels: Integers) -> Scores:
    """Return the scores of log-probabilities [N, K], in nats, with labels [N] below K; N is at least 1."""
    images, classes = log_probabilities.shape
    confusion = confusion_matrix(labels, log_probabilities.argmax(axis=1), classes)
    correct = int(np.trace(confusion))
    return Scores(
        images=images,
        correct=correct,
        accuracy=correct / images,
        accuracy_interval=wilson_interval(correct, images),
        balanced_accuracy=balanced_accuracy(confusion),
        loss=float(cross_entropies(log_probabilities, labels).mean()),
        brier=brier_score(np.exp(log_probabilities), labels),
        confusion=confusion,
        classes=class_scores(confusion),
    )


def confusion_matrix(labels: Integers, predicted: Integers, classes: int) -> Integers:
    """Return counts [K, K]: row true class, column predicted class, from labels [N] and predictions [N] below K."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def class_scores(confusion: Integers) -> list[ClassScores]:
    """Return the scores of every class, from a confusion matrix [K, K]."""
    images, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    return [
        ClassScores(
            images=int(images[k]),
            predicted=int(predicted[k]),
            precision=_ratio(confusion[k, k], predicted[k]),
            recall=_ratio(confusion[k, k], images[k]),
            f1=_ratio(2 * confusion[k, k], images[k] + predicted[k]),
        )
        for k in range(len(confusion))
    ]


def balanced_accuracy(confusion: Integers) -> float:
    """Return the mean recall over the classes that have images: every class counts the same, however rare."""
    images = confusion.sum(axis=1)
    present = images > 0
    return float(np.mean(np.diag(confusion)[present] / images[present]))


def macro_f1(confusion: Integers) -> float:
    """Return the mean F1 over the classes that have images or are predicted, as scikit-learn's `average="macro"`."""
    return float(np.nanmean([each.f1 for each in class_scores(confusion)]))


def top_confusions(confusion: Integers, count: int) -> list[Confusion]:
    """Return the most frequent mistakes, up to `count` of them, the most frequent first."""
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    images = confusion.sum(axis=1)
    found = []
    for place in np.argsort(-mistakes, axis=None, kind="stable")[:count]:
        true, predicted = divmod(int(place), len(confusion))
        number = int(mistakes[true, predicted])
        if number:
            found.append(Confusion(true, predicted, number, number / int(images[true])))
    return found


def wilson_interval(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share, hits of trials (Wilson, 1927), from 0 to 1.

    Unlike the textbook's +-1.96 standard errors it holds near 0 and 1 and for few trials. It covers the chance of
    which images were drawn, not of the training. Raises `ValueError` where there are no trials.
    """
    if trials < 1:
        raise ValueError("a share of nothing has no interval")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / trials
    middle = share + z**2 / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    low = 0.0 if hits == 0 else (middle - half) / scale  # exactly, without a rounding error
    high = 1.0 if hits == trials else (middle + half) / scale
    return low, high


def cross_entropies(log_probabilities: Floats, labels: Integers) -> Floats:
    """Return each image's loss in nats [N]: minus the log-probability [N, K] of its true class."""
    return -np.take_along_axis(log_probabilities, labels[:, None], axis=1)[:, 0]


def brier_score(probabilities: Floats, labels: Integers) -> float:
    """Return the mean squared distance between probabilities [N, K] and the truth, from 0 to 2 (Brier, 1950).

    The sum over all classes of (p - 1)^2 for the true class and p^2 for the others, averaged over the images.
    """
    true = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    return float(np.mean((probabilities**2).sum(axis=1) - 2 * true + 1))


def _ratio(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else math.nan
