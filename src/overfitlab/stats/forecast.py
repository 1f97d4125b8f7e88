"""What a verdict in rounds will take and find: simulated before training, and again from the seeds that there are.

A forecast changes nothing: the procedure reads the rounds as they come (rounds.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.stats.design import Axis
from overfitlab.stats.findings import EQUIVALENT, HARMS, HELPS
from overfitlab.stats.multiplicity import shaffer
from overfitlab.stats.rounds import Axis as RoundsAxis
from overfitlab.stats.rounds import Rounds

Floats = NDArray[np.float64]
Pair = tuple[str, str]
STUDIES = 400  # simulated; a probability is known to +-2.5 points
FARTHEST = 40  # seeds that are simulated where there is no maximum


@dataclass(frozen=True)
class Forecast:
    """What is to be expected of a study that goes on until all is decided."""

    seeds: float  # mean, of the method that trains longest
    runs: float  # mean, over all methods
    decided: float  # probability that every contrast is decided on both axes
    found: float  # probability of *helps* or *harms* of the first contrast on the first axis


def before_training(
    contrasts: Sequence[Pair],
    axes: Sequence[Axis],
    deviations: Sequence[float],
    differences: Sequence[float],
    maximum: int | None,
    alpha: float,
    *,
    all_differ: bool = False,
) -> Forecast:
    """Return what to expect where one method differs from all others, or each from the next one by as much.

    `deviations` are the standard deviations of paired differences on each axis, `differences` the true ones, in the
    unit of the axis. Noise is normal, and independent between methods and axes. Without a maximum 40 seeds are it.
    """
    rng = np.random.default_rng(0)
    seeds = maximum or FARTHEST
    methods = list(dict.fromkeys(method for pair in contrasts for method in pair))
    shifts = {method: place if all_differ else place == 0 for place, method in enumerate(methods)}
    drawn = []
    for deviation, true in zip(deviations, differences, strict=True):
        values = {
            method: rng.standard_normal((STUDIES, seeds)) * deviation / np.sqrt(2) + shift * true
            for method, shift in shifts.items()
        }
        drawn.append(np.stack([values[method] - values[against] for method, against in contrasts], axis=1))
    return _forecast(drawn, axes, contrasts, maximum, alpha)


def one_contrast(
    axis: Axis, deviation: float, difference: float, contrasts: int, maximum: int | None, alpha: float
) -> tuple[float, float]:
    """Return the probabilities of *helps* or *harms*, and of *equivalent*, of one contrast among so many.

    It is adjusted as the first of them, the strictest step, as in `power.power_to_differ`.
    """
    drawn = difference + deviation * np.random.default_rng(0).standard_normal((STUDIES, 1, maximum or FARTHEST))
    read = RoundsAxis(drawn, axis.margin, axis.unit, axis.smaller_is_better)
    rounds = Rounds([read], maximum, alpha / contrasts, (1,))
    for _ in range(drawn.shape[-1]):
        rounds.read()
    word = read.word[:, 0]
    return float(np.isin(word, (HELPS, HARMS)).mean()), float((word == EQUIVALENT).mean())


def while_training(
    seen: Sequence[Floats], axes: Sequence[Axis], contrasts: Sequence[Pair], maximum: int | None, alpha: float
) -> Forecast:
    """Return what to expect from here, if further seeds are like those seen.

    `seen` has the differences of each axis [contrasts, seeds], NaN where there is no pair. Further ones are drawn from
    the normal distribution with their means and covariances.
    """
    rng = np.random.default_rng(0)
    left = max((maximum or FARTHEST) - seen[0].shape[1], 0)
    together = np.concatenate(seen)  # contrasts of one axis after those of the other
    there = ~np.isnan(together)
    known = there.sum(1)
    mean = np.where(known > 0, np.where(there, together, 0.0).sum(1) / np.maximum(known, 1), np.nan)
    centred = np.where(there, together - mean[:, None], 0.0)
    pairs = np.maximum(known, 2)
    weights = rng.standard_normal((STUDIES, centred.shape[1], left))
    further = mean[:, None] + np.einsum("ks,nsl->nkl", centred, weights) / np.sqrt(pairs - 1)[:, None]
    whole = np.concatenate([np.broadcast_to(together, (STUDIES, *together.shape)), further], axis=2)
    return _forecast(np.split(whole, len(axes), axis=1), axes, contrasts, maximum, alpha)


def _forecast(
    drawn: Sequence[Floats], axes: Sequence[Axis], contrasts: Sequence[Pair], maximum: int | None, alpha: float
) -> Forecast:
    read = [
        RoundsAxis(values, known.margin, known.unit, known.smaller_is_better)
        for values, known in zip(drawn, axes, strict=True)
    ]
    rounds = Rounds(read, maximum, alpha, shaffer(tuple(contrasts)))
    for _ in range(drawn[0].shape[-1]):
        if not rounds.open.any():
            break
        rounds.read()
    methods = {method for pair in contrasts for method in pair}
    used = [
        np.max([rounds.used[:, place] for place, pair in enumerate(contrasts) if method in pair], axis=0)
        for method in methods
    ]
    return Forecast(
        seeds=float(np.max(used, axis=0).mean()),
        runs=float(np.sum(used, axis=0).mean()),
        decided=float((~rounds.open).all(-1).mean()),
        found=float(np.isin(read[0].word[:, 0], (HELPS, HARMS)).mean()),
    )
