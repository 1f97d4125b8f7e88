"""How a study was judged, in sentences that are true of this very study: for a paragraph of methods, and for notes."""

from collections.abc import Iterator

from overfitlab.interop.evidence import Document, JudgedEvidence
from overfitlab.report import metric_words
from overfitlab.stats.method_summary import CONFIDENCE
from overfitlab.stats.multiplicity import holm, shaffer
from overfitlab.stats.sequential import FEWEST
from overfitlab.study.contrasts import metric_and_unit
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH, Language

FEWEST_TO_VARY = 2  # runs
UNIT_NAMES = {"points": "percentage points", "nats": "nats"}


def metric_name(evidence: Document, say: Language = ENGLISH) -> str:
    """Return what is compared on the first axis, for people."""
    return metric_words.name(evidence.metric, say)


def unit_name(evidence: Document, say: Language = ENGLISH) -> str:
    """Return the unit of its differences."""
    _, unit = metric_and_unit(evidence)
    return say(UNIT_NAMES.get(unit, unit))


def margin_of_metric(evidence: Document, say: Language = ENGLISH) -> str:
    """Return the margin of the metric, with its unit."""
    return metric_words.amount(evidence.margin, evidence.metric, say)


def percents(share: float, say: Language = ENGLISH) -> str:
    """Return a level or a coverage in percent, with the digits that it needs."""
    return say("{number} %", number=f"{100 * share:.6g}")


def design(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield how many seeds there were, who decided that, and what was compared."""
    asked, looks = evidence.asked, evidence.looks
    if not evidence.contrasts:
        yield say(
            "One method was trained alone, to find out how much it varies from seed to seed. The number of seeds, "
            "{seeds}, was fixed before the training.",
            seeds=evidence.seeds,
        )
        return
    yield say("The contrasts were chosen before the training: {pairs}.", pairs=pairs_named(evidence, say))
    if evidence.progress is not None:
        yield _rounds(evidence, say)
    elif len(looks) > 1:
        yield say(
            "Looks at the results were planned after {looks} seeds, with no further look once every contrast was "
            "decided; the significance level of {level} was divided equally, {share} for each look. This is look "
            "{look}, after {seeds} seeds.",
            looks=say.listing(list(map(str, looks))), level=percents(asked.alpha, say), look=evidence.look,
            share=percents(evidence.alpha, say), seeds=evidence.seeds,
        )  # fmt: skip
    else:
        yield say("The number of seeds, {seeds}, was fixed before the training.", seeds=evidence.seeds)


def pairs_named(evidence: Document, say: Language) -> str:
    """Return the contrasts by the names of their methods."""
    return "; ".join(
        say("{name} versus {against}", name=say.method(each.label), against=say.method(each.against_label))
        for each in evidence.contrasts
    )


def planned_maximum(evidence: Document, say: Language) -> str:
    """Return how many seeds were planned at most, of what is read in rounds."""
    maximum = evidence.progress.maximum if evidence.progress else None
    if maximum is None:
        return say("no maximum was planned")
    return say("a maximum of {maximum} seeds was planned and is never exceeded", maximum=maximum)


def _rounds(evidence: Evidence, say: Language) -> str:
    used = sorted(each.metric.n + each.missing for each in evidence.contrasts) or [0]
    span = str(used[0]) if used[0] == used[-1] else say("{fewest} to {most}", fewest=used[0], most=used[-1])
    return say(
        "Seeds were added one by one until every contrast was decided on both outcomes: from {first} seeds on, all "
        "undecided contrasts were tested after each seed, and a method whose contrasts were all decided was "
        "trained no further; {planned}. Number of seeds per contrast: {span}.",
        first=FEWEST, planned=planned_maximum(evidence, say), span=span,
    )  # fmt: skip


def tests(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield the tests, their correction, and what a word means; of one method alone there is none."""
    if not evidence.contrasts:
        yield from spread(evidence, say)
        return
    yield (
        say("Differences between runs of the same seed were tested with a two-sided paired t-test.")
        if evidence.progress is None
        else process(evidence, say)
    )
    yield _equivalence(evidence, say)
    yield correction(evidence, say)
    yield meaning(evidence, say)


def spread(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield what the interval of a standard deviation is, where there is one."""
    if evidence.methods[0].finished < FEWEST_TO_VARY:
        return
    yield say(
        "The standard deviation over the seeds has a {level} interval from the chi-squared distribution, which assumes "
        "that the results of the seeds are normally distributed. Nothing was tested.",
        level=percents(CONFIDENCE, say),
    )


def meaning(evidence: Document, say: Language) -> str:
    """Return when which word is said."""
    return say(
        "A method was said to help or harm if the adjusted p-value was at most {alpha} and the estimate lay "
        "outside the margin, and to be equivalent if the adjusted p-value of equivalence was at most {alpha} and "
        "the estimate lay within the margin; otherwise the contrast is undecided.",
        alpha=f"{evidence.alpha:g}",
    )


def process(evidence: Document, say: Language) -> str:
    """Return which evidence is read round after round, and what bounds it."""
    maximum = evidence.progress.maximum if evidence.progress else None
    bound = (
        say("Ville's inequality bounds the probability that it ever becomes so large")
        if maximum is None
        else say(
            "the p-value is the simulated probability that it becomes so large within {maximum} seeds when there "
            "is no difference",
            maximum=maximum,
        )
    )
    return say(
        "Differences between the k-th run of one method and the k-th of the other were tested with the "
        "scale-invariant t process, a mixture of likelihood ratios over standardized effects (normal, with "
        "standard deviation 1), using its largest value so far: {bound}."
        if isinstance(evidence, JudgedEvidence) and evidence.in_order else
        "Differences between runs of the same seed were tested with the scale-invariant t process, a mixture of "
        "likelihood ratios over standardized effects (normal, with standard deviation 1), using its largest value "
        "so far: {bound}.",
        bound=bound,
    )  # fmt: skip


def _equivalence(evidence: Evidence, say: Language) -> str:
    parts = evidence.plan.parts
    fields = {
        "metric": margin_of_metric(evidence, say), "name": metric_name(evidence, say),
        "gap": metric_words.amount(evidence.gap_margin, evidence.metric, say),
    }  # fmt: skip
    text = (
        say(
            "Equivalence was tested with two one-sided paired t-tests against margins of ±{metric} ({name}) and ±{gap} "
            "(gap).",
            **fields,
        )
        if evidence.progress is None
        else say(
            "Equivalence was tested with two one-sided processes of that kind against margins of ±{metric} ({name}) "
            "and ±{gap} (gap).",
            **fields,
        )
    )
    if evidence.metric == "loss":  # of two networks that differ it is never the same, so there is no floor
        return text
    if evidence.metric != "accuracy":
        return text + say(
            " In these tests the standard deviation of the differences was taken to be at least the square root of "
            "the margin times the change that one image makes (one of the smallest class, of the test or, for the "
            "gap, the validation images), because a few seeds that misclassify the same images do not prove "
            "equivalence."
        )
    return text + say(
        " In these tests the standard deviation of the differences was taken to be at least the square root of the "
        "margin times the change that one image makes (one of {test} test images or, for the gap, of {validation} "
        "validation images), because a few seeds that misclassify the same images do not prove equivalence.",
        test=f"{parts.test:,}", validation=f"{parts.validation:,}",
    )  # fmt: skip


def correction(evidence: Document, say: Language) -> str:
    """Return how the p-values of several contrasts were adjusted."""
    count = len(evidence.contrasts)
    pairs = tuple((each.method, each.against) for each in evidence.contrasts)
    if len(evidence.axes) < 2:
        return _correction_of_one_outcome(count, pairs, say)
    if count < 2:
        return say(
            "There is one contrast, so its p-value was not adjusted; the significance level applies to each "
            "of the two outcomes separately."
        )
    if shaffer(pairs) == holm(count):
        return say(
            "For each outcome the p-values of the {count} contrasts were adjusted by Holm's procedure; the "
            "significance level applies to each of the two outcomes separately.",
            count=count,
        )
    return say(
        "For each outcome the p-values of the {count} contrasts were adjusted, those of differences by Shaffer's "
        "procedure (not every set of contrasts can be without a difference), those of equivalence by Holm's; the "
        "significance level applies to each of the two outcomes separately.",
        count=count,
    )


def _correction_of_one_outcome(count: int, pairs: tuple[tuple[str, str], ...], say: Language) -> str:
    if count < 2:
        return say("There is one contrast and one outcome, so its p-value was not adjusted.")
    if shaffer(pairs) == holm(count):
        return say("The p-values of the {count} contrasts were adjusted by Holm's procedure.", count=count)
    return say(
        "The p-values of the {count} contrasts were adjusted, those of differences by Shaffer's procedure (not every "
        "set of contrasts can be without a difference), those of equivalence by Holm's.",
        count=count,
    )


def intervals(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield what each interval of a difference covers."""
    if not evidence.contrasts:
        return
    level = percents(evidence.confidence, say)
    yield (
        say(
            "Intervals are {level} Student's t intervals, not adjusted for the number of contrasts; they cover "
            "other seeds, on these test images and with training images drawn from the same set.",
            level=level,
        )
        if evidence.progress is None
        else say(
            "Intervals are always-valid {level} intervals: they hold however often the study is read. They are not "
            "adjusted for the number of contrasts, and cover other seeds, on these test images and with training "
            "images drawn from the same set.",
            level=level,
        )
    )
    if any(each.metric.crossed for each in evidence.contrasts):
        yield say(
            "The {level} interval for other images also covers other test images of the same kind (seeds and "
            "images as crossed random effects, Satterthwaite's degrees of freedom).",
            level=level,
        )
        if evidence.metric not in ("accuracy", "loss"):
            yield say("The contribution of the images to it was estimated by a bootstrap over images.")
        if evidence.progress is not None:
            yield say(
                "It assumes a fixed number of seeds, so it is too narrow for a study that is read after each seed."
            )


def exact_test(evidence: Document, say: Language) -> Iterator[str]:
    """Yield that there is an exact test beside, where there is one."""
    if any(each.metric.p_sign_flip_raw is not None for each in evidence.contrasts):
        yield say("An exact sign-flip test of the same differences is also reported, but not used for the verdict.")


def deviations(evidence: Document, say: Language) -> Iterator[str]:
    """Yield what did not go as planned: runs that diverged, failed or are missing, and what changed between them."""
    if evidence.provisional:
        yield say("The study is not finished: runs are missing, so there is no verdict yet.")
    elif evidence.progress is not None and evidence.progress.wanted:
        yield say("The study is not finished: undecided contrasts will be tested again with further seeds.")
    diverged = [each for each in evidence.methods if each.diverged]
    for each in diverged:
        yield say("{count} of {all} runs of {name} diverged and have no outcome.",
                  count=each.diverged, all=each.diverged + each.finished, name=say.method(each.label))  # fmt: skip
    if diverged and not evidence.contrasts:
        yield say("They are left out.")
    elif diverged and isinstance(evidence, JudgedEvidence):
        yield say("They are left out, and a contrast with a diverged run is never decided in "
                  "favour of the method that diverged, nor called equivalent.")  # fmt: skip
    elif diverged:
        yield say(
            "Their pairs are left out, and a contrast with a diverged run is never decided in favour of the method "
            "that diverged, nor called equivalent."
        )
    for name, failure in evidence.failures.items():
        text = (
            say("The run {name} failed ({reason}) and was given up, so the verdict does not include it.",
                name=name, reason=say.reason(failure.reason))
            if failure.given_up
            else say("The run {name} failed ({reason}).", name=name, reason=say.reason(failure.reason))
        )  # fmt: skip
        yield text
    missing = [each for each in evidence.contrasts if each.missing]
    if missing:
        pairs = ", ".join(
            f"{say.method(each.label)} - {say.method(each.against_label)} {each.missing}" for each in missing
        )
        yield say("Pairs of runs that are missing: {what}.", what=pairs)
    elif not evidence.provisional and not evidence.failures and not diverged:
        yield (
            say("No run diverged. Whether runs failed cannot be seen in the logs.")
            if isinstance(evidence, JudgedEvidence)
            else say("No run diverged or failed.")
        )
    if evidence.differing:
        yield say("Not all runs were trained with the same {what}, so they may differ by more than the method.",
                  what=", ".join(say(name) for name in evidence.differing))  # fmt: skip
