"""What weakens an answer, as codes with values: whoever reads the one has to meet the other.

The gravest first: networks that did not learn say nothing of a method, and where nothing had begun to overfit, nothing
could help against it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from overfitlab.reasons import Reason, reason
from overfitlab.results.metric import BY_NAME
from overfitlab.results.outcome import Outcome
from overfitlab.stats.design import Design, axes
from overfitlab.stats.findings import FEWEST, HARMS, HELPS, UNDECIDED
from overfitlab.stats.method_summary import MethodSummary
from overfitlab.stats.multiplicity import shaffer
from overfitlab.stats.paired import sign_flip_floor
from overfitlab.stats.power import ENOUGH_POWER, WORTH_FINDING, power_to_differ

if TYPE_CHECKING:
    from overfitlab.stats.verdict import Contrast

HARDLY_LEARNED = 0.05  # of the way from guessing to knowing every training image
STILL = 0.005  # of a loss: one that never moves by more has never moved
COARSE = 0.5  # of the margin: where a single test image changes more than that, there are few
POINTS_OF_FIT = 1.0  # training accuracy that a method has less, so that it learns less
FEWEST_AT_EQUAL_FIT = 3  # pairs
BEYOND = 1.96  # standard deviations of a normal mean: its 95 % interval


def weaknesses(
    methods: Sequence[MethodSummary],
    contrasts: Sequence["Contrast"],
    runs: Sequence[Outcome],
    design: Design,
    *,
    provisional: bool = False,
) -> tuple[Reason, ...]:
    """Return what weakens what these runs say; while some are missing, only what goes wrong in single ones."""
    found = [*_not_learned(methods, runs, design), *_lost(methods, provisional=provisional)]
    if not provisional:
        found += [*_no_overfitting(methods), *_learning_less(contrasts, design)]
        found += [*_few_seeds(contrasts, design), *_few_images(contrasts, design)]
    return tuple(found)


def guessing(design: Design, runs: Sequence[Outcome]) -> float | None:
    """Return the accuracy of always saying the most frequent class, by the test images; None where it is not known."""
    counts = design.test_classes
    if not counts:
        labels = next((each.labels for each in runs if each.labels is not None and len(each.labels)), None)
        counts = None if labels is None else np.bincount(labels).tolist()
    return max(counts) / sum(counts) if counts and sum(counts) else None


def near_chance(accuracy: float, chance: float | None) -> bool:
    """Return whether an accuracy is hardly better than that of guessing."""
    return chance is not None and chance < 1 and (accuracy - chance) / (1 - chance) < HARDLY_LEARNED


def _not_learned(methods: Sequence[MethodSummary], runs: Sequence[Outcome], design: Design) -> Iterator[Reason]:
    """Yield which methods have runs that did not learn, each run by the plainest sign of it."""
    chance = guessing(design, runs)
    for each in methods:
        ends = [(run, run.end) for run in runs if run.method == each.method and run.end is not None]
        guesses = {
            run.name: end.train_acc is not None and near_chance(end.train_acc, chance) for run, end in ends
        }  # runs of others may not have measured it
        single = [run.name for run, _ in ends if _one_class(run)]
        still = [run.name for run, _ in ends if (chance is None or guesses[run.name]) and _never_moved(run)]
        lost = [end.train_acc for run, end in ends if guesses[run.name] and run.name not in {*still, *single}]
        if still:
            yield reason("loss_never_moved", method=each.label, count=len(still), all=len(ends))
        if others := len({*single} - {*still}):
            yield reason("one_class_predicted", method=each.label, count=others, all=len(ends))
        if lost:
            best = max(100 * found for found in lost if found is not None)
            yield reason("training_never_got_going", method=each.label, count=len(lost), all=len(ends), accuracy=best,
                         chance=100 * (chance or 0))  # fmt: skip


def _never_moved(run: Outcome) -> bool:
    losses = [row.loss if row.train_loss is None else row.train_loss for row in run.rows]
    finite = [loss for loss in losses if math.isfinite(loss)]
    return len(finite) > 1 and max(finite) - min(finite) < STILL * max(finite)


def _one_class(run: Outcome) -> bool:
    classes = run.classes
    return classes is not None and len(classes) > 1 and bool((classes == classes[0]).all())


def _lost(methods: Sequence[MethodSummary], *, provisional: bool) -> Iterator[Reason]:
    """Yield which runs are not among the numbers."""
    for each in methods:
        if each.diverged:
            yield reason("some_runs_diverged" if each.finished else "all_runs_diverged",
                         method=each.label, count=each.diverged, all=each.diverged + each.finished)  # fmt: skip
        if each.missing and not provisional:
            every = each.missing + each.diverged + each.finished
            yield reason("runs_are_missing", method=each.label, count=each.missing, all=every)


def _no_overfitting(methods: Sequence[MethodSummary]) -> Iterator[Reason]:
    """Yield that nothing had begun to overfit, or the baseline mostly had not: then nothing could help against it."""
    finished, without = (sum(getattr(each, name) for each in methods) for name in ("finished", "without_onset"))
    if not finished:
        return
    if without == finished:
        yield reason("no_run_overfits", count=finished)
    elif 2 * methods[0].without_onset >= methods[0].finished > 0:
        yield reason(
            "baseline_hardly_overfits", method=methods[0].label, count=methods[0].without_onset,
            all=methods[0].finished,
        )  # fmt: skip


def _learning_less(contrasts: Sequence["Contrast"], design: Design) -> Iterator[Reason]:
    """Yield which smaller gaps may come from fitting the training images less well."""
    for each in contrasts:
        fit, lost = each.equal_fit, -(each.fit or 0.0)
        besides = fit is not None and fit.n >= FEWEST_AT_EQUAL_FIT and fit.high is not None and fit.high < 0
        matters = design.gap_margin if design.metric == "accuracy" else POINTS_OF_FIT
        if each.gap.verdict == HELPS and lost > (matters if each.metric.verdict == HELPS else 0) and not besides:
            yield reason("smaller_gap_by_learning_less", method=each.label, against=each.against_label, points=lost)


def _few_seeds(contrasts: Sequence["Contrast"], design: Design) -> Iterator[Reason]:
    """Yield that so few seeds could hardly decide anything, or that no exact test can agree with what they say."""
    if not contrasts or design.until is not None:  # in rounds seeds are added until there are enough
        return
    if any(each.metric.n_against is not None for each in contrasts):  # not paired, so there is no such test
        return
    n, count = max(each.metric.n for each in contrasts), len(contrasts)
    if n < FEWEST:
        yield reason("fewer_seeds_than_a_verdict_needs", n=n, needed=FEWEST)
        return
    chance = chance_of_finding(contrasts, design)
    if chance is not None and chance[1] < ENOUGH_POWER:
        worth, found, noise = chance
        yield reason("low_power", n=n, difference=worth, chance=max(1.0, 100 * found), deviation=noise,
                     what=BY_NAME[design.metric].unit)  # fmt: skip
    least = sign_flip_floor(n)
    corrected = min(1.0, least * shaffer(tuple(design.contrasts))[0])
    if corrected > design.alpha:
        if count > 1:
            yield reason("no_exact_test_can_agree", n=n, p=least, corrected=corrected, count=count)
        else:
            yield reason("no_exact_test_can_agree_with_one", n=n, p=least)


def chance_of_finding(contrasts: Sequence["Contrast"], design: Design) -> tuple[float, float, float] | None:
    """Return a difference worth finding, the probability that it would have been found, and the noise that was seen.

    Of the first axis on which something is undecided, with the noise of its contrasts together; None where nothing is.
    """
    for name, known in zip(design.axes, axes(design), strict=True):
        found = [each.axis(name) for each in contrasts]
        undecided = any(each.verdict == UNDECIDED and each.reason is None for each in found)
        noise = [each.deviation for each in found if each.deviation]
        if undecided and noise:
            deviation = math.sqrt(sum(each**2 for each in noise) / len(noise))
            worth = known.margin + WORTH_FINDING[BY_NAME[design.metric].unit]
            n = max(each.n for each in found)
            power = power_to_differ(worth, deviation, n, known.margin, design.alpha, len(contrasts))
            return worth, power, deviation
    return None


def _few_images(contrasts: Sequence["Contrast"], design: Design) -> Iterator[Reason]:
    """Yield that a single test image weighs much, and which words other images need not bear out."""
    unit, images = axes(design)[0].unit, design.test_images or 0
    if unit and design.metric == "accuracy" and unit > COARSE * design.margin:
        yield reason("few_test_images", images=images, points=unit)
    for each in contrasts:
        crossed = each.metric.crossed
        if crossed is None or not crossed.images_matter or each.metric.verdict not in (HELPS, HARMS):
            continue
        if crossed.low <= 0 <= crossed.high:
            yield reason("shown_for_these_images_only", method=each.label, against=each.against_label, images=images)


def images_needed(image_deviation: float, mean: float, images: int) -> int | None:
    """Return how many test images tell a difference of that mean from none, however many seeds there are.

    `image_deviation` is what they contribute to the noise of the mean with so many `images`. None for no difference.
    """
    return math.ceil(images * (BEYOND * image_deviation / mean) ** 2) if mean else None
