"""Statistics of two arms that share no seeds: the runs of one method beside those of another, each by itself.

Welch's statistic, with as many degrees of freedom as the smaller arm has by itself (Hsu, 1938; Mickey and Brown, 1966):
whatever the spreads, and at any level, normal noise is then never found to differ too often. With those of Welch and
Satterthwaite it is: of arms of 3 and 10 runs, seven contrasts, in 10 to 16 % of simulated studies (docs/statistics.md).

Everything works on the last axis, [..., n] and [..., m], so that a simulation runs the same code as a verdict.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overfitlab.stats import student
from overfitlab.stats.paired import Estimate, deviation_of

Floats = NDArray[np.float64]


def estimate(values: ArrayLike, against: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the difference of two means [..., n] and [..., m], its interval and two-sided p.

    The deviation is that of the difference between one run of each arm, sqrt(s1^2 + s2^2). With fewer than two runs on
    a side there is a mean and nothing else; where neither side varies, and the means differ, there is no p.
    """
    mean, error, freedom, deviation = _moments(values, against, 0.0)
    half = student.quantile((1 + confidence) / 2, freedom) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * student.above(np.abs(mean) / error, freedom)
    p = np.where(error > 0, p, np.where((mean == 0) & (error == 0), 1.0, np.nan))
    known = error > 0
    return Estimate(mean, deviation, np.where(known, mean - half, np.nan), np.where(known, mean + half, np.nan), p)


def equivalence(values: ArrayLike, against: ArrayLike, margin: float, unit: float = 0.0) -> Floats:
    """Return p of two one-sided tests that the difference of two means lies within +-margin.

    `unit` is what a single image changes, as in `paired.equivalence`: each arm is taken to vary by at least
    sqrt(unit * margin / 2), so that the standard error is at least sqrt(unit * margin (1/n + 1/m) / 2). NaN where that
    leaves no noise, or for fewer than two runs on a side.
    """
    mean, error, freedom, _ = _moments(values, against, math.sqrt(unit * margin / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.maximum(student.above((mean + margin) / error, freedom), student.below((mean - margin) / error, freedom))
    return np.where(error > 0, p, np.nan)


def standard_error(values: ArrayLike, against: ArrayLike) -> float:
    """Return that of the difference of two means [n] and [m]; NaN for fewer than two runs on a side."""
    return float(_moments(values, against, 0.0)[1])


def _moments(values: ArrayLike, against: ArrayLike, floor: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return difference of means, standard error, degrees of freedom of the smaller arm, and deviation.

    No arm's deviation is taken to be below `floor`.
    """
    one, other = np.asarray(values, dtype=np.float64), np.asarray(against, dtype=np.float64)
    n, m = one.shape[-1], other.shape[-1]
    if min(n, m) < 1:
        raise ValueError("no runs on a side")
    mean = one.mean(-1) - other.mean(-1)
    if min(n, m) < 2:
        nothing = np.full(mean.shape, np.nan)
        return mean, nothing, nothing, nothing
    first, second = (
        np.maximum(deviation_of(side, side.mean(-1)), floor) ** 2 / side.shape[-1] for side in (one, other)
    )
    freedom = np.full(mean.shape, min(n, m) - 1.0)
    return mean, np.sqrt(first + second), freedom, np.sqrt(first * n + second * m)
