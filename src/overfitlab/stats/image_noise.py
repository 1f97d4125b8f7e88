"""The noise of test images of metrics that are no mean over images, by a bootstrap over images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overfitlab.stats.crossed import Crossed, interval

Floats = NDArray[np.float64]
RESAMPLES = 1000  # of the images: a standard deviation is known to 2 % of it
AT_ONCE = 250  # of them, so that weights of 10,000 images take 20 MB


def crossed_by_bootstrap(
    metric: str,
    classes: Sequence[NDArray[np.int64] | None],
    labels: Sequence[NDArray[np.int64] | None],
    scale: float = 1,
    confidence: float = 0.95,
) -> Crossed | None:
    """Return the interval of a mean difference in `balanced_accuracy` or `f1`, seeds and test images taken as random.

    `classes` [I] are what the runs take the images with those `labels` [I] for, the method and the other by turns, a
    pair a seed. It is what `crossed` gives for a mean over images. All runs are measured on the same 1,000 resamples of
    the images, always the same (Efron, 1979). What the difference varies by over the resamples is, in the mean over the
    S seeds, I + R/S, and for a single seed I + R on average: I is due to images, whatever the seed, R to images with
    seeds, so both can be told. The variance over the seeds themselves has R in it already. As many images count for the
    degrees of freedom as there would be if all classes were as small as the smallest. None where runs have no
    predictions or differ in their images, for fewer than two pairs, and where nothing varies.
    """
    answers, truth = [each for each in classes if each is not None], [each for each in labels if each is not None]
    if len(answers) < max(4, len(classes)) or len(truth) < len(labels):
        return None
    if not all(np.array_equal(truth[0], each) for each in truth) or {len(each) for each in answers} != {len(truth[0])}:
        return None
    values = scale * np.array(_resampled(metric, truth[0], answers))  # [runs, 1 + resamples], first as they are
    differences = values[::2] - values[1::2]  # [seeds, ...]
    observed, again = differences[:, 0], differences[:, 1:]
    seeds = len(observed)
    in_mean, of_one = float(again.mean(0).var(ddof=1)), float(again.var(axis=1, ddof=1).mean())
    counts = np.bincount(truth[0])
    images = int(np.count_nonzero(counts) * counts[counts > 0].min())
    if images < 2:
        return None
    rest = max(0.0, of_one - in_mean) / (seeds - 1)
    return interval(observed.mean(), float(observed.var(ddof=1)) / seeds, in_mean, rest, seeds, images, confidence)


def _resampled(metric: str, labels: NDArray[np.int64], answers: Sequence[NDArray[np.int64]]) -> list[Floats]:
    """Return the metric of each run, of the images as they are, then of resamples: [runs][1 + resamples]."""
    images = len(labels)
    count = int(max(labels.max(), *(each.max() for each in answers))) + 1
    rng = np.random.default_rng(0)
    found: list[list[Floats]] = [[] for _ in answers]
    weights = np.ones((1, images), dtype=np.float32)
    for _ in range(1 + RESAMPLES // AT_ONCE):
        there = _by_class(weights, labels, count)
        for run, each in enumerate(answers):
            hits = _by_class(weights * (each == labels), labels, count)
            with np.errstate(invalid="ignore"):
                of_class = 2 * hits / (there + _by_class(weights, each, count)) if metric == "f1" else hits / there
            found[run].append(np.nanmean(of_class, axis=1))  # a class that is nowhere does not count
        weights = rng.multinomial(images, np.full(images, 1 / images), AT_ONCE).astype(np.float32)
    return [np.concatenate(each) for each in found]


def _by_class(weights: NDArray[np.float32], classes: NDArray[np.int64], count: int) -> Floats:
    """Return the sums [B, K] of weights [B, I] over the images of each class [I]."""
    one_hot = np.zeros((len(classes), count), dtype=np.float32)
    one_hot[np.arange(len(classes)), classes] = 1
    return (weights @ one_hot).astype(np.float64)
