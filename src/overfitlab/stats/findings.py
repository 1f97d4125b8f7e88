"""What is known of each contrast on one axis: estimates, tests, and the word that they allow.

docs/statistics.md says why it is computed so, and what simulations say of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overfitlab.reasons import Reason, reason
from overfitlab.stats import paired
from overfitlab.stats.crossed import Crossed

HELPS, EQUIVALENT, HARMS, UNDECIDED = "helps", "equivalent", "harms", "undecided"
ALPHA = 0.05
FEWEST = 3  # pairs


@dataclass(frozen=True)
class Paired:
    """The differences of one contrast on one axis, in points, method minus the other, one for each seed of both."""

    differences: tuple[float, ...]
    seeds: tuple[int, ...]
    crossed: Crossed | None = None  # seeds and test images, where that is known


@dataclass(frozen=True)
class Diverged:
    """How many runs of each side of a contrast diverged: they have no accuracy, but they are an outcome."""

    method: int = 0
    against: int = 0


@dataclass(frozen=True)
class Finding:
    """What is known of one contrast on one axis; numbers are in points, method minus the other.

    A number is None where too few pairs, or pairs without any spread, do not give it.
    """

    word: str | None  # helps, equivalent, harms or undecided; None, as every p, while runs are missing
    reason: Reason | None  # why it is undecided, or not what the numbers alone would say
    n: int  # pairs
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    mean: float | None
    deviation: float | None  # standard deviation of the differences
    low: float | None  # Student's t interval, 95 %
    high: float | None
    p: float | None  # two-sided paired t-test
    p_adjusted: float | None  # Holm, over all contrasts of the axis
    p_equivalence: float | None  # two one-sided tests against the zone
    p_equivalence_adjusted: float | None
    p_sign_flip: float | None  # exact
    p_sign_flip_floor: float | None  # the least that it could be
    disagreement: bool  # the t-test and the sign-flip test, both adjusted, are on different sides of alpha
    bootstrap_low: float | None
    bootstrap_high: float | None
    crossed: Crossed | None


def words(mean: ArrayLike, p: ArrayLike, p_equivalence: ArrayLike, zone: float, alpha: float) -> NDArray[np.str_]:
    """Return the word for each estimate, given adjusted p-values; a greater mean is better.

    helps or harms where p <= alpha and the estimate lies outside the zone, equivalent where two one-sided tests put it
    inside, else undecided. NaN decides nothing.
    """
    mean, differs = np.asarray(mean), np.asarray(p) <= alpha
    return np.select(
        [differs & (mean > zone), differs & (mean < -zone), np.asarray(p_equivalence) <= alpha],
        [HELPS, HARMS, EQUIVALENT],
        UNDECIDED,
    )


def findings(
    contrasts: Sequence[Paired],
    zone: float,
    *,
    smaller_is_better: bool = False,
    alpha: float = ALPHA,
    diverged: Sequence[Diverged] | None = None,
) -> list[Finding]:
    """Return what is known of each contrast of one axis; they are adjusted together."""
    diverged = diverged or [Diverged()] * len(contrasts)
    estimates = [paired.estimate(each.differences) if each.differences else None for each in contrasts]
    enough = [len(each.differences) >= FEWEST for each in contrasts]
    p = [float(found.p) if found and fits else math.nan for found, fits in zip(estimates, enough, strict=True)]
    same = [
        float(paired.equivalence(each.differences, zone)) if fits else math.nan
        for each, fits in zip(contrasts, enough, strict=True)
    ]
    flips = [paired.sign_flip(each.differences) if each.differences else math.nan for each in contrasts]
    p_adjusted, same_adjusted, flips_adjusted = (paired.holm(values) for values in (p, same, flips))
    sign = -1 if smaller_is_better else 1
    means = [sign * float(found.mean) if found else math.nan for found in estimates]
    found_words = words(means, p_adjusted, same_adjusted, zone, alpha)
    result = []
    for index, (each, estimate) in enumerate(zip(contrasts, estimates, strict=True)):
        word, why = _judged(str(found_words[index]), each.differences, diverged[index])
        low, high = paired.bootstrap(each.differences) if each.differences else (math.nan, math.nan)
        reachable = enough[index] and paired.sign_flip_floor(len(each.differences)) * sum(enough) <= alpha
        disagrees = reachable and (p_adjusted[index] <= alpha) != (flips_adjusted[index] <= alpha)
        result.append(
            Finding(
                word,
                why,
                len(each.differences),
                each.seeds,
                each.differences,
                _known(estimate.mean if estimate else None),
                _known(estimate.deviation if estimate else None),
                _known(estimate.low if estimate else None),
                _known(estimate.high if estimate else None),
                _known(p[index]),
                _known(p_adjusted[index]),
                _known(same[index]),
                _known(same_adjusted[index]),
                _known(flips[index]),
                paired.sign_flip_floor(len(each.differences)) if each.differences else None,
                bool(disagrees),
                _known(low),
                _known(high),
                each.crossed,
            )
        )
    return result


def without_words(finding: Finding) -> Finding:
    """Return a finding while runs are missing: no word, nor what a reader could make one of.

    Who looks again and again finds what is not there.
    """
    return replace(
        finding, word=None, p=None, p_adjusted=None, p_equivalence=None, p_equivalence_adjusted=None, p_sign_flip=None,
        disagreement=False,
    )  # fmt: skip


def _judged(word: str, differences: Sequence[float], diverged: Diverged) -> tuple[str, Reason | None]:
    """Return the word and, where it is not what the numbers alone say or there are none, the reason."""
    n = len(differences)
    if n < FEWEST:
        if not n:
            return UNDECIDED, reason("no_pair_of_runs", needed=FEWEST)
        return UNDECIDED, reason("one_pair_of_runs" if n == 1 else "too_few_pairs_of_runs", count=n, needed=FEWEST)
    # a run that diverged is worse than any number: it may not make its own method look better by being left out
    if diverged.method and word in (HELPS, EQUIVALENT):
        one = diverged.method == 1
        why = reason("one_run_of_the_method_diverged" if one else "runs_of_the_method_diverged", count=diverged.method)
        return UNDECIDED, why
    if diverged.against and word in (HARMS, EQUIVALENT):
        one = diverged.against == 1
        why = reason("one_run_of_the_other_diverged" if one else "runs_of_the_other_diverged", count=diverged.against)
        return UNDECIDED, why
    if word == UNDECIDED and len(set(differences)) == 1:
        return UNDECIDED, reason("all_differences_equal", n=n)
    return word, None


def _known(value: float | np.floating | NDArray[np.float64] | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
