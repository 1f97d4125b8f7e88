"""Two runs of the same seed, and what the pairs of one contrast amount to."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats import paired
from overfitlab.stats.crossed import Crossed, crossed
from overfitlab.stats.design import POINTS, Run
from overfitlab.stats.equal_fit import difference_at_equal_fit
from overfitlab.stats.findings import ALPHA, Paired, Unpaired
from overfitlab.stats.image_noise import crossed_by_bootstrap

LARGEST_RATIO = 1e15  # of times: a history of a stranger may say that an epoch took none
Pairs = list[tuple[int, Outcome, Outcome]]


@dataclass(frozen=True)
class EqualFit:
    """The difference in gap, in points, when both methods fitted the training images equally well."""

    n: int
    mean: float
    low: float | None
    high: float | None


def pairs_of(by_run: Mapping[Run, Outcome], contrast: tuple[str, str], seeds: Sequence[int]) -> Pairs:
    """Return the seeds at which both runs have finished, with them."""
    found = []
    for seed in seeds:
        one, other = (by_run.get((method, seed)) for method in contrast)
        if one is not None and other is not None and one.end is not None and other.end is not None:
            found.append((seed, one, other))
    return found


def differences(
    pairs: Pairs, value: Callable[[Endpoints], float | None], scale: float = POINTS, images_of: str | None = None,
    alpha: float = ALPHA,
) -> Paired:  # fmt: skip
    """Return a difference for each pair, in points or another unit of that `scale`.

    `images_of` names the metric, where what the test images contribute to its noise is wanted too, and the interval for
    other images at 1 - alpha.
    """
    ends = [(seed, value(one.end), value(other.end)) for seed, one, other in pairs if one.end and other.end]
    known = [(seed, rounded(one - other, scale)) for seed, one, other in ends if one is not None and other is not None]
    noise = _crossed(pairs, images_of, alpha) if images_of and len(pairs) > 1 else None
    return Paired(tuple(each for _, each in known), tuple(seed for seed, _ in known), noise)


def apart(
    by_run: Mapping[Run, Outcome], contrast: tuple[str, str], value: Callable[[Endpoints], float | None],
    scale: float = POINTS,
) -> Unpaired:  # fmt: skip
    """Return the values of both sides of a contrast whose runs share no seeds, in points or another unit."""

    def of(method: str) -> tuple[float, ...]:
        ends = [run.end for (name, _), run in by_run.items() if name == method and run.end is not None]
        return tuple(rounded(found, scale) for end in ends if (found := value(end)) is not None)

    return Unpaired(of(contrast[0]), of(contrast[1]))


def rounded(value: float, scale: float = POINTS) -> float:
    """Return points, rounded far below a single image, so that equal accuracies differ by exactly nothing."""
    return round(scale * value, 9)


def _crossed(pairs: Pairs, metric: str, alpha: float) -> Crossed | None:
    """Return the interval with image noise of paired runs on the same test images, in the metric's unit."""
    runs = [run for _, *both in pairs for run in both]
    if metric == "loss":
        return _mean_over_images([run.losses for run in runs], 1, alpha)
    if metric == "accuracy":
        return _mean_over_images([run.correct for run in runs], POINTS, alpha)
    classes, labels = [run.classes for run in runs], [run.labels for run in runs]
    return crossed_by_bootstrap(metric, classes, labels, POINTS, 1 - alpha)


def _mean_over_images(values: Sequence[NDArray[Any] | None], scale: float, alpha: float) -> Crossed | None:
    """Return it for a mean over images, given values of runs [I], the method and the other by turns."""
    known = [each.astype(np.float64) for each in values if each is not None]
    if len(known) < len(values) or len({len(each) for each in known}) > 1 or not np.isfinite(known).all():
        return None
    return crossed(scale * (np.array(known[::2]) - np.array(known[1::2])), 1 - alpha)


def fit(pairs: Pairs) -> float | None:
    """Return how much better the training images are fitted, in points of training accuracy."""
    both = [(one.end.train_acc, other.end.train_acc) for _, one, other in pairs if one.end and other.end]
    found = [one - other for one, other in both if one is not None and other is not None]
    return POINTS * mean(found) if found else None


def equal_fit(pairs: Pairs, alpha: float) -> EqualFit | None:
    """Return the difference in gap at equal fit, None where no pair passes a common fit."""
    found = [difference_at_equal_fit(one.rows, other.rows) for _, one, other in pairs]
    known = [POINTS * each for each in found if each is not None]
    if not known:
        return None
    estimate = paired.estimate(known, 1 - alpha)
    low, high = (None if math.isnan(bound) else float(bound) for bound in (estimate.low, estimate.high))
    return EqualFit(len(known), float(estimate.mean), low, high)


def time_ratio(pairs: Pairs) -> tuple[float | None, tuple[float, float] | None]:
    """Return the median ratio of the seconds of an epoch, and the quartiles."""
    seconds = [
        (one.end.seconds_per_epoch, other.end.seconds_per_epoch) for _, one, other in pairs if one.end and other.end
    ]
    ratios = [one / other for one, other in seconds if one and other and one < LARGEST_RATIO * other]
    if not ratios:
        return None, None
    low, middle, high = map(float, np.quantile(ratios, (0.25, 0.5, 0.75)))
    return middle, (low, high)
