"""Statistics of paired differences: one number for each seed, the same seed under two methods.

Everything works on the last axis, [..., n], so that a simulation of thousands of studies runs the same code as a study.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overfitlab.stats import student

Floats = NDArray[np.float64]
MOST_FLIPPED = 20  # pairs whose 2^n sign flips are counted one by one; with more of them, drawn
DRAWN_FLIPS = 2**16
RESAMPLES = 9999
EXACT = 1e-12  # relative: sums of the same numbers in another order are equal


@dataclass(frozen=True)
class Estimate:
    """A mean difference and how sure it is; all arrays have the shape of the differences without their last axis."""

    mean: Floats
    deviation: Floats  # standard deviation over the seeds, with n - 1
    low: Floats  # Student's t interval
    high: Floats
    p: Floats  # two-sided paired t-test against 0; 1 where there is no difference at all, NaN where nothing can be said


def estimate(differences: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return mean, interval and two-sided p of paired differences [..., n] (Student, 1908).

    With n = 1 there is a mean and nothing else; where all differences are equal, and not zero, there is no p. Raises
    `ValueError` for n = 0.
    """
    values = np.asarray(differences, dtype=np.float64)
    n = values.shape[-1]
    if n < 1:
        raise ValueError("no differences")
    mean = values.mean(-1)
    nothing = np.full(mean.shape, np.nan)
    if n == 1:
        return Estimate(mean, nothing, nothing, nothing, nothing)
    deviation = deviation_of(values, mean)
    half = student.quantile((1 + confidence) / 2, n - 1) * deviation / np.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * student.above(np.abs(mean) / (deviation / np.sqrt(n)), n - 1)
    p = np.where(deviation > 0, p, np.where(mean == 0, 1.0, np.nan))
    return Estimate(mean, deviation, mean - half, mean + half, p)


def equivalence(differences: ArrayLike, margin: float, unit: float = 0.0) -> Floats:
    """Return p of two one-sided t-tests that the mean of differences [..., n] lies within +-margin (Schuirmann, 1987).

    `unit` is what a single image more or less changes, 100 / images for points of accuracy. The noise is taken to be at
    least that of so few misses as would make up the margin, sqrt(unit * margin): a handful of seeds that miss the same
    images would otherwise prove that no others ever differ. NaN where that leaves no noise, or n < 2.
    """
    values = np.asarray(differences, dtype=np.float64)
    n, mean = values.shape[-1], values.mean(-1)
    if n < 2:
        return np.full(mean.shape, np.nan)
    deviation = np.maximum(deviation_of(values, mean), least_noise(margin, unit))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = deviation / np.sqrt(n)
        p = np.maximum(student.above((mean + margin) / error, n - 1), student.below((mean - margin) / error, n - 1))
    return np.where(deviation > 0, p, np.nan)


def least_noise(margin: float, unit: float) -> float:
    """Return the least standard deviation that a test of equivalence reckons with, in the unit of the margin."""
    return math.sqrt(unit * margin)


def sign_flip(differences: ArrayLike) -> float:
    """Return the exact two-sided p of differences [n]: the share of their 2^n sign flips whose mean is as far from 0.

    It assumes nothing but symmetry under the null hypothesis (Fisher, 1935), and is never below 2/2^n. Beyond 20
    differences 65,536 flips are drawn, always the same, and p is (1 + as far) / (1 + drawn).
    """
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    observed = abs(values.sum()) * (1 - EXACT)
    if n > MOST_FLIPPED:
        return float((1 + np.count_nonzero(np.abs(_drawn_signs(n) @ values) >= observed)) / (1 + DRAWN_FLIPS))
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return float(np.count_nonzero(np.abs(sums) >= observed) / len(sums))


@lru_cache(2)  # all contrasts of a study have as many pairs, or nearly
def _drawn_signs(n: int) -> NDArray[np.int8]:
    """Return the drawn flips [drawn, n], each 1 or -1."""
    found = np.random.default_rng(0).integers(0, 2, (DRAWN_FLIPS, n), dtype=np.int8) * np.int8(2) - np.int8(1)
    found.flags.writeable = False
    return found


def sign_flip_floor(n: int) -> float:
    """Return the smallest p that `sign_flip` can give for n differences: 2/2^n, or where flips are drawn, 1/65,537."""
    return 1 / (1 + DRAWN_FLIPS) if n > MOST_FLIPPED else min(1.0, 2.0 ** (1 - n))


def bootstrap(differences: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval of the mean of differences [n] (Efron, 1987).

    9,999 resamples, always the same. NaN where n < 3 or all differences are equal. With few seeds it covers too little
    (docs/statistics.md): it is a second look, not the headline.
    """
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 3 or np.ptp(values) == 0:
        return float("nan"), float("nan")
    from scipy import stats

    found = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(0),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def deviation_of(values: Floats, mean: Floats) -> Floats:
    """Return the standard deviation over the last axis: exactly 0 where all values are equal."""
    deviation = np.sqrt(((values - mean[..., None]) ** 2).sum(-1) / (values.shape[-1] - 1))
    return np.where(np.ptp(values, axis=-1) == 0, 0.0, deviation)
