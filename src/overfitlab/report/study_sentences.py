"""What a study says, in sentences; every one has to be true of the numbers of its verdict."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from overfitlab.reasons import Reason
from overfitlab.records.study_record import Failure, StudyPlan
from overfitlab.report.closeness import closeness
from overfitlab.report.metric_words import amount, column, digits, table_digits, words_of
from overfitlab.report.metric_words import name as metric_name
from overfitlab.report.metric_words import size as size_of
from overfitlab.report.numbers import (
    LEAST_SHOWN,
    interval_name,
    level,
    other_images,
    p_value,
    runs_text,
    span,
    student_name,
    without_interval,
)
from overfitlab.report.round_sentences import decided
from overfitlab.report.seed_spread import alone
from overfitlab.report.training_words import recipe_caveats
from overfitlab.stats.findings import UNDECIDED, Finding
from overfitlab.stats.pairs import EqualFit
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.words.language import ENGLISH, Language, Name

FEWEST_PAIRS = 3  # for a statement
WEAKENING_NOTES = ("seeds_seen_before", "trained_after_a_change")  # of a record: they stand beside the answer
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
AXIS_WORDS = {"metric": ACCURACY_WORDS, "gap": GAP_WORDS}
FURTHER = "{name} ({difference})"  # after the first
COMPARED = {  # how the runs behind a headline were compared: where nothing was shown, and where something was
    "paired": ("Compared with {baseline}, at {seeds} paired seeds, no method was shown to be better or worse.",
               "Compared with {baseline}, at {seeds} paired seeds: {parts}."),
    "in_order": ("Compared with {baseline}, at {seeds} pairs formed by order, no method was shown to be "
                 "better or worse.",
                 "Compared with {baseline}, at {seeds} pairs formed by order: {parts}."),
    "partly": ("Compared with {baseline}, with runs of which only some are paired, no method was shown to be better "
               "or worse.",
               "Compared with {baseline}, with runs of which only some are paired: {parts}."),
    "unpaired": ("Compared with {baseline}, with unpaired runs, no method was shown to be better or worse.",
                 "Compared with {baseline}, with unpaired runs: {parts}."),
}  # fmt: skip


def headline(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return the answer in one sentence: what was shown of the methods against the baseline, and what was not."""
    baseline = say.method(verdict.label(verdict.baseline))
    asked = [each for each in verdict.contrasts if each.against == verdict.baseline]
    if verdict.provisional:
        return say("Not all runs have ended, so there is no verdict yet.")
    if not verdict.contrasts:
        return alone(verdict, say)
    fields = {"baseline": baseline, "seeds": _seeds(asked, say)}
    nothing, something = COMPARED[_pairs(asked, verdict)]
    if all(each.axis(axis).verdict == UNDECIDED for each in asked for axis in verdict.axes):
        return say(nothing if verdict.over else "Compared with {baseline}, nothing is decided yet.", **fields)
    said = [part for axis in verdict.axes for part in _grouped(asked, axis, AXIS_WORDS[axis], verdict.metric, say)]
    return say(something, **fields, parts=say.between_clauses.join(said))


def _pairs(asked: Sequence[Contrast], verdict: Verdict) -> str:
    """Return how the runs of those contrasts were compared, of `COMPARED`."""
    if verdict.in_order:
        return "in_order"
    apart = [each.metric.n_against is not None for each in asked]
    return "unpaired" if apart and all(apart) else "partly" if any(apart) else "paired"


def _seeds(asked: Sequence[Contrast], say: Language) -> str:
    pairs = sorted({each.metric.n for each in asked})
    return str(pairs[0]) if len(pairs) == 1 else say("{fewest} to {most}", fewest=pairs[0], most=pairs[-1])


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
                say(size, name=name, difference=f"{each.axis(axis).mean:+.{digits(metric)}f}", column=column(metric))
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
            estimate=_estimate(accuracy, verdict.metric, say), gap=_estimate(gap, verdict.metric, say), n=accuracy.n,
        )  # fmt: skip
    generalizes = _generalizes(name, against, accuracy, verdict, say)
    return f"{generalizes} {_overfits(against, contrast, verdict, say)}" if "gap" in verdict.axes else generalizes


def decided_sentence(contrast: Contrast, axes: Collection[str], verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return what has just been decided of one contrast in rounds, on one axis (`metric` or `gap`) or both."""
    known = [axis for axis in AXIS_WORDS if axis in axes]
    seeds = max((contrast.axis(axis).decided_at or 0 for axis in known), default=0)
    parts = [part for axis in known for part in _grouped([contrast], axis, AXIS_WORDS[axis], verdict.metric, say)]
    return say("After {seeds}, compared with {baseline}: {parts}.", seeds=say.count(seeds, "seed"),
               baseline=say.method(contrast.against_label), parts=say.between_clauses.join(parts))  # fmt: skip


def _generalizes(name: Name, against: Name, finding: Finding, verdict: Verdict, say: Language) -> str:
    numbers = _numbers(finding, size_of(finding.mean, verdict.metric, "metric", say), verdict, say)
    margin = verdict.margin
    fields = {"name": name, "against": against, "numbers": numbers, "images": _on_these_images(finding, margin, say)}
    word = finding.verdict
    if word == "helps":
        text = say("{name} generalizes better than {against}{images}: {numbers}.", **fields)
    elif word == "harms":
        text = say("{name} generalizes worse than {against}{images}: {numbers}.", **fields)
    elif word == "equivalent":
        text = say(
            "{name} generalizes as well as {against}, to within {margin}{images}: {numbers}.",
            margin=amount(margin, verdict.metric, say), **fields,
        )  # fmt: skip
    elif _is_open(finding, verdict):
        text = say(
            "Whether {name} generalizes better than {against} is open so far: {why}.",
            name=name, against=against, why=_why(finding, numbers, say),
        )  # fmt: skip
    else:
        text = say(
            "Whether {name} generalizes better than {against} is undecided: {why}.",
            name=name, against=against, why=_why(finding, numbers, say),
        )  # fmt: skip
    return text + _equivalence_interval(finding, margin, verdict, say) + closeness(finding, margin, verdict, say)


def _is_open(finding: Finding, verdict: Verdict) -> bool:
    """Return whether seeds are still to come that can bring a word."""
    return not verdict.over and finding.decided_at is None and finding.reason is None


def _on_these_images(finding: Finding, margin: float, say: Language) -> str:
    """Return that a word is about these test images, where the interval for others does not bear it out."""
    crossed = other_images(finding)
    if crossed is None:
        return ""
    beyond = finding.verdict == "equivalent" and (crossed.low < -margin or crossed.high > margin)
    if beyond or (finding.verdict in ("helps", "harms") and crossed.low <= 0 <= crossed.high):
        return say(" on these test images")
    return ""


def _equivalence_interval(finding: Finding, margin: float, verdict: Verdict, say: Language) -> str:
    """Return why a word *equivalent* stands beside an interval that leaves the margin."""
    low, high = finding.low, finding.high
    if finding.verdict != "equivalent" or low is None or high is None or (-margin <= low and high <= margin):
        return ""
    low, high = finding.equivalence_low, finding.equivalence_high
    if low is None or high is None:
        return say(" The interval may reach beyond the margin, because each side is tested separately.")
    places = table_digits(verdict.metric)
    return say(
        " Equivalence is judged by the {level} % interval, {low} to {high}.",
        level=level(1 - 2 * verdict.alpha), low=f"{low:+.{places}f}", high=f"{high:+.{places}f}",
    )  # fmt: skip


def _overfits(against: Name, contrast: Contrast, verdict: Verdict, say: Language) -> str:
    finding, margin = contrast.gap, verdict.gap_margin
    numbers = _numbers(finding, size_of(finding.mean, verdict.metric, "gap", say), verdict, say)
    word = finding.verdict
    close = _equivalence_interval(finding, margin, verdict, say) + closeness(finding, margin, verdict, say)
    if word == "helps":
        return say("It overfits less: {numbers}.", numbers=numbers) + close + _learns_less(contrast, verdict, say)
    if word == "harms":
        return say("It overfits more: {numbers}.", numbers=numbers) + close + _fits_more(contrast, verdict, say)
    if word == "equivalent":
        return say("It overfits as much as {against}, to within {margin}: {numbers}.",
                   against=against, margin=amount(margin, verdict.metric, say), numbers=numbers) + close  # fmt: skip
    if _is_open(finding, verdict):
        return say("Whether it overfits less is open so far: {why}.", why=_why(finding, numbers, say))
    return say("Whether it overfits less is undecided: {why}.", why=_why(finding, numbers, say)) + close


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
            " This may be because it learns less: its training accuracy is {points} points lower, and the two "
            "never reach the same training accuracy, at which their gaps could be compared.",
            points=f"{fit_lost:.1f}",
        )
    size = _fit_size(fit.mean, verdict, say)
    if fit.n >= FEWEST_PAIRS and fit.high is not None and fit.high < 0:
        return say(
            " This is not only because it learns less: when both fit the training images equally well, {size} "
            "({details}).",
            size=size, details=_fit_details(fit, verdict, say),
        )  # fmt: skip
    return say(
        " This may be because it learns less: when both fit the training images equally well, {size} ({details}).",
        size=size, details=_fit_details(fit, verdict, say),
    )  # fmt: skip


def _fits_more(contrast: Contrast, verdict: Verdict, say: Language) -> str:
    """Return how a larger gap reads where the training images are only fitted better."""
    fit, better = contrast.equal_fit, contrast.fit
    if better is None or better <= 0:
        return ""
    if fit is None:
        return say(
            " This may be because it fits the training images better: its training accuracy is {points} points "
            "higher, and the two never reach the same training accuracy, at which their gaps could be compared.",
            points=f"{better:.1f}",
        )
    if fit.n < FEWEST_PAIRS or fit.high is None or fit.high >= 0:
        return ""
    return say(
        " This is because it fits the training images better: when both fit them equally well, {size} ({details}).",
        size=_fit_size(fit.mean, verdict, say), details=_fit_details(fit, verdict, say),
    )  # fmt: skip


def _numbers(finding: Finding, size: str, verdict: Verdict, say: Language) -> str:
    """Return the estimate with its intervals, p and n, in words."""
    if finding.mean is None:
        return say("no number")
    return f"{size} ({', '.join(_details(finding, verdict, say))})"


def _details(finding: Finding, verdict: Verdict, say: Language) -> Iterator[str]:
    if finding.low is not None:
        yield f"{interval_name(verdict, say)} {span(finding, say, digits(verdict.metric))}"
    elif without_interval(finding):
        yield say("no interval")
    crossed = other_images(finding)
    if crossed is not None:
        yield say("for other images {range}", range=span(crossed, say, digits(verdict.metric)))
    equal = finding.verdict == "equivalent"
    p = finding.p_equivalence_adjusted if equal else finding.p_adjusted  # that of the word
    if p is not None:
        shown = f"< {LEAST_SHOWN}" if p < LEAST_SHOWN else f"= {p_value(p, verdict.alpha)}"
        yield say("adjusted p of equivalence {p}", p=shown) if equal else say("adjusted p {p}", p=shown)
    if after := decided(finding, verdict, say):
        yield after
    yield runs_text(finding, say)


def _fit_details(fit: EqualFit, verdict: Verdict, say: Language) -> str:
    interval = [] if fit.low is None else [f"{student_name(verdict, say)} {span(fit, say)}"]
    return ", ".join([*interval, say("n = {n}", n=fit.n)])


def _fit_size(mean: float | None, verdict: Verdict, say: Language) -> str:
    """Return a difference in gap at equal fit, which is one in accuracy, whatever the metric of the study."""
    text = size_of(mean, "accuracy", "gap", say)
    return text if verdict.metric == "accuracy" else say("in accuracy, {what}", what=text)


def _why(finding: Finding, numbers: str, say: Language) -> str:
    return f"{numbers}; {say.reason(finding.reason)}" if finding.reason else numbers


def _estimate(finding: Finding, metric: str, say: Language) -> str:
    return say("no pair yet") if finding.mean is None else f"{finding.mean:+.{digits(metric)}f}"


def recommendation(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return which method to take, and why; no text where none is recommended yet."""
    chosen, baseline = verdict.recommended, verdict.baseline
    if chosen is None or not verdict.contrasts:
        return ""
    name = say.method(verdict.label(chosen))
    if chosen == baseline:
        return say("Recommended: {name}. Every other method was shown to generalize worse, or only as well.", name=name)
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
    found = [*recipe_caveats(record.plan.protocol, verdict.methods, say)]
    if record.plan.gave_up:
        given_up = "; ".join(say.reason(each) for each in record.plan.gave_up)
        found.append(say("Reduced to fit the budget: {what}.", what=given_up))
    found += [say.reason(note) for note in record.notes if note.code not in WEAKENING_NOTES]
    found += [_failed(name, failure, say) for name, failure in record.failures.items()]
    if len(verdict.looks) > 1:
        found.append(
            say("This is look {look} of {looks} planned, each at the significance level {alpha}.",
                look=verdict.look, looks=len(verdict.looks), alpha=f"{verdict.alpha:g}")
        )  # fmt: skip
    return found


def other_conditions(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return what the runs were not all computed with; no text where there is nothing like that."""
    if not verdict.differing:
        return ""
    return say("Not all runs were trained with the same {what}, so they may differ by more than the method.",
               what=", ".join(say(name) for name in verdict.differing))  # fmt: skip


def failed_note(verdict: Verdict, record: Noted, say: Language = ENGLISH) -> str:
    """Return what to do about failed runs that the verdict waits for; no text where it waits for none."""
    if verdict.over or all(failure.given_up for failure in record.failures.values()):
        return ""
    return say("There is no verdict because runs failed. Run the same command to try them again, or add --give-up "
               "for a verdict without them.")  # fmt: skip


def _failed(name: str, failure: Failure, say: Language) -> str:
    fields = {"name": name, "reason": say.reason(failure.reason)}
    if failure.given_up:
        return say("The run {name} failed: {reason}. It was given up, and the verdict does not include it.", **fields)
    return say("The run {name} failed: {reason}.", **fields)
