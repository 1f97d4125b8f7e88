"""What a number of seeds can decide, computed before anything is trained."""

import bisect
import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overfitlab.stats import student
from overfitlab.stats.paired import least_noise, sign_flip_floor

QUANTILES = (np.arange(4000) + 0.5) / 4000  # of the standard deviation's distribution: the midpoint rule
FEWEST, MOST = 3, 100  # seeds
ENOUGH_POWER = 0.5  # found more likely than not
SURE_POWER = 0.8  # as researchers plan for
WORTH_FINDING = {"points": 1.5, "nats": 0.06}  # beyond the margin: what the default number of seeds has to find


@functools.cache
def _deviations_seen(n: int) -> NDArray[np.float64]:
    """Return the standard deviations that n seeds show where the true one is 1, each as likely as the others."""
    shown = np.sqrt(student.chi_squared_quantile(QUANTILES, n - 1) / (n - 1))
    shown.flags.writeable = False
    return shown


def power_to_differ(difference: float, deviation: float, n: int, margin: float, alpha: float, contrasts: int) -> float:
    """Return the probability of *helps* where the true difference is `difference`, and its paired noise `deviation`.

    The verdict needs p <= alpha and an estimate outside the margin. p is taken as adjusted for all `contrasts`,
    which is Holm's first and strictest step: with other contrasts decided too, the power is higher. Normal noise; all
    numbers in one unit.
    """
    if n < FEWEST:
        return 0.0
    seen, error = deviation * _deviations_seen(n), deviation / math.sqrt(n)
    least = np.maximum(student.quantile(1 - alpha / (2 * contrasts), n - 1) * seen / math.sqrt(n), margin)
    return float(special.ndtr((difference - least) / error).mean())


def power_to_equal(
    deviation: float, n: int, margin: float, alpha: float, contrasts: int, unit: float | None = 0.0,
    difference: float = 0.0,
) -> float:  # fmt: skip
    """Return the probability of *equivalent* where the true difference is `difference`, none unless given.

    `unit` as in `paired.equivalence`.
    """
    if n < FEWEST or unit is None:
        return 0.0
    seen, error = np.maximum(deviation * _deviations_seen(n), least_noise(margin, unit)), deviation / math.sqrt(n)
    room = np.maximum(margin - student.quantile(1 - alpha / contrasts, n - 1) * seen / math.sqrt(n), 0)
    return float((special.ndtr((room - difference) / error) - special.ndtr((-room - difference) / error)).mean())


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
    seeds = range(least, MOST + 1)
    place = bisect.bisect_left(seeds, True, key=enough)  # more seeds find it more often
    return seeds[place] if place < len(seeds) else None


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
