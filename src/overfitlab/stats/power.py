"""What a number of seeds can decide, computed before anything is trained."""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from overfitlab.stats.paired import least_noise, sign_flip_floor

Floats = NDArray[np.float64]
POINTS = 4000  # at which the standard deviation's distribution is looked at: the midpoint rule
# The chance at a point falls from at most 1 to at least 0 as the deviation grows, so the midpoint rule is wrong by no
# more than 1 / (2 points): this few points tell where many are not worth their time.
FEW_POINTS = 100
FEW_POINTS_ERROR = 1 / (2 * FEW_POINTS) + 1 / (2 * POINTS)  # at most, between the two
FEWEST, MOST = 3, 100  # seeds
ENOUGH_POWER = 0.5  # found more likely than not
SURE_POWER = 0.8  # as researchers plan for
WORTH_FINDING = {"points": 1.5, "nats": 0.06}  # beyond the margin: what the default number of seeds has to find


def power_to_differ(difference: float, deviation: float, n: int, margin: float, alpha: float, contrasts: int) -> float:
    """Return the probability of *helps* where the true difference is `difference`, and its paired noise `deviation`.

    The verdict needs p <= alpha and an estimate outside the margin. p is taken as adjusted for all `contrasts`,
    which is Holm's first and strictest step: with other contrasts decided too, the power is higher. Normal noise; all
    numbers in one unit.
    """
    if n < FEWEST:
        return 0.0
    found = _to_differ(difference, deviation, np.array([n]), _shown(n), margin, alpha, contrasts)
    return float(found[0])


def power_to_equal(
    deviation: float, n: int, margin: float, alpha: float, contrasts: int, unit: float | None = 0.0,
    difference: float = 0.0,
) -> float:  # fmt: skip
    """Return the probability of *equivalent* where the true difference is `difference`, none unless given.

    `unit` as in `paired.equivalence`.
    """
    if n < FEWEST or unit is None:
        return 0.0
    found = _to_equal(difference, deviation, np.array([n]), _shown(n), margin, alpha, contrasts, unit)
    return float(found[0])


@lru_cache(1024)
def seeds_to_decide(
    difference: float, deviation: float, margin: float, alpha: float, contrasts: int, unit: float | None = 0.0
) -> int | None:
    """Return how many seeds find the word with a probability of at least 80 %, if the true difference is `difference`.

    So many that the exact sign-flip test can agree with it as well; None where 100 are too few, as for a difference
    about as large as the margin.
    """
    size = abs(difference)

    def enough(n: int) -> bool:
        differs = power_to_differ(size, deviation, n, margin, alpha, contrasts)
        return differs + power_to_equal(deviation, n, margin, alpha, contrasts, unit, size) >= SURE_POWER

    if not deviation > 0:
        return None
    least = next(n for n in range(FEWEST, MOST) if sign_flip_floor(n) * contrasts <= alpha)
    numbers, shown = _roughly_shown()
    about = _to_differ(size, deviation, numbers, shown, margin, alpha, contrasts)
    if unit is not None:
        about = about + _to_equal(size, deviation, numbers, shown, margin, alpha, contrasts, unit)
    possible = numbers[(numbers >= least) & (about >= SURE_POWER - 2 * FEW_POINTS_ERROR)].tolist()
    return next((n for n in possible if enough(n)), None)


@lru_cache(2 * MOST)
def _shown(n: int, points: int = POINTS) -> Floats:
    """Return the standard deviations [1, points] that n seeds show, as shares of the true one, equally likely each."""
    quantiles = (np.arange(points) + 0.5) / points
    found: Floats = np.sqrt(stats.chi2.ppf(quantiles, n - 1) / (n - 1))[None]
    found.flags.writeable = False  # it is kept
    return found


@cache
def _roughly_shown() -> tuple[NDArray[np.int64], Floats]:
    """Return all numbers of seeds [n], and what they show [n, points] at few points."""
    numbers = np.arange(FEWEST, MOST + 1)
    return numbers, np.concatenate([_shown(n, FEW_POINTS) for n in numbers.tolist()])


def _to_differ(
    difference: float, deviation: float, n: NDArray[np.int64], shown: Floats, margin: float, alpha: float,
    contrasts: int,
) -> Floats:  # fmt: skip
    """Return `power_to_differ` [n] for numbers of seeds [n], whose deviations `shown` are [n, points]."""
    critical, root = stats.t.ppf(1 - alpha / (2 * contrasts), n - 1)[:, None], np.sqrt(n)[:, None]
    least = np.maximum(critical * deviation * shown / root, margin)
    found: Floats = special.ndtr((difference - least) / (deviation / root)).mean(-1)
    return found


def _to_equal(
    difference: float, deviation: float, n: NDArray[np.int64], shown: Floats, margin: float, alpha: float,
    contrasts: int, unit: float,
) -> Floats:  # fmt: skip
    """Return `power_to_equal` in the same way."""
    critical, root = stats.t.ppf(1 - alpha / contrasts, n - 1)[:, None], np.sqrt(n)[:, None]
    seen = np.maximum(deviation * shown, least_noise(margin, unit))
    room, error = np.maximum(margin - critical * seen / root, 0), deviation / root
    below, above = special.ndtr((room - difference) / error), special.ndtr((-room - difference) / error)
    found: Floats = (below - above).mean(-1)
    return found


def seeds_needed(
    contrasts: int, deviation: float, margin: float, alpha: float, worth: float = WORTH_FINDING["points"]
) -> int:
    """Return how many seeds make a verdict reachable.

    So many that the exact sign-flip test can agree after Holm's correction, 2/2^n <= alpha / contrasts, and that a
    difference of `worth`, 1.5 points, more than the margin is found more likely than not; at most 100.
    """
    for n in range(FEWEST, MOST):
        agrees = sign_flip_floor(n) * contrasts <= alpha
        if agrees and power_to_differ(margin + worth, deviation, n, margin, alpha, contrasts) >= ENOUGH_POWER:
            return n
    return MOST
