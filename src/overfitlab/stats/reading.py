"""Reads the rounds of a study: which can be read, what they say, and who trains on."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from overfitlab.results.outcome import Outcome
from overfitlab.stats import design as asked
from overfitlab.stats import sequential
from overfitlab.stats.design import Design, Run
from overfitlab.stats.design import axes as axes_of
from overfitlab.stats.findings import UNDECIDED, Diverged, Finding, Paired, difference, judged
from overfitlab.stats.forecast import Forecast, while_training
from overfitlab.stats.multiplicity import shaffer
from overfitlab.stats.pairs import rounded
from overfitlab.stats.rounds import Axis, Rounds
from overfitlab.stats.sequential import half_width, threshold


@dataclass(frozen=True)
class Progress:
    """How far a verdict in rounds has come."""

    maximum: int | None  # seeds; None for no maximum
    round: int  # the last one that was read: seeds of whatever is still open
    wanted: tuple[str, ...]  # methods that train on; none when it is over
    open: tuple[tuple[str, str], ...]  # contrasts without a word on one axis or both


def read(by_run: Mapping[Run, Outcome], ended: Collection[Run], design: Design) -> Rounds:
    """Read every round in which all that is still wanted has ended."""
    there = {seed for _, seed in ended}
    begun = 1 + max((place for place, seed in enumerate(design.seeds) if seed in there), default=0)

    def of_seeds(value: Callable[[tuple[str, str], int], float | bool]) -> NDArray[np.float64]:
        return np.array([[value(pair, seed) for seed in design.seeds[:begun]] for pair in design.contrasts])

    def paired_difference(known: asked.Axis, pair: tuple[str, str], seed: int) -> float:
        one, other = (by_run.get((method, seed)) for method in pair)
        if one is None or other is None or one.end is None or other.end is None:
            return math.nan
        values = known.value(one.end), known.value(other.end)
        return math.nan if values[0] is None or values[1] is None else rounded(values[0] - values[1], known.scale)

    def has_diverged(side: int) -> NDArray[np.bool_]:
        return of_seeds(
            lambda pair, seed: (run := by_run.get((pair[side], seed))) is not None and run.end is None
        ).astype(bool)

    axes = [
        Axis(of_seeds(partial(paired_difference, known)), known.margin, known.unit, known.smaller_is_better)
        for known in axes_of(design)
    ]
    maximum = design.until.maximum if design.until else None
    rounds = Rounds(axes, maximum, design.alpha, shaffer(tuple(design.contrasts)), (has_diverged(0), has_diverged(1)))
    for seed in design.seeds:
        needed = progress(rounds, design).wanted
        if not needed or any((method, seed) not in ended for method in needed):
            break
        rounds.read()
    return rounds


def progress(rounds: Rounds, design: Design) -> Progress:
    """Return how far the rounds have come, and who trains on."""
    undecided = tuple(pair for pair, is_open in zip(design.contrasts, rounds.open, strict=True) if is_open)
    full = rounds.n >= len(design.seeds)
    methods = () if full else tuple(method for method in design.labels if any(method in pair for pair in undecided))
    return Progress(design.until.maximum if design.until else None, rounds.n, methods, undecided)


def outlook(rounds: Rounds, design: Design) -> Forecast:
    """Return what is to be expected of further rounds; it changes nothing in how they are read."""
    seen = [axis.differences[..., : rounds.n] for axis in rounds.axes]
    maximum = design.until.maximum if design.until else None
    return while_training(seen, axes_of(design), design.contrasts, maximum, design.alpha)


def findings_in_rounds(
    measured: Sequence[Paired], rounds: Rounds, place: int, design: Design, diverged: Sequence[Diverged]
) -> list[Finding]:
    """Return what the rounds say on one axis, with always-valid intervals."""
    axis = rounds.axes[place]
    x = threshold(design.alpha, design.until.maximum if design.until else None)
    found = []
    for index, each in enumerate(measured):
        plain = difference(each, design.alpha)
        low = high = None
        if plain.mean is not None and plain.deviation and plain.n >= sequential.FEWEST:
            half = float(half_width(plain.n, x)) * plain.deviation / math.sqrt(plain.n)
            low, high = (plain.mean - half, plain.mean + half) if math.isfinite(half) else (None, None)
        word, why = judged(str(axis.said[index]), each, diverged[index], sequential.FEWEST)
        found.append(
            Finding(
                **vars(replace(plain, low=low, high=high)),
                verdict=word,
                reason=why,
                p_raw=float(axis.p[index]),
                p_adjusted=float(axis.p_adjusted[index]),
                p_equivalence_raw=float(axis.p_equivalence[index]) if axis.unit is not None else None,
                p_equivalence_adjusted=float(axis.p_equivalence_adjusted[index]) if axis.unit is not None else None,
                plain_low=plain.low,
                plain_high=plain.high,
                decided_at=int(axis.decided_at[index]) if word != UNDECIDED else None,
                crossed=each.crossed,
            )
        )
    return found
