"""What is known of each contrast on one axis: estimates, tests, and the word that they allow.

docs/statistics.md says why it is computed so, and what simulations say of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overfitlab.reasons import Reason, reason
from overfitlab.stats import paired, unpaired
from overfitlab.stats.crossed import Crossed
from overfitlab.stats.multiplicity import adjusted, holm

HELPS, EQUIVALENT, HARMS, UNDECIDED = "helps", "equivalent", "harms", "undecided"
ALPHA = 0.05
FEWEST = 3  # pairs


@dataclass(frozen=True)
class Paired:
    """The differences of one contrast on one axis, method minus the other, one for each seed of both.

    In points for all that is a share of images, in nats for losses.
    """

    differences: tuple[float, ...]
    seeds: tuple[int, ...]
    crossed: Crossed | None = None  # seeds and test images, where that is known


@dataclass(frozen=True)
class Unpaired:
    """The values of one contrast on one axis where runs share no seeds: of the method, and of the other."""

    values: tuple[float, ...]
    against: tuple[float, ...]
    crossed: None = None  # images cannot be told apart from seeds here


Sample = Paired | Unpaired


@dataclass(frozen=True)
class Diverged:
    """How many runs of each side of a contrast diverged: they have no accuracy, but they are an outcome."""

    method: int = 0
    against: int = 0


@dataclass(frozen=True)
class Difference:
    """An estimate of one contrast on one axis, method minus the other; None where too few pairs do not give it."""

    n: int  # pairs; runs of the method where they are not paired
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    mean: float | None
    deviation: float | None  # standard deviation of the differences; unpaired, of that between one run of each
    low: float | None  # interval at 1 - alpha: Student's t, or the always-valid one of a verdict in rounds
    high: float | None  # None where all differences are equal, too
    n_against: int | None = field(default=None, kw_only=True)  # runs of the other, where they are not paired
    error: float | None = field(default=None, kw_only=True)  # of the mean, where they are not paired

    @property
    def standard_error(self) -> float | None:
        """The standard error of the mean."""
        if self.n_against is not None:
            return self.error
        return None if self.deviation is None else self.deviation / math.sqrt(self.n)

    @property
    def fewest(self) -> int:
        """How many pairs there are, or runs on the side that has fewer."""
        return self.n if self.n_against is None else min(self.n, self.n_against)


@dataclass(frozen=True)
class Finding(Difference):
    """What is known of one contrast on one axis; word, p and interval are one test, of the seeds on these images.

    A p is None while runs are missing, and where the differences do not give one.
    """

    verdict: str | None = None  # helps, equivalent, harms or undecided; None while runs are missing
    reason: Reason | None = None  # why it is undecided, or not what the numbers alone would say
    p_raw: float | None = None  # two-sided: paired t-test, or of the t process of a verdict in rounds
    p_adjusted: float | None = None  # Holm or Shaffer, over all contrasts of the axis
    p_equivalence_raw: float | None = None  # two one-sided tests against the margin
    p_equivalence_adjusted: float | None = None  # Holm
    p_sign_flip_raw: float | None = None  # exact
    p_sign_flip_adjusted: float | None = None
    p_sign_flip_floor: float | None = None  # the least that the raw one could be
    equivalence_low: float | None = None  # interval at 1 - 2 alpha, which matches the unadjusted equivalence test
    equivalence_high: float | None = None
    plain_low: float | None = None  # of a verdict in rounds: Student's t interval at the stop, too narrow for having
    plain_high: float | None = None  # been looked at so often
    bootstrap_low: float | None = None
    bootstrap_high: float | None = None
    decided_at: int | None = None  # seeds, of a verdict in rounds
    crossed: Crossed | None = None


def words(mean: ArrayLike, p: ArrayLike, p_equivalence: ArrayLike, margin: float, alpha: float) -> NDArray[np.str_]:
    """Return the word for each estimate, given adjusted p-values; a greater mean is better.

    helps or harms where p <= alpha and the estimate lies outside the margin, equivalent where two one-sided tests put
    it inside, else undecided. NaN decides nothing.
    """
    mean, differs = np.asarray(mean), np.asarray(p) <= alpha
    same = (np.asarray(p_equivalence) <= alpha) & (np.abs(mean) < margin)
    return np.select(
        [differs & (mean > margin), differs & (mean < -margin), same], [HELPS, HARMS, EQUIVALENT], UNDECIDED
    )


def difference(each: Sample, alpha: float = ALPHA) -> Difference:
    """Return what is estimated of one contrast."""
    found = _estimate(each, 1 - alpha)
    against = len(each.against) if isinstance(each, Unpaired) else None
    if found is None:
        return Difference(0, (), (), None, None, None, None, n_against=against)
    low, high = (found.low, found.high) if found.deviation > 0 else (None, None)
    rest = (_known(found.mean), _known(found.deviation), _known(low), _known(high))
    if isinstance(each, Unpaired):
        error = _known(unpaired.standard_error(each.values, each.against))
        return Difference(len(each.values), (), (), *rest, n_against=against, error=error)
    return Difference(len(each.differences), each.seeds, each.differences, *rest)


def _size(each: Sample) -> int:
    """Return how many pairs there are, or runs on the side that has fewer."""
    return min(len(each.values), len(each.against)) if isinstance(each, Unpaired) else len(each.differences)


def _estimate(each: Sample, confidence: float = 1 - ALPHA) -> paired.Estimate | None:
    if not _size(each):
        return None
    if isinstance(each, Unpaired):
        return unpaired.estimate(each.values, each.against, confidence)
    return paired.estimate(each.differences, confidence)


def _equivalence(each: Sample, margin: float, unit: float) -> float:
    if isinstance(each, Unpaired):
        return float(unpaired.equivalence(each.values, each.against, margin, unit))
    return float(paired.equivalence(each.differences, margin, unit))


def _is_flat(each: Sample) -> bool:
    """Return whether nothing varies."""
    if isinstance(each, Unpaired):
        return len(set(each.values)) == len(set(each.against)) == 1
    return len(set(each.differences)) == 1


def findings(
    contrasts: Sequence[Sample],
    margin: float,
    *,
    unit: float | None = 0.0,
    smaller_is_better: bool = False,
    alpha: float = ALPHA,
    diverged: Sequence[Diverged] | None = None,
    multipliers: Sequence[int] | None = None,
) -> list[Finding]:
    """Return what is known of each contrast of one axis; they are adjusted together.

    `unit` is what one image changes (`paired.equivalence`), None where *equivalent* cannot be said; `multipliers` are
    those of the tests for a difference, Holm's unless given.
    """
    count = len(contrasts)
    diverged, multipliers = diverged or [Diverged()] * count, multipliers or holm(count)
    enough = [_size(each) >= FEWEST for each in contrasts]
    estimates = [_estimate(each) for each in contrasts]
    p = [float(found.p) if found and fits else math.nan for found, fits in zip(estimates, enough, strict=True)]
    same = [
        _equivalence(each, margin, unit) if fits and unit is not None else math.nan
        for each, fits in zip(contrasts, enough, strict=True)
    ]
    of_pairs = [each.differences if isinstance(each, Paired) else () for each in contrasts]
    flips = [paired.sign_flip(values) if values else math.nan for values in of_pairs]
    p_adjusted, flips_adjusted = adjusted(p, multipliers), adjusted(flips, multipliers)
    same_adjusted = adjusted(same, holm(count))
    sign = -1 if smaller_is_better else 1
    means = [sign * float(found.mean) if found else math.nan for found in estimates]
    found_words = words(means, p_adjusted, same_adjusted, margin, alpha)
    result = []
    for index, each in enumerate(contrasts):
        word, why = judged(str(found_words[index]), each, diverged[index])
        known, wider = difference(each, alpha), difference(each, 2 * alpha)
        values = of_pairs[index]
        low, high = paired.bootstrap(values, 1 - alpha) if values else (math.nan, math.nan)
        result.append(
            Finding(
                **vars(known),
                verdict=word,
                reason=why,
                p_raw=_known(p[index]),
                p_adjusted=_known(p_adjusted[index]),
                p_equivalence_raw=_known(same[index]),
                p_equivalence_adjusted=_known(same_adjusted[index]),
                p_sign_flip_raw=_known(flips[index]),
                p_sign_flip_adjusted=_known(flips_adjusted[index]),
                p_sign_flip_floor=paired.sign_flip_floor(known.n) if values else None,
                equivalence_low=wider.low,
                equivalence_high=wider.high,
                bootstrap_low=_known(low),
                bootstrap_high=_known(high),
                crossed=each.crossed,
            )
        )
    return result


def without_words(finding: Finding) -> Finding:
    """Return a finding while runs are missing: no word, nor what a reader could make one of, p and interval.

    Who looks again and again finds what is not there.
    """
    return Finding(finding.n, finding.seeds, finding.differences, finding.mean, finding.deviation, None, None)


def judged(word: str, sample: Sample, diverged: Diverged, fewest: int = FEWEST) -> tuple[str, Reason | None]:
    """Return the word and, where it is not what the numbers alone say or there are none, the reason."""
    n = _size(sample)
    if n < fewest:
        return UNDECIDED, _too_few(sample, n, fewest)
    # a run that diverged is worse than any number: it may not make its own method look better by being left out
    if diverged.method and word in (HELPS, EQUIVALENT):
        one = diverged.method == 1
        why = reason("one_run_of_the_method_diverged" if one else "runs_of_the_method_diverged", count=diverged.method)
        return UNDECIDED, why
    if diverged.against and word in (HARMS, EQUIVALENT):
        one = diverged.against == 1
        why = reason("one_run_of_the_other_diverged" if one else "runs_of_the_other_diverged", count=diverged.against)
        return UNDECIDED, why
    if word == UNDECIDED and _is_flat(sample):
        unpaired_runs = isinstance(sample, Unpaired)
        return UNDECIDED, reason("neither_side_varies") if unpaired_runs else reason("all_differences_equal", n=n)
    return word, None


def _too_few(sample: Sample, n: int, fewest: int) -> Reason:
    if isinstance(sample, Unpaired):
        count, against = len(sample.values), len(sample.against)
        return reason("too_few_runs_on_a_side", count=count, against=against, needed=fewest)
    if not n:
        return reason("no_pair_of_runs", needed=fewest)
    return reason("one_pair_of_runs" if n == 1 else "too_few_pairs_of_runs", count=n, needed=fewest)


def _known(value: float | np.floating | NDArray[np.float64] | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
