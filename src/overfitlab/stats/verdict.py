"""The verdict: for each contrast, does it generalize better, and does it overfit less?

A pure function of outcomes, wherever they came from; docs/statistics.md says why it is computed so.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from overfitlab.reasons import Reason
from overfitlab.results.metric import BY_NAME, Measure
from overfitlab.results.outcome import Conditions, Outcome
from overfitlab.stats.design import AXES, GAP, METRIC, Axis, Design, Run, axes
from overfitlab.stats.findings import (
    EQUIVALENT,
    HARMS,
    HELPS,
    Difference,
    Diverged,
    Finding,
    Paired,
    difference,
    findings,
    without_words,
)
from overfitlab.stats.method_summary import MethodSummary, summary
from overfitlab.stats.multiplicity import shaffer
from overfitlab.stats.oddities import of_study
from overfitlab.stats.pairs import EqualFit, apart, differences, equal_fit, fit, pairs_of, time_ratio
from overfitlab.stats.reading import Progress, findings_in_rounds, read
from overfitlab.stats.reading import progress as progress_of
from overfitlab.stats.weakness import weaknesses


@dataclass(frozen=True)
class Contrast:
    """A method and what it is compared with."""

    method: str
    against: str
    label: str
    against_label: str
    metric: Finding  # of the test images
    gap: Finding
    onset_metric: Difference  # the same at the epoch of lowest validation loss: early stopping for both
    onset_gap: Difference
    fit: float | None  # training accuracy at the end, in points: method minus against
    equal_fit: EqualFit | None
    time_ratio: float | None  # seconds of an epoch: method / against, the median over the pairs
    time_quartiles: tuple[float, float] | None  # between which the middle half of the pairs lies
    missing: int  # pairs that were planned and are not there

    def axis(self, name: str) -> Finding:
        """Return what is known on the axis of that name: `metric` or `gap`."""
        found: Finding = getattr(self, name)
        return found


@dataclass(frozen=True)
class Verdict:
    """Everything that a study says; `provisional`, without words, p and intervals, while runs of this look are missing.

    A verdict in rounds is never provisional: its words, p and intervals hold whenever it is read.
    """

    study: str
    seeds: int  # of this look; of a verdict in rounds those of the last round
    look: int  # from 1
    looks: tuple[int, ...]
    alpha: float  # of this look
    margin: float
    gap_margin: float
    provisional: bool
    test_images: int
    validation_images: int | None
    baseline: str
    methods: tuple[MethodSummary, ...]
    contrasts: tuple[Contrast, ...]
    recommended: str | None  # method; None until it is over, and where nothing was shown
    differing: tuple[str, ...]  # what the runs were computed with, where that is not the same in all of them
    progress: Progress | None  # of a verdict in rounds
    metric: str = "accuracy"  # of config.METRICS: of the test images, and of the gap
    weaknesses: tuple[Reason, ...] = ()  # what weakens the answer, the gravest first
    oddities: tuple[Reason, ...] = ()  # what looks like a mistake (docs/oddities.md)
    axes: tuple[str, ...] = AXES  # those that were measured; words are said of them alone

    @property
    def confidence(self) -> float:
        """The coverage that intervals are meant to have: that of the tests beside them."""
        return 1 - self.alpha

    @property
    def over(self) -> bool:
        """Whether nothing is missing any more."""
        return not self.provisional and not (self.progress and self.progress.wanted)

    @property
    def in_order(self) -> bool:
        """Whether the k-th run of one method was paired with the k-th of the other; only runs of others are."""
        return False

    def seed_name(self, seed: int) -> str:
        """Return what a seed is called."""
        return str(seed)

    def label(self, method: str) -> str:
        """Return what a method is called."""
        return next((each.label for each in self.methods if each.method == method), method)


def compute_verdict(outcomes: Sequence[Outcome], design: Design, *, given_up: Collection[Run] = ()) -> Verdict:
    """Return what the runs say that have ended; those that were `given_up` never will.

    Outcomes of other seeds than those of the design are left out, and those beyond the round that decided.
    """
    by_run = {(each.method, each.seed): each for each in outcomes}
    ended = {*by_run, *given_up}
    if design.until is None:
        seeds = [design.seeds] * len(design.contrasts)
        of_method = dict.fromkeys(design.labels, design.seeds)
        provisional = any((method, seed) not in ended for method in design.labels for seed in design.seeds)
        rounds = None
    else:
        rounds = read(by_run, ended, design)
        seeds = [design.seeds[: int(used)] for used in rounds.used]
        of_method = {
            method: design.seeds[: max((int(used) for used, pair in zip(rounds.used, design.contrasts, strict=True)
                                        if method in pair), default=rounds.n)]
            for method in design.labels
        }  # fmt: skip
        provisional = False
    pairs = [
        [] if contrast in design.unpaired else pairs_of(by_run, contrast, some)
        for contrast, some in zip(design.contrasts, seeds, strict=True)
    ]
    counted = [by_run[method, seed] for method, some in of_method.items() for seed in some if (method, seed) in by_run]
    test_images = next((len(each.correct) for each in counted if each.end and each.correct is not None), 0)
    diverged = [
        Diverged(*(sum((run := by_run.get((method, seed))) is not None and run.end is None for seed in some)
                   for method in contrast))
        for contrast, some in zip(design.contrasts, seeds, strict=True)
    ]  # fmt: skip

    def axis(place: int, known: Axis) -> list[Finding]:
        images_of = design.metric if known.with_images else None
        measured = [differences(each, known.value, known.scale, images_of, design.alpha) for each in pairs]
        if rounds is not None:
            return findings_in_rounds(measured, rounds, place, design, diverged)
        samples = [
            apart(by_run, contrast, known.value, known.scale) if contrast in design.unpaired else each
            for contrast, each in zip(design.contrasts, measured, strict=True)
        ]
        found = findings(
            samples, known.margin, unit=known.unit, smaller_is_better=known.smaller_is_better, alpha=design.alpha,
            diverged=diverged, multipliers=shaffer(tuple(design.contrasts)),
        )  # fmt: skip
        return [without_words(each) for each in found] if provisional else found

    def at_onset(value: Callable[[Measure], float | None]) -> list[Difference]:
        scale = BY_NAME[design.metric].scale
        measured = [differences(each, lambda end: value(end.of(design.metric)), scale) for each in pairs]
        found = [difference(each, design.alpha) for each in measured]
        return [replace(each, low=None, high=None) for each in found] if provisional else found

    def at_equal_fit(index: int) -> EqualFit | None:
        found = equal_fit(pairs[index], design.alpha)
        return replace(found, low=None, high=None) if found and provisional else found

    of_axis = {
        name: axis(place, known) for place, (name, known) in enumerate(zip(design.axes, axes(design), strict=True))
    }
    unmeasured = [Finding(**vars(difference(Paired((), ())))) for _ in design.contrasts]
    metric, gap = of_axis.get(METRIC, unmeasured), of_axis.get(GAP, unmeasured)
    onset_metric, onset_gap = at_onset(lambda found: found.onset_test), at_onset(lambda found: found.onset_gap)
    contrasts = tuple(
        Contrast(
            method,
            against,
            design.labels[method],
            design.labels[against],
            metric[index],
            gap[index],
            onset_metric[index],
            onset_gap[index],
            fit(pairs[index]),
            at_equal_fit(index),
            *time_ratio(pairs[index]),
            0 if (method, against) in design.unpaired else len(seeds[index]) - len(pairs[index]),
        )
        for index, (method, against) in enumerate(design.contrasts)
    )
    progress = None if rounds is None else progress_of(rounds, design)
    methods = tuple(
        summary(method, label, by_run, of_method[method], design.metric) for method, label in design.labels.items()
    )
    over = not provisional and not (progress and progress.wanted)
    return Verdict(
        study=design.name,
        seeds=len(design.seeds) if rounds is None else rounds.n,
        look=design.look,
        looks=design.looks,
        alpha=design.alpha,
        margin=design.margin,
        gap_margin=design.gap_margin,
        provisional=provisional,
        test_images=test_images,
        validation_images=design.validation_images,
        baseline=design.baseline,
        methods=methods,
        contrasts=contrasts,
        recommended=recommended(design.baseline, contrasts, design.metric) if over and methods[0].finished else None,
        differing=differing(outcome.conditions for outcome in counted),
        progress=progress,
        metric=design.metric,
        weaknesses=weaknesses(methods, contrasts, counted, design, provisional=provisional),
        oddities=() if provisional else of_study(
            methods, [(each.label, each.against_label) for each in contrasts], pairs
        ),
        axes=design.axes,
    )  # fmt: skip


def recommended(baseline: str, contrasts: Sequence[Contrast], metric: str = "accuracy") -> str | None:
    """Return the method to take, going by what the contrasts with the baseline have shown; None where that is nothing.

    The best, by the metric, of those that generalize better; where none does, the one with the smallest gap of those
    that overfit less without generalizing worse; the baseline where every other method was shown to generalize worse,
    or only as well.
    """
    with_baseline = [each for each in contrasts if each.against == baseline]
    better = [each for each in with_baseline if each.metric.verdict == HELPS]
    if better:
        sign = -1 if BY_NAME[metric].smaller_is_better else 1
        return max(better, key=lambda each: sign * (each.metric.mean or 0)).method
    calmer = [each for each in with_baseline if each.gap.verdict == HELPS and each.metric.verdict != HARMS]
    if calmer:
        return min(calmer, key=lambda each: each.gap.mean or 0).method
    shown = all(each.metric.verdict in (HARMS, EQUIVALENT) for each in with_baseline)
    return baseline if shown else None


def differing(runs: Iterable[Conditions]) -> tuple[str, ...]:
    """Return the names of what was not the same all the time, in all runs."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for name, values in run.items():
            found.setdefault(name, set()).update(values)
    return tuple(name for name, values in found.items() if len(values) > 1)
