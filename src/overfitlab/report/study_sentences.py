"""What a study says, in sentences; every one has to be true of the numbers of its verdict."""

from collections.abc import Mapping
from typing import Protocol

from overfitlab.reasons import Reason
from overfitlab.records.study_record import Failure, StudyPlan
from overfitlab.report.metric_words import amount, at_level, digits, words_of
from overfitlab.report.metric_words import name as metric_name
from overfitlab.report.metric_words import size as size_of
from overfitlab.report.seed_spread import alone
from overfitlab.stats.crossed import Crossed
from overfitlab.stats.findings import Difference, Finding
from overfitlab.stats.method_summary import MethodSummary
from overfitlab.stats.pairs import EqualFit
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.words.language import ENGLISH, Language, Name

Interval = Difference | Crossed | EqualFit  # what has a lower and an upper bound
FEWEST_PAIRS = 3  # for a statement
UNDECIDED = "undecided"
MOST_DIGITS = 8  # of a p
LEAST_SHOWN = 0.001  # of a p: what is smaller says more about the model of the noise than about the methods
MOST_NAMED = 4  # undecided methods in a headline
# words of the verdict on each axis: how a headline says them of one method, and of several
ACCURACY_WORDS = {
    "helps": ("{names} generalizes better", "{names} generalize better"),
    "harms": ("{names} generalizes worse", "{names} generalize worse"),
    "equivalent": ("{names} generalizes as well", "{names} generalize as well"),
    "undecided": ("whether {names} generalizes better is undecided", "whether {names} generalize better is undecided"),
}
GAP_WORDS = {
    "helps": ("{names} overfits less", "{names} overfit less"),
    "harms": ("{names} overfits more", "{names} overfit more"),
    "equivalent": ("{names} overfits as much", "{names} overfit as much"),
    "undecided": ("whether {names} overfits less is undecided", "whether {names} overfit less is undecided"),
}
FURTHER = "{name} ({difference})"  # after the first


def headline(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return the answer in one sentence: what was shown of the methods against the baseline, and what was not."""
    baseline = say.method(verdict.label(verdict.baseline))
    asked = [each for each in verdict.contrasts if each.against == verdict.baseline]
    if verdict.provisional:
        return say("Not all runs have ended, so there is no verdict yet.")
    if not verdict.contrasts:
        return alone(verdict, say)
    if all(each.axis(axis).verdict == UNDECIDED for each in asked for axis in ("metric", "gap")):
        return say("Compared with {baseline}, nothing was decided.", baseline=baseline)
    metric = verdict.metric
    said = [*_grouped(asked, "metric", ACCURACY_WORDS, metric, say), *_grouped(asked, "gap", GAP_WORDS, metric, say)]
    pairs = sorted({each.metric.n for each in asked})
    seeds = str(pairs[0]) if len(pairs) == 1 else say("{fewest} to {most}", fewest=pairs[0], most=pairs[-1])
    return say("Compared with {baseline}, at {seeds} paired seeds: {parts}.",
               baseline=baseline, seeds=seeds, parts="; ".join(said))  # fmt: skip


def _grouped(
    asked: list[Contrast], axis: str, words: Mapping[str, tuple[str, str]], metric: str, say: Language
) -> list[str]:
    """Return what was shown on one axis, the methods of each word together, the greatest difference first."""
    found = []
    for word, (one, several) in words.items():
        same = [each for each in asked if each.axis(axis).verdict == word]
        if not same:
            continue
        same.sort(key=lambda each: -abs(each.axis(axis).mean or 0.0))
        names = [str(say.method(each.label)) for each in same]
        if word == UNDECIDED:
            if len(names) > MOST_NAMED:
                names = [say("{count} methods", count=len(names))]
        else:
            sizes = [words_of(metric, axis).headline, *[FURTHER] * (len(same) - 1)]
            names = [
                say(size, name=name, difference=f"{each.axis(axis).mean:+.{digits(metric)}f}")
                for size, name, each in zip(sizes, names, same, strict=True)
            ]
        found.append(say(one if len(same) == 1 else several, names=say.listing(names)))
    return found


def answer(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return what the study says, a short paragraph for each contrast; numbers alone while it is provisional."""
    if not verdict.contrasts:
        return alone(verdict, say)
    return "\n".join(contrast_sentence(each, verdict, say) for each in verdict.contrasts)


def contrast_sentence(contrast: Contrast, verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return what is known of one contrast: does it generalize better, does it overfit less."""
    accuracy, gap = contrast.metric, contrast.gap
    name, against = say.method(contrast.label), say.method(contrast.against_label)
    if verdict.provisional:
        return say(
            "{name} minus {against}, so far: {metric} {estimate}, gap {gap}; n = {n}",
            name=name, against=against, metric=metric_name(verdict.metric, say),
            estimate=_estimate(accuracy, verdict, say), gap=_estimate(gap, verdict, say), n=accuracy.n,
        )  # fmt: skip
    return f"{_generalizes(name, against, accuracy, verdict, say)} {_overfits(against, contrast, verdict, say)}"


def _generalizes(name: Name, against: Name, finding: Finding, verdict: Verdict, say: Language) -> str:
    interval = leading_interval(finding, verdict)
    numbers = _numbers(finding, size_of(finding.mean, verdict.metric, "metric", say), interval, verdict, say)
    margin = verdict.margin
    word = finding.verdict
    if word == "helps":
        text = say("{name} generalizes better than {against}: {numbers}.", name=name, against=against, numbers=numbers)
    elif word == "harms":
        text = say("{name} generalizes worse than {against}: {numbers}.", name=name, against=against, numbers=numbers)
    elif word == "equivalent":
        text = say(
            "{name} generalizes as well as {against}, to within {margin}: {numbers}.",
            name=name, against=against, margin=amount(margin, verdict.metric, say), numbers=numbers,
        )  # fmt: skip
    else:
        text = say(
            "Whether {name} generalizes better than {against} is undecided: {why}.",
            name=name, against=against, why=_why(finding, numbers, say),
        )  # fmt: skip
    return text + _on_other_images(finding, interval, margin, verdict.metric, say)


def leading_interval(finding: Finding, verdict: Verdict) -> Finding | Crossed:
    """Return what has the interval of a test accuracy: with few test images the one that has their noise in it."""
    return finding


def _on_other_images(finding: Finding, interval: Interval, margin: float, metric: str, say: Language) -> str:
    """Return what the noise of few test images leaves open, where the word goes by the seeds on just these images."""
    low, high = interval.low, interval.high
    if interval is finding or low is None or high is None:
        return ""
    places = digits(metric)
    over_seeds = _range(finding, say, places)
    same = over_seeds == _range(interval, say, places)
    text = "" if same else say(" Over seeds alone the interval is {range}.", range=over_seeds)
    beyond = finding.verdict == "equivalent" and (low < -margin or high > margin)
    if beyond or (finding.verdict in ("helps", "harms") and low <= 0 <= high):
        return text + say(" So on other test images it could be otherwise.")
    return text


def _overfits(against: Name, contrast: Contrast, verdict: Verdict, say: Language) -> str:
    finding = contrast.gap
    numbers = _numbers(finding, size_of(finding.mean, verdict.metric, "gap", say), finding, verdict, say)
    word = finding.verdict
    if word == "helps":
        return say("It overfits less: {numbers}.", numbers=numbers) + _learns_less(contrast, verdict, say)
    if word == "harms":
        return say("It overfits more: {numbers}.", numbers=numbers) + _fits_more(contrast, verdict, say)
    if word == "equivalent":
        margin = amount(verdict.gap_margin, verdict.metric, say)
        return say("It overfits as much as {against}, to within {margin}: {numbers}.",
                   against=against, margin=margin, numbers=numbers)  # fmt: skip
    return say("Whether it overfits less is undecided: {why}.", why=_why(finding, numbers, say))


def _learns_less(contrast: Contrast, verdict: Verdict, say: Language) -> str:
    """Return how a smaller gap reads where the training images are fitted less well.

    Where test accuracy improves all the same, only if they are fitted less well by more than gaps that do not matter.
    """
    fit_lost = -(contrast.fit or 0.0)
    # the fit is in points of training accuracy, whatever the metric
    matters = verdict.gap_margin if verdict.metric == "accuracy" else 1.0
    if fit_lost <= (matters if contrast.metric.verdict == "helps" else 0.0):
        return ""
    fit = contrast.equal_fit
    if fit is None:
        return say(
            " It may do so because it learns less: its training accuracy is {points} points lower, and at no fit that "
            "both pass can their gaps be compared.",
            points=f"{fit_lost:.1f}",
        )
    size = _fit_size(fit.mean, verdict, say)
    if fit.n >= FEWEST_PAIRS and fit.high is not None and fit.high < 0:
        return say(
            " Not only because it learns less: when both fit the training images equally well, {size} ({details}).",
            size=size, details=_details(fit, fit, verdict, say),
        )  # fmt: skip
    return say(
        " It may do so because it learns less: when both fit the training images equally well, {size} ({details}).",
        size=size, details=_details(fit, fit, verdict, say),
    )  # fmt: skip


def _fits_more(contrast: Contrast, verdict: Verdict, say: Language) -> str:
    """Return how a larger gap reads where the training images are only fitted better."""
    fit, better = contrast.equal_fit, contrast.fit
    if better is None or better <= 0:
        return ""
    if fit is None:
        return say(
            " It may do so because it fits the training images better: its training accuracy is {points} points "
            "higher, and at no fit that both pass can their gaps be compared.",
            points=f"{better:.1f}",
        )
    if fit.n < FEWEST_PAIRS or fit.high is None or fit.high >= 0:
        return ""
    return say(
        " It does so because it fits the training images better: when both fit them equally well, {size} ({details}).",
        size=_fit_size(fit.mean, verdict, say), details=_details(fit, fit, verdict, say),
    )  # fmt: skip


def _numbers(finding: Finding, size: str, interval: Interval, verdict: Verdict, say: Language) -> str:
    """Return the estimate with its interval, p and n, in words."""
    if finding.mean is None:
        return say("no number")
    return f"{size} ({_details(finding, interval, verdict, say)})"


def _details(finding: Finding | EqualFit, interval: Interval, verdict: Verdict, say: Language) -> str:
    details = [say("n = {n}", n=finding.n)]
    p = finding.p_adjusted if isinstance(finding, Finding) else None
    if p is not None:
        small = p < LEAST_SHOWN
        details.insert(
            0,
            say("adjusted p < {p}", p=LEAST_SHOWN) if small else say("adjusted p = {p}", p=p_value(p, verdict.alpha)),
        )
    if interval.low is not None:
        with_images = isinstance(interval, Crossed)
        # at equal fit the gap is one in accuracy
        between = _range(interval, say, 1 if isinstance(finding, EqualFit) else digits(verdict.metric))
        text = (say("95 % interval over seeds and test images {range}", range=between) if with_images
                else say("95 % interval {range}", range=between))  # fmt: skip
        details.insert(0, at_level(text, verdict))
    return ", ".join(details)


def _fit_size(mean: float | None, verdict: Verdict, say: Language) -> str:
    """Return a difference in gap at equal fit, which is one in accuracy, whatever the metric of the study."""
    text = size_of(mean, "accuracy", "gap", say)
    return text if verdict.metric == "accuracy" else say("in accuracy, {what}", what=text)


def _why(finding: Finding, numbers: str, say: Language) -> str:
    return f"{numbers}; {say.reason(finding.reason)}" if finding.reason else numbers


def _range(numbers: Interval, say: Language, digits: int = 1) -> str:
    low, high = (numbers.low or 0.0, numbers.high or 0.0)  # asked only where they are known
    return say("{low} to {high}", low=f"{low:+.{digits}f}", high=f"{high:+.{digits}f}")


def points(size: float, say: Language = ENGLISH) -> str:
    """Return a size in points, with the word."""
    return amount(size, "accuracy", say)


def _estimate(finding: Finding, verdict: Verdict, say: Language) -> str:
    if finding.mean is None:
        return say("no pair yet")
    places = digits(verdict.metric)
    between = f" ({_range(finding, say, places)})" if finding.low is not None else ""
    return f"{finding.mean:+.{places}f}{between}"


def p_value(value: float, alpha: float | None = None) -> str:
    """Return p with three digits, or that it is smaller than they can say.

    With more of them where it would look as if it were at most `alpha`, and is not.
    """
    if value < LEAST_SHOWN:
        return f"<{LEAST_SHOWN}"
    digits = 3
    while alpha is not None and float(f"{value:.{digits}f}") <= alpha < value and digits < MOST_DIGITS:
        digits += 1
    return f"{value:.{digits}f}"


def least_p(value: float) -> str:
    """Return the smallest p that a test can give, with as many digits as that takes."""
    return f"{value:.3f}" if value >= LEAST_SHOWN else f"{value:.1g}"


def recommendation(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return which method to take, and why; no text where none is recommended yet."""
    chosen, baseline = verdict.recommended, verdict.baseline
    if chosen is None or not verdict.contrasts:
        return ""
    name = say.method(verdict.label(chosen))
    if chosen == baseline and all(each.metric.n < FEWEST_PAIRS for each in verdict.contrasts):
        return say("Recommended: {name}, as nothing can be shown with fewer than {n} seeds.", name=name, n=FEWEST_PAIRS)
    if chosen == baseline:
        return say("Recommended: {name}. Nothing was shown to be better.", name=name)
    [contrast] = [each for each in verdict.contrasts if (each.method, each.against) == (chosen, baseline)]
    if contrast.metric.verdict != "helps":
        return say("Recommended: {name}, because it overfits less and was not shown to generalize worse.", name=name)
    rivals = [
        each
        for each in verdict.contrasts
        if each.against == baseline and each.metric.verdict == "helps" and each.method != chosen
    ]
    if rivals:
        return _best_of_several(name, verdict, say)
    return say("Recommended: {name}, because it generalizes better.", name=name)


def _best_of_several(name: Name, verdict: Verdict, say: Language) -> str:
    if verdict.metric == "accuracy":
        return say("Recommended: {name}, the most accurate of those that generalize better.", name=name)
    return say("Recommended: {name}, the best in {metric} of those that generalize better.",
               name=name, metric=metric_name(verdict.metric, say))  # fmt: skip


class Noted(Protocol):
    """What knows how a study went besides its verdict: its record, and the evidence."""

    @property
    def plan(self) -> StudyPlan:
        """What it was to do."""

    @property
    def notes(self) -> list[Reason]:
        """What there is to know."""

    @property
    def failures(self) -> dict[str, Failure]:
        """Which runs could not be trained."""


def caveats(verdict: Verdict, record: Noted, say: Language = ENGLISH) -> list[str]:
    """Return what a reader has to know besides, a sentence each."""
    found = []
    if record.plan.gave_up:
        given_up = "; ".join(say.reason(each) for each in record.plan.gave_up)
        found.append(say("Given up for the budget: {what}.", what=given_up))
    found += [say.reason(note) for note in record.notes]
    if verdict.differing:
        found.append(
            say("Not all runs were trained with the same {what}, so they may differ by more than the method.",
                what=", ".join(say(name) for name in verdict.differing))
        )  # fmt: skip
    for each in verdict.methods:
        if each.diverged:
            found.append(_diverged(each, say))
    for name, failure in record.failures.items():
        found.append(
            say("The run {name} failed: {reason}. The same command tries it again.",
                name=name, reason=say.reason(failure.reason))
        )  # fmt: skip
    floors = [each.metric.p_sign_flip_floor for each in verdict.contrasts if each.metric.n]
    least = max((floor for floor in floors if floor is not None), default=0.0)
    if not verdict.provisional and len(floors) * least > verdict.alpha:
        found.append(
            say("With so few seeds the exact sign-flip test cannot confirm a word: its least p is {p}, to be adjusted "
                "for the number of contrasts, {contrasts}.", p=least_p(least), contrasts=len(floors))
        )  # fmt: skip
    if len(verdict.looks) > 1:
        found.append(
            say("This is look {look} of {looks} that were planned, each at the level {alpha}.",
                look=verdict.look, looks=len(verdict.looks), alpha=f"{verdict.alpha:g}")
        )  # fmt: skip
    return found


def _diverged(method: MethodSummary, say: Language) -> str:
    fields = {"count": method.diverged, "all": method.diverged + method.finished}
    name = say.method(method.label)
    if method.finished:
        return say(
            "{count} of {all} runs of {name} diverged: they have no accuracy, and the numbers are those of the others.",
            name=name, **fields,
        )  # fmt: skip
    return say("{count} of {all} runs of {name} diverged: they have no accuracy.", name=name, **fields)
