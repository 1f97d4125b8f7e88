"""The verdict: for each contrast, does it generalize better, and does it overfit less?

A pure function of outcomes, wherever they came from; docs/statistics.md says why it is computed so.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

from overfitlab.results.outcome import Conditions, Endpoints, Outcome
from overfitlab.stats import paired
from overfitlab.stats.crossed import Crossed, crossed
from overfitlab.stats.equal_fit import difference_at_equal_fit
from overfitlab.stats.findings import HARMS, HELPS, Diverged, Finding, Paired, findings, without_words

POINTS = 100  # of a fraction
LARGEST_RATIO = 1e15  # of times: a history of a stranger may say that an epoch took none
FEW_TEST_IMAGES = 2000  # below that the interval with image noise is the headline


@dataclass(frozen=True)
class Design:
    """What is compared with what, and how: everything but the outcomes."""

    name: str  # of the study
    labels: Mapping[str, str]  # method -> what it is called; the baseline first
    contrasts: Sequence[tuple[str, str]]
    seeds: Sequence[int]  # of this look
    looks: tuple[int, ...]  # after how many seeds the verdict is read
    look: int  # from 1
    alpha: float  # of this look
    accuracy_zone: float  # points: differences within it do not matter
    gap_zone: float

    @property
    def baseline(self) -> str:
        """What the other methods are compared with."""
        return next(iter(self.labels))


@dataclass(frozen=True)
class Spread:
    """A mean over seeds, and their standard deviation (None for one seed)."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class MethodSummary:
    """What one method did, over its finished runs; accuracies and gaps in percent and points."""

    method: str
    label: str
    finished: int
    diverged: int
    missing: int  # of the runs that were planned: failed, or not there yet
    stopped_early: int
    accuracy: Spread | None
    gap: Spread | None
    train_acc: Spread | None
    val_acc: Spread | None
    onset: Spread | None  # epoch, over the runs in which something came after it
    without_onset: int  # the others, whose validation loss was lowest in the last epoch: nothing has come after it
    damage_acc: Spread | None
    damage_loss: Spread | None  # nats
    best_epoch: Spread | None
    seconds_per_epoch: Spread | None
    epochs: Spread | None
    parameters: int | None
    peak_memory_mb: int | None


@dataclass(frozen=True)
class EqualFit:
    """The difference in gap, in points, when both methods fitted the training images equally well."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Contrast:
    """A method and what it is compared with."""

    method: str
    against: str
    label: str
    against_label: str
    accuracy: Finding
    gap: Finding
    onset_accuracy: Finding  # the same at the epoch of lowest validation loss: early stopping for both
    onset_gap: Finding
    fit: float | None  # training accuracy at the end, in points: method minus against
    equal_fit: EqualFit | None
    time_ratio: float | None  # seconds of an epoch: method / against, the median over the pairs
    time_quartiles: tuple[float, float] | None  # between which the middle half of the pairs lies
    missing: int  # pairs that were planned and are not there

    def axis(self, name: str) -> Finding:
        """Return what is known on the axis of that name: `accuracy`, `gap`, `onset_accuracy` or `onset_gap`."""
        found: Finding = getattr(self, name)
        return found


@dataclass(frozen=True)
class Verdict:
    """Everything that a study says; `provisional`, without words and p, while runs of the current look are missing."""

    study: str
    seeds: int  # of this look
    look: int  # from 1
    looks: tuple[int, ...]
    alpha: float  # of this look
    accuracy_zone: float
    gap_zone: float
    provisional: bool
    test_images: int
    baseline: str
    methods: tuple[MethodSummary, ...]
    contrasts: tuple[Contrast, ...]
    recommended: str | None  # method; None while provisional, and where the baseline has no run that finished
    differing: tuple[str, ...]  # what the runs were computed with, where that is not the same in all of them
    image_noise_leads: bool  # so few test images that the interval with their noise is the headline

    def label(self, method: str) -> str:
        """Return what a method is called."""
        return next((each.label for each in self.methods if each.method == method), method)


Pairs = list[tuple[int, Outcome, Outcome]]


def compute_verdict(outcomes: Sequence[Outcome], design: Design, *, failed: int = 0) -> Verdict:
    """Return what the runs say that have ended; `failed` ones never will.

    Outcomes of other seeds than those of the design are left out.
    """
    ended = [outcome for outcome in outcomes if outcome.seed in design.seeds]
    by_run = {(outcome.method, outcome.seed): outcome for outcome in ended}
    pairs = [_pairs(by_run, contrast, design.seeds) for contrast in design.contrasts]
    test_images = next((len(each.correct) for each in ended if each.end and each.correct is not None), 0)
    provisional = len(ended) + failed < len(design.seeds) * len(design.labels)
    diverged = [
        Diverged(*(sum((run := by_run.get((method, seed))) is not None and run.end is None for seed in design.seeds)
                   for method in contrast))
        for contrast in design.contrasts
    ]  # fmt: skip

    def axis(value: Callable[[Endpoints], float], zone: float, *, smaller: bool, with_images: bool) -> list[Finding]:
        measured = [_differences(each, value, with_images=with_images) for each in pairs]
        found = findings(measured, zone, smaller_is_better=smaller, alpha=design.alpha, diverged=diverged)
        return [without_words(each) for each in found] if provisional else found

    accuracy = axis(lambda end: end.accuracy, design.accuracy_zone, smaller=False, with_images=True)
    gap = axis(lambda end: end.gap, design.gap_zone, smaller=True, with_images=False)
    onset_accuracy = axis(lambda end: end.onset_accuracy, design.accuracy_zone, smaller=False, with_images=False)
    onset_gap = axis(lambda end: end.onset_gap, design.gap_zone, smaller=True, with_images=False)
    contrasts = tuple(
        Contrast(
            method,
            against,
            design.labels[method],
            design.labels[against],
            accuracy[index],
            gap[index],
            onset_accuracy[index],
            onset_gap[index],
            _fit(pairs[index]),
            _equal_fit(pairs[index]),
            *_time_ratio(pairs[index]),
            len(design.seeds) - len(pairs[index]),
        )
        for index, (method, against) in enumerate(design.contrasts)
    )
    methods = tuple(_summary(method, label, by_run, design.seeds) for method, label in design.labels.items())
    return Verdict(
        study=design.name,
        seeds=len(design.seeds),
        look=design.look,
        looks=design.looks,
        alpha=design.alpha,
        accuracy_zone=design.accuracy_zone,
        gap_zone=design.gap_zone,
        provisional=provisional,
        test_images=test_images,
        baseline=design.baseline,
        methods=methods,
        contrasts=contrasts,
        recommended=None if provisional or not methods[0].finished else recommended(design.baseline, contrasts),
        differing=differing(outcome.conditions for outcome in ended),
        image_noise_leads=0 < test_images < FEW_TEST_IMAGES,
    )


def recommended(baseline: str, contrasts: Sequence[Contrast]) -> str:
    """Return the method to take, going by the contrasts with the baseline.

    The most accurate of those that generalize better; where none does, the one with the smallest gap of those that
    overfit less without generalizing worse; else the baseline, because nothing was shown to be better.
    """
    with_baseline = [each for each in contrasts if each.against == baseline]
    better = [each for each in with_baseline if each.accuracy.word == HELPS]
    if better:
        return max(better, key=lambda each: each.accuracy.mean or 0).method
    calmer = [each for each in with_baseline if each.gap.word == HELPS and each.accuracy.word != HARMS]
    if calmer:
        return min(calmer, key=lambda each: each.gap.mean or 0).method
    return baseline


def differing(runs: Iterable[Conditions]) -> tuple[str, ...]:
    """Return the names of what was not the same all the time, in all runs."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for name, values in run.items():
            found.setdefault(name, set()).update(values)
    return tuple(name for name, values in found.items() if len(values) > 1)


def _pairs(by_run: Mapping[tuple[str, int], Outcome], contrast: tuple[str, str], seeds: Sequence[int]) -> Pairs:
    """Return the seeds at which both runs have finished, with them."""
    found = []
    for seed in seeds:
        one, other = (by_run.get((method, seed)) for method in contrast)
        if one is not None and other is not None and one.end is not None and other.end is not None:
            found.append((seed, one, other))
    return found


def _differences(pairs: Pairs, value: Callable[[Endpoints], float], *, with_images: bool) -> Paired:
    ends = [(one.end, other.end) for _, one, other in pairs if one.end and other.end]
    # rounded far below a single image, so that equal accuracies differ by exactly nothing
    differences = tuple(round(POINTS * (value(one) - value(other)), 9) for one, other in ends)
    noise = _crossed(pairs) if with_images and len(pairs) > 1 else None
    return Paired(differences, tuple(seed for seed, *_ in pairs), noise)


def _crossed(pairs: Pairs) -> Crossed | None:
    """Return the interval with image noise of paired runs on the same test images, in points."""
    both = [(one.correct, other.correct) for _, one, other in pairs]
    known = [(one, other) for one, other in both if one is not None and other is not None]
    if len(known) < len(both) or len({len(each) for two in known for each in two}) > 1:
        return None
    return crossed(POINTS * np.array([one.astype(np.float64) - other for one, other in known]))


def _fit(pairs: Pairs) -> float | None:
    found = [one.end.train_acc - other.end.train_acc for _, one, other in pairs if one.end and other.end]
    return POINTS * mean(found) if found else None


def _equal_fit(pairs: Pairs) -> EqualFit | None:
    found = [difference_at_equal_fit(one.rows, other.rows) for _, one, other in pairs]
    known = [POINTS * each for each in found if each is not None]
    if not known:
        return None
    estimate = paired.estimate(known)
    low, high = (None if math.isnan(bound) else float(bound) for bound in (estimate.low, estimate.high))
    return EqualFit(len(known), float(estimate.mean), low, high)


def _time_ratio(pairs: Pairs) -> tuple[float | None, tuple[float, float] | None]:
    """Return the median ratio of the seconds of an epoch, and the quartiles."""
    seconds = [
        (one.end.seconds_per_epoch, other.end.seconds_per_epoch) for _, one, other in pairs if one.end and other.end
    ]
    ratios = [one / other for one, other in seconds if one < LARGEST_RATIO * other]
    if not ratios:
        return None, None
    low, middle, high = map(float, np.quantile(ratios, (0.25, 0.5, 0.75)))
    return middle, (low, high)


def _summary(method: str, label: str, by_run: Mapping[tuple[str, int], Outcome], seeds: Sequence[int]) -> MethodSummary:
    ended = [by_run[method, seed] for seed in seeds if (method, seed) in by_run]
    ends = [outcome.end for outcome in ended if outcome.end is not None]

    def spread(value: Callable[[Endpoints], float | None], scale: float = 1) -> Spread | None:
        values = [scale * found for end in ends if (found := value(end)) is not None]
        return Spread(mean(values), stdev(values) if len(values) > 1 else None) if values else None

    memory = [end.peak_memory_mb for end in ends if end.peak_memory_mb is not None]
    return MethodSummary(
        method=method,
        label=label,
        finished=len(ends),
        diverged=len(ended) - len(ends),
        missing=len(seeds) - len(ended),
        stopped_early=sum(outcome.stopped_early for outcome in ended),
        accuracy=spread(lambda end: end.accuracy, POINTS),
        gap=spread(lambda end: end.gap, POINTS),
        train_acc=spread(lambda end: end.train_acc, POINTS),
        val_acc=spread(lambda end: end.val_acc, POINTS),
        onset=spread(lambda end: None if end.onset == end.epochs else end.onset),
        without_onset=sum(end.onset == end.epochs for end in ends),
        damage_acc=spread(lambda end: end.damage_acc, POINTS),
        damage_loss=spread(lambda end: end.damage_loss),
        best_epoch=spread(lambda end: end.best_epoch),
        seconds_per_epoch=spread(lambda end: end.seconds_per_epoch),
        epochs=spread(lambda end: end.epochs),
        parameters=ends[0].parameters if ends else None,
        peak_memory_mb=max(memory) if memory else None,
    )
