"""The answer to a study, before anything else: one sentence, a small table, what weakens it, and what to do next.

A screen and a page lay out the same parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from overfitlab.report.closeness import is_close
from overfitlab.report.metric_words import amount, digits
from overfitlab.report.metric_words import name as metric_name
from overfitlab.report.numbers import interval_name, span, time_text
from overfitlab.report.round_sentences import state
from overfitlab.report.study_sentences import (
    WEAKENING_NOTES,
    Noted,
    failed_note,
    headline,
    other_conditions,
    recommendation,
)
from overfitlab.report.study_tables import pair, word
from overfitlab.results.metric import BY_NAME, POINTS
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.study.ahead import Planned, decisive_command, leading, longer_command, undecided
from overfitlab.study.calling import as_called
from overfitlab.study.evidence import Ahead
from overfitlab.study.recipe import like_command
from overfitlab.words.language import ENGLISH, Language

AXES = {"metric": "generalizes better?", "gap": "overfits less?"}
FEW_SEEDS = (
    "fewer_seeds_than_a_verdict_needs", "low_power", "no_exact_test_can_agree", "no_exact_test_can_agree_with_one",
)  # fmt: skip
SHORT_OF_OVERFITTING = ("no_run_overfits", "baseline_hardly_overfits")


class Answered(Noted, Planned, Protocol):
    """What knows how a study went and how to begin it again: its record, and the evidence."""


@dataclass(frozen=True)
class Step:
    """What to do next: a sentence, and the command for it, empty where there is none."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class Cell:
    """What is said of one contrast on one axis: the question, the word, and the difference with its interval."""

    question: str
    word: str
    numbers: str
    tone: str | None  # the verdict's word in English


@dataclass(frozen=True)
class Row:
    """One contrast on each axis that was measured."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Answer:
    """The parts of an answer, in the order in which they are read; any of them can be empty."""

    lead: str
    rows: tuple[Row, ...]
    caption: str  # of the rows
    weaknesses: tuple[str, ...]
    oddities: tuple[str, ...]
    outcome: str  # what is recommended, or leads without having been shown
    steps: tuple[Step, ...]


def answer_of(verdict: Verdict, record: Answered, reference: str, say: Language = ENGLISH) -> Answer:
    """Return the answer of a study; `reference` is how commands name it."""
    ahead = undecided(verdict, record)
    first = leading(ahead, verdict)
    return Answer(
        " ".join(filter(None, (headline(verdict, say), state(verdict, say)))),
        _rows(verdict, say),
        _caption(verdict, say) if verdict.contrasts else "",
        tuple(weakening(verdict, record, say)),
        tuple(say.reason(each) for each in verdict.oddities),
        leads(first, verdict, say) if first else recommendation(verdict, say),
        tuple(_steps(first, verdict, record, reference, say)),
    )  # fmt: skip


def answer_of_others(verdict: Verdict, say: Language = ENGLISH) -> Answer:
    """Return the answer of runs that somebody else trained: there is no study that could be made again."""
    lead = " ".join(filter(None, (headline(verdict, say), state(verdict, say))))
    weak = tuple(say.reason(each) for each in verdict.weaknesses)
    odd = tuple(say.reason(each) for each in verdict.oddities)
    return Answer(lead, _rows(verdict, say), _caption(verdict, say), weak, odd, recommendation(verdict, say), ())


def _rows(verdict: Verdict, say: Language) -> tuple[Row, ...]:
    return tuple(
        Row(pair(each, say), tuple(_cell(each, axis, verdict, say) for axis in verdict.axes))
        for each in verdict.contrasts
    )


def _cell(contrast: Contrast, axis: str, verdict: Verdict, say: Language) -> Cell:
    finding, places = contrast.axis(axis), digits(verdict.metric)
    numbers = "-" if finding.mean is None else f"{finding.mean:+.{places}f}"
    if finding.low is not None:
        numbers = say("{difference} ({interval})", difference=numbers, interval=span(finding, say, places))
    said = word(finding, verdict, say)
    margin = verdict.margin if axis == "metric" else verdict.gap_margin
    said = say("{word}, close", word=said) if is_close(finding, margin, verdict) else said
    return Cell(say(AXES[axis]), said, numbers, finding.verdict)


def _caption(verdict: Verdict, say: Language) -> str:
    """Return what the numbers of the rows are."""
    pairs = sorted({each.metric.fewest for each in verdict.contrasts})
    n = str(pairs[0]) if len(pairs) == 1 else say("{fewest} to {most}", fewest=pairs[0], most=pairs[-1])
    fields = {"metric": metric_name(verdict.metric, say), "n": n}
    points = BY_NAME[verdict.metric].unit == POINTS
    if verdict.provisional:
        return say("Differences in {metric} and gap so far, in points (n = {n})." if points else
                   "Differences in {metric} and gap so far, in nats (n = {n}).", **fields)  # fmt: skip
    fields["interval"] = interval_name(verdict, say)
    if "gap" not in verdict.axes:
        return say("Differences in {metric}, in points, with the {interval} (n = {n})." if points else
                   "Differences in {metric}, with the {interval} (n = {n}).", **fields)  # fmt: skip
    if points:
        return say("Differences in {metric} and gap, in points, with the {interval} (n = {n}). The gap is training "
                   "minus validation accuracy." if verdict.metric == "accuracy" else
                   "Differences in {metric} and gap, in points, with the {interval} (n = {n}).", **fields)  # fmt: skip
    return say("Differences in {metric} and gap, in nats, with the {interval} (n = {n}).", **fields)


def weakening(verdict: Verdict, record: Noted, say: Language = ENGLISH) -> list[str]:
    """Return what weakens the answer, a sentence each, the gravest first."""
    found = [failed_note(verdict, record, say), *map(say.reason, verdict.weaknesses)]
    found += [say.reason(note) for note in record.notes if note.code in WEAKENING_NOTES]
    return [each for each in (*found, other_conditions(verdict, say)) if each]


def leads(first: Ahead, verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return who leads without having been shown to be better, and by how much."""
    other = first.method if first.leader == first.against else first.against
    fields = {"name": say.method(verdict.label(first.leader)), "other": say.method(verdict.label(other)),
              "metric": metric_name(verdict.metric, say)}  # fmt: skip
    size = f"{first.lead:.{digits(verdict.metric)}f}"
    if not float(size):
        return say("Leading: neither. {name} and {other} have the same {metric}.", **fields)
    unit = BY_NAME[verdict.metric].unit
    fields["size"] = say("{number} points" if unit == POINTS else "{number} nats", number=size)
    if BY_NAME[verdict.metric].smaller_is_better:
        return say("Leading, not shown: {name}, with {size} less {metric} than {other}.", **fields)
    return say("Leading, not shown: {name}, with {size} more {metric} than {other}.", **fields)


def _steps(
    first: Ahead | None, verdict: Verdict, record: Answered, reference: str, say: Language
) -> list[Step]:  # fmt: skip
    if not verdict.over:
        again = say("Next: unless it is still running, run the same command again to continue.")
        return [Step(again, as_called(record.command))] if record.command else []
    found = []
    codes = {each.code for each in verdict.weaknesses}
    if codes.intersection(SHORT_OF_OVERFITTING):
        few = bool(codes.intersection(FEW_SEEDS))
        text = (
            say("Next: train twice as long, so that there is overfitting to reduce, with enough seeds for a "
                "verdict.")
            if few
            else say("Next: train twice as long, so that there is overfitting to reduce.")
        )  # fmt: skip
        found.append(Step(text, longer_command(record, more_seeds=few)))
    if first is not None and not found:
        found.append(decision(first, verdict, record, say))
    ordinary = verdict.recommended == verdict.baseline and found  # nobody has to be told to train that
    if verdict.recommended is not None and verdict.contrasts and not ordinary:
        name = say.method(verdict.label(verdict.recommended))
        text = (
            say("Then train {name} on all the training images.", name=name)
            if found
            else say("Next: train {name} on all the training images.", name=name)
        )
        found.append(Step(text, like_command(reference, record.config.model)))
    return found


def decision(ahead: Ahead, verdict: Verdict, record: Planned, say: Language = ENGLISH) -> Step:
    """Return what would decide a contrast: how many seeds, how long that takes here, and the command."""
    margin = amount(verdict.margin if ahead.axis == "metric" else verdict.gap_margin, verdict.metric, say)
    if ahead.seeds is None:
        if ahead.matters:
            text = say("Next: the seeds differ so much that even 100 of them would probably not decide it. Longer "
                       "training or other images may show a larger difference.")  # fmt: skip
        else:
            text = say("Next: even 100 seeds would probably not decide it. The difference seen here is too small "
                       "to matter (less than {margin}), so choose whichever is cheaper.",
                       margin=margin)  # fmt: skip
        return Step(text)
    fields = {"seeds": say.count(ahead.seeds, "seed"), "margin": margin, "time": _takes(ahead, say)}
    if ahead.matters:
        text = say("Next: a new study with {seeds} would decide it with a probability of 80 %, if the true "
                   "difference is the one seen here{time}.", **fields)  # fmt: skip
    else:
        text = say("Next: the difference seen here is too small to matter (less than {margin}). A new study with "
                   "{seeds} would show with a probability of 80 % that they are equivalent{time}.",
                   **fields)  # fmt: skip
    if ahead.images is not None:
        text += say(" For an answer that holds for other images too, use about {images:,} test images instead of "
                    "{now:,}.",
                    images=ahead.images, now=verdict.test_images)  # fmt: skip
    return Step(text, decisive_command(record, ahead.seeds))


def _takes(ahead: Ahead, say: Language) -> str:
    return (
        ""
        if ahead.seconds is None
        else say("; it takes about {time} on this machine", time=time_text(ahead.seconds, say))
    )


def what_decides(ahead: Sequence[Ahead], verdict: Verdict, say: Language = ENGLISH) -> list[str]:
    """Return for each contrast and axis that is undecided how many seeds would decide it, a sentence each."""
    found = []
    for each in ahead:
        contrast = f"{say.method(verdict.label(each.method))} - {say.method(verdict.label(each.against))}"
        axis = metric_name(verdict.metric, say) if each.axis == "metric" else say("gap")
        if each.seeds is None:
            found.append(say("{contrast}, {axis}: more than 100 seeds", contrast=contrast, axis=axis))
        else:
            found.append(say("{contrast}, {axis}: {seeds}{time}", contrast=contrast, axis=axis,
                             seeds=say.count(each.seeds, "seed"), time=_takes(each, say)))  # fmt: skip
    return found
