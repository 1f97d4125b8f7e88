"""Evidence that may be read after every seed: the scale-invariant t process, with or without a planned maximum.

A test that is read again and again finds what is not there, unless its measure of evidence allows it. Here that is a
likelihood ratio: how much better a standardized effect drawn from a standard normal explains the differences so far
than no effect does (Lai, 1976; Perez-Ortiz et al., arXiv:2208.07610; Wang and Ramdas, arXiv:2310.03722). Without an
effect it reaches x at any time with a probability of at most 1/x (Ville, 1939); with a maximum number of seeds that is
planned beforehand, with a smaller one, which `maxima.csv` holds (`make thresholds`).

Everything works on arrays of any shape, so that a simulation of thousands of studies runs the same code as a study.
"""

import csv
import math
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overfitlab.config import LONGEST_ROUNDS, SHORTEST_ROUNDS

Floats = NDArray[np.float64]
FEWEST = 4  # pairs: the evidence is read from then on
TWO_SIDED, ONE_SIDED = "two", "one"


def log_evidence(t: ArrayLike, n: ArrayLike) -> Floats:
    """Return the logarithm of E for Student's t of n pairs, n > 1: a difference of either sign against none.

    E(t, n) = r^(-1/2) [(1 + t^2/v) / (1 + t^2/(v r))]^(n/2), with r = 1 + n and v = n - 1.
    """
    square, n = np.square(np.asarray(t, dtype=np.float64)), np.asarray(n, dtype=np.float64)
    r, freedom = 1 + n, n - 1
    return np.asarray(-0.5 * np.log(r) + n / 2 * (np.log1p(square / freedom) - np.log1p(square / (freedom * r))))


def log_evidence_above(t: ArrayLike, n: ArrayLike) -> Floats:
    """Return the logarithm of E+: a difference above 0 against none.

    E+(t, n) = 2 E(t, n) F(n t / sqrt(t^2 + r v)), with Student's distribution function F of n degrees of freedom.
    """
    t, n = np.asarray(t, dtype=np.float64), np.asarray(n, dtype=np.float64)
    inner = n * t / np.sqrt(np.square(t) + (1 + n) * (n - 1))
    return np.asarray(math.log(2) + log_evidence(t, n) + np.log(special.stdtr(n, inner)))


def p_of_maximum(log_largest: ArrayLike, maximum: int | None, sides: str) -> Floats:
    """Return the probability, without a difference, that the evidence ever reaches as much.

    `log_largest` is the logarithm of the largest E (`sides="two"`) or E+ (`"one"`) so far, `maximum` the planned number
    of pairs, from 6 to 100; None for no maximum. Raises `ValueError` for another maximum.
    """
    reached = np.asarray(log_largest, dtype=np.float64)
    ville = np.exp(-np.maximum(reached, 0))  # holds for every maximum
    if maximum is None:
        return np.asarray(ville)
    grid, shares = _table(sides, maximum)
    # the share of Ville's bound falls with x: beyond the grid the last one is too large, if anything
    return np.asarray(ville * np.interp(reached, grid, shares))


@cache
def threshold(alpha: float, maximum: int | None, sides: str = TWO_SIDED) -> float:
    """Return the evidence x whose `p_of_maximum` is alpha, 0 < alpha < 1."""
    if maximum is None:
        return 1 / alpha
    low, high = 0.0, -math.log(alpha)  # Ville's bound is the larger p
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if p_of_maximum(middle, maximum, sides) > alpha else (low, middle)
    return math.exp(high)


def half_width(n: ArrayLike, x: float) -> Floats:
    """Return tau, so that mean +- tau s / sqrt(n) holds the true difference after every n at once.

    It is where E reaches x: tau = sqrt(v (A - 1) / (1 - A/r)) with A = (x sqrt(r))^(2/n); infinite where A >= r.
    """
    n = np.asarray(n, dtype=np.float64)
    r = 1 + n
    a = np.exp(2 / n * (math.log(x) + 0.5 * np.log(r)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(a < r, np.sqrt((n - 1) * (a - 1) / (1 - a / r)), np.inf)


@cache
def _table(sides: str, maximum: int) -> tuple[Floats, Floats]:
    """Return log x and the share of Ville's bound that the probability to reach x has, for the next planned maximum."""
    if not SHORTEST_ROUNDS <= maximum <= LONGEST_ROUNDS:
        raise ValueError(f"a planned maximum is from {SHORTEST_ROUNDS} to {LONGEST_ROUNDS} seeds, not {maximum}")
    text = (files("overfitlab.stats") / "maxima.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    known = {int(row[1]): np.array(row[2:], dtype=np.float64) for row in rows if row[0] == sides}
    # more looks can only reach more, so the next larger maximum of the table errs on the safe side
    return np.log(np.array(header[2:], dtype=np.float64)), known[min(each for each in known if each >= maximum)]
