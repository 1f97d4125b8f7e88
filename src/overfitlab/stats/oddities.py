"""Oddities: what looks like a mistake in the curves or numbers and is none, or is one of another kind.

Codes with values; docs/oddities.md explains each of them.
"""

from collections.abc import Iterator, Sequence
from statistics import mean

from overfitlab.reasons import Reason, reason
from overfitlab.results.gap import gaps
from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Parts
from overfitlab.results.onset import onset
from overfitlab.stats import paired
from overfitlab.stats.findings import ALPHA, FEWEST
from overfitlab.stats.method_summary import MethodSummary
from overfitlab.stats.pairs import Pairs

EARLY = 3  # epochs
NEAR_CHANCE = 1.5  # times the accuracy of guessing
WELL_ABOVE = 3.0  # times it: then training has clearly begun to learn
LARGE_GAP = 5.0  # points
OPPOSITE = 1.0, 0.02  # points of the gap in accuracy, nats of that in loss: what is smaller points nowhere


def of_run(rows: Sequence[EpochRow], end: Parts | None, method: str, classes: int | None) -> tuple[Reason, ...]:
    """Return what is odd about one run; `end` is what its weights do on whole parts, where that was measured."""
    return tuple(_of_run(rows, end, method, classes))


def _of_run(rows: Sequence[EpochRow], end: Parts | None, method: str, classes: int | None) -> Iterator[Reason]:
    if not rows:
        return
    chance = 1 / classes if classes else 0.0
    last, low = rows[-1], NEAR_CHANCE * chance
    fitted = last.acc if last.train_acc is None else last.train_acc
    if chance and fitted < low:
        yield reason("did_not_learn", accuracy=100 * fitted, chance=100 * chance)
        return
    late = [row.epoch for row in rows[:EARLY] if row.val_acc < low and row.acc > WELL_ABOVE * chance]
    if "batch_norm" in method and late:
        yield reason("validation_near_chance_at_first", epoch=late[-1])
    lowest = onset(list(rows))
    if lowest is not None and lowest.epoch == last.epoch and 100 * (fitted - last.val_acc) > LARGE_GAP:
        yield reason("gap_without_onset", points=100 * (fitted - last.val_acc))
    if end is not None and end.training is not None and end.validation is not None:
        gap = gaps(end.training, end.validation)
        if gap.loss is not None and _opposite(100 * gap.acc, gap.loss):
            yield reason("two_gaps_of_a_run", points=100 * gap.acc, nats=gap.loss)


def _opposite(points: float, nats: float) -> bool:
    return points * nats < 0 and abs(points) > OPPOSITE[0] and abs(nats) > OPPOSITE[1]


def of_study(
    methods: Sequence[MethodSummary], contrasts: Sequence[tuple[str, str]], pairs: Sequence[Pairs]
) -> tuple[Reason, ...]:
    """Return what is odd about the runs of a study; `contrasts` are what is compared is called, `pairs` their runs."""
    return (*_gaps_without_onset(methods), *_gaps_apart(contrasts, pairs))


def _gaps_without_onset(methods: Sequence[MethodSummary]) -> Iterator[Reason]:
    """Yield the method with the largest gap of those whose validation loss still fell in most runs."""
    odd = [
        (each.train_acc.mean - each.val_acc.mean, each.label)
        for each in methods
        if each.train_acc and each.val_acc and 2 * each.without_onset > each.finished
    ]
    points, label = max(odd, default=(0.0, ""))
    if points > LARGE_GAP:
        yield reason("gap_without_onset_of_a_method", method=label, points=points)


def _gaps_apart(contrasts: Sequence[tuple[str, str]], pairs: Sequence[Pairs]) -> Iterator[Reason]:
    """Yield the contrasts whose gaps in accuracy and in loss differ in opposite ways, beyond the noise of the seeds."""
    for (label, against), found in zip(contrasts, pairs, strict=True):
        ends = [(one.end, other.end) for _, one, other in found if one.end and other.end]
        points = [100 * (one.gap - other.gap) for one, other in ends
                  if one.gap is not None and other.gap is not None]  # fmt: skip
        nats = [one.loss_gap - other.loss_gap for one, other in ends
                if one.loss_gap is not None and other.loss_gap is not None]  # fmt: skip
        if len(points) < FEWEST or len(nats) < FEWEST:
            continue
        sure = all(float(paired.estimate(values).p) <= ALPHA for values in (points, nats))
        if sure and _opposite(mean(points), mean(nats)):
            yield reason("two_gaps_of_a_contrast", method=label, against=against, points=mean(points), nats=mean(nats))
