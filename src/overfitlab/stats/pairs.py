"""Two runs of the same seed, and what the pairs of one contrast amount to."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats import paired
from overfitlab.stats.crossed import Crossed, crossed
from overfitlab.stats.design import POINTS, Run
from overfitlab.stats.equal_fit import difference_at_equal_fit
from overfitlab.stats.findings import Paired

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
    pairs: Pairs, value: Callable[[Endpoints], float], *, with_images: bool, confidence: float = 0.95
) -> Paired:
    """Return a difference for each pair, in points; `with_images` also what the test images contribute to its noise."""
    ends = [(one.end, other.end) for _, one, other in pairs if one.end and other.end]
    differences = tuple(rounded(value(one) - value(other)) for one, other in ends)
    noise = _crossed(pairs, confidence) if with_images and len(pairs) > 1 else None
    return Paired(differences, tuple(seed for seed, *_ in pairs), noise)


def rounded(share: float) -> float:
    """Return points, rounded far below a single image, so that equal accuracies differ by exactly nothing."""
    return round(POINTS * share, 9)


def _crossed(pairs: Pairs, confidence: float) -> Crossed | None:
    """Return the interval with image noise of paired runs on the same test images, in points."""
    both = [(one.correct, other.correct) for _, one, other in pairs]
    known = [(one, other) for one, other in both if one is not None and other is not None]
    if len(known) < len(both) or len({len(each) for two in known for each in two}) > 1:
        return None
    return crossed(POINTS * np.array([one.astype(np.float64) - other for one, other in known]), confidence)


def fit(pairs: Pairs) -> float | None:
    """Return how much better the training images are fitted, in points of training accuracy."""
    found = [one.end.train_acc - other.end.train_acc for _, one, other in pairs if one.end and other.end]
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
    ratios = [one / other for one, other in seconds if one < LARGEST_RATIO * other]
    if not ratios:
        return None, None
    low, middle, high = map(float, np.quantile(ratios, (0.25, 0.5, 0.75)))
    return middle, (low, high)
