"""How runs of others were judged, in sentences that are true of these very runs: for notes, and a paragraph."""

from collections.abc import Iterator

from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.report import metric_words
from overfitlab.report.statistics_text import (
    correction,
    deviations,
    margin_of_metric,
    meaning,
    metric_name,
    percents,
    process,
    unit_name,
)
from overfitlab.results.metric import BY_NAME, NATS
from overfitlab.stats.design import GAP, METRIC, image_unit
from overfitlab.words.language import Language


def are_paired(evidence: JudgedEvidence) -> bool:
    """Return whether any contrast is of pairs of runs."""
    return any(each.metric.n_against is None for each in evidence.contrasts)


def are_apart(evidence: JudgedEvidence) -> bool:
    """Return whether any contrast is of two arms that are not paired."""
    return any(each.metric.n_against is not None for each in evidence.contrasts)


def tested_for_equivalence(evidence: JudgedEvidence) -> tuple[str, ...]:
    """Return the axes on which *equivalent* can be said: it takes the number of images, but of a loss."""
    images = {METRIC: evidence.test_images, GAP: evidence.validation_images}
    metric = BY_NAME[evidence.metric]
    return tuple(axis for axis in evidence.axes if image_unit(metric, images[axis] or None, None) is not None)


def notes_on_table(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    """Yield a sentence on everything that a reader of the table of contrasts has to know."""
    yield say("A difference is the method minus what it is compared with, in {unit}.", unit=unit_name(evidence, say))
    if GAP in evidence.axes:
        yield say("For each contrast {name} comes first, then the gap, where a negative "
                  "difference means less overfitting.",
                  name=metric_name(evidence, say))  # fmt: skip
    if evidence.in_order:
        yield say("n: the number of pairs; the k-th run of one method is paired with the k-th of the other.")
    elif are_paired(evidence):
        yield say("n: the number of pairs of runs with the same seed.")
    if are_apart(evidence):
        yield say("n / m: the numbers of runs of the method and of what it is compared with; these are not paired.")
    yield intervals_of_others(evidence, say)
    yield say("p: tests for a difference; significance level {alpha}.", alpha=f"{evidence.alpha:g}")
    if axes := tested_for_equivalence(evidence):
        yield say("p=: tests for equivalence within {margins}.", margins=_margins(evidence, axes, say))
    else:
        yield say("p= is empty because the number of evaluation images is not known.")
    yield correction(evidence, say)
    yield say("A cell is empty where its value cannot be computed.")
    if any(each.axis(axis).decided_at is not None for each in evidence.contrasts for axis in evidence.axes):
        yield (
            say("In brackets: the number of pairs after which it was decided.")
            if evidence.in_order
            else say("In brackets: the number of seeds at which it was decided.")
        )
    yield from deviations(evidence, say)


def tests_of_others(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    """Yield the tests, their correction, and what a word means."""
    if evidence.progress is not None:
        yield process(evidence, say)
    elif are_paired(evidence):
        yield say("Differences between runs of the same seed were tested with a two-sided paired t-test.")
    if are_apart(evidence):
        yield say("The means of unpaired runs were compared by Welch's two-sided t-test, with "
                  "the degrees of freedom of the smaller group.")  # fmt: skip
    yield _equivalence(evidence, say)
    yield correction(evidence, say)
    yield meaning(evidence, say)


def _equivalence(evidence: JudgedEvidence, say: Language) -> str:
    axes = tested_for_equivalence(evidence)
    if not axes:
        return say("Equivalence was not tested because the number of evaluation images is not known.")
    fields = {"margins": _margins(evidence, axes, say)}
    text = (
        say("Equivalence was tested with two one-sided tests of the same kind against margins of {margins}.", **fields)
        if evidence.progress is None
        else say("Equivalence was tested with two one-sided processes of that kind against margins of {margins}.",
                 **fields)
    )  # fmt: skip
    if BY_NAME[evidence.metric].unit == NATS:  # of two networks that differ it is never the same, so there is no floor
        return text
    counts = {METRIC: evidence.test_images, GAP: evidence.validation_images or 0}
    images = say.listing([f"{count:,}" for count in dict.fromkeys(counts[axis] for axis in axes)])
    parts = [text]
    if are_paired(evidence):
        parts.append(say("In these tests the standard deviation of the differences was taken to be at "
                         "least the square root of the margin times the change that one image makes "
                         "(one of {images}).", images=images))  # fmt: skip
    if are_apart(evidence):
        parts.append(say("In these tests the standard deviation within each group was taken to be at "
                         "least the square root of half the margin times the change that one image "
                         "makes (one of {images}).", images=images))  # fmt: skip
    return " ".join(
        [*parts, say("This is because a few runs that misclassify the same images do not prove equivalence.")]
    )


def _margins(evidence: JudgedEvidence, axes: tuple[str, ...], say: Language) -> str:
    sizes = {METRIC: (margin_of_metric(evidence, say), metric_name(evidence, say)),
             GAP: (metric_words.amount(evidence.gap_margin, evidence.metric, say), say("gap"))}  # fmt: skip
    return say.listing([f"±{size} ({name})" for size, name in (sizes[axis] for axis in axes)])


def intervals_of_others(evidence: JudgedEvidence, say: Language) -> str:
    """Return what the interval of a contrast is, and covers."""
    level = percents(evidence.confidence, say)
    if evidence.progress is not None:
        return say("Intervals are always-valid {level} intervals: they hold however often the "
                   "runs are read. They are not adjusted for the number of contrasts, and cover "
                   "other seeds, on these images.",
                   level=level)  # fmt: skip
    if not are_apart(evidence):
        return say("Intervals are {level} Student's t intervals, not adjusted for the number of "
                   "contrasts; they cover other seeds, on these images.", level=level)  # fmt: skip
    if not are_paired(evidence):
        return say("Intervals are {level} Welch intervals, not adjusted for the number of "
                   "contrasts; they cover other seeds, on these images.", level=level)  # fmt: skip
    return say("Intervals are {level} Student's t intervals for pairs and Welch intervals for "
               "unpaired runs, not adjusted for the number of contrasts; they cover other "
               "seeds, on these images.", level=level)  # fmt: skip
