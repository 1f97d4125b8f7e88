"""What a verdict on other people's runs says besides its words: how it was read, and what no log can show."""

from collections.abc import Iterator

from overfitlab.interop.evidence import FROM_COLUMN, FROM_OPTION, PAIRED, PARTLY, JudgedEvidence
from overfitlab.interop.outcomes import BEST, ON_JUDGED, ON_VALIDATION, UNSAID
from overfitlab.report import metric_words
from overfitlab.report.answer import answer_of_others
from overfitlab.report.study_sentences import answer
from overfitlab.report.study_text import answer_text, items_text
from overfitlab.words.columns import flowing
from overfitlab.words.language import ENGLISH, Language

MOST_NAMED = 12  # runs that were left out


def judged_title(evidence: JudgedEvidence, say: Language) -> str:
    """Return the title of a report."""
    if not evidence.study:
        return say("What these runs say")
    return say("What these runs say: {name}", name=evidence.study)


def judged_subtitle(evidence: JudgedEvidence, say: Language) -> str:
    """Return what was judged, in a line."""
    return say(
        "{methods} methods, {runs} runs trained elsewhere, judged by {metric}",
        methods=len(evidence.methods), runs=sum(each.finished + each.diverged for each in evidence.methods),
        metric=metric_words.name(evidence.metric, say),
    )  # fmt: skip


def judged_whole(evidence: JudgedEvidence, say: Language = ENGLISH, width: int | None = None) -> str:
    """Return what a screen shows: the answer as of a study, a sentence for each contrast, and how the logs were read.

    Lines have at most `width` columns; None leaves them whole.
    """
    parts = [*answer_text(answer_of_others(evidence, say), say, width), flowing(answer(evidence, say), width)]
    if notes := notes_of(evidence, say):
        parts.append(items_text(say("How the logs were read, and what they cannot show:"), notes, width))
    return "\n\n".join(parts)


def notes_of(evidence: JudgedEvidence, say: Language) -> list[str]:
    """Return how the logs were read and what they cannot show, a sentence each."""
    texts = (*read_as(evidence, say), *pairing(evidence, say), *limits_of(evidence, say))
    return [text for text in texts if text]


def read_as(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    """Yield which columns were taken for what."""
    columns = say.listing(list(evidence.columns))
    fields = {"column": columns, "metric": metric_words.name(evidence.metric, say)}
    yield (
        say("{column} is read as {metric}, in percent.", **fields)
        if evidence.percent
        else say("{column} is read as {metric}.", **fields)
    )
    if evidence.epochs[1]:
        yield _which_epoch(evidence, columns, say)
    if evidence.epochs[0] != evidence.epochs[1]:
        yield say("Runs are of different lengths, {fewest} to {most} epochs.", fewest=evidence.epochs[0],
                  most=evidence.epochs[1])  # fmt: skip
    if evidence.gap_columns is not None:
        yield say("The gap is between {training}, measured in evaluation mode, and {validation}.",
                  training=evidence.gap_columns[0], validation=evidence.gap_columns[1])  # fmt: skip


def _which_epoch(evidence: JudgedEvidence, columns: str, say: Language) -> str:
    if evidence.when != BEST:
        return say("The last epoch of each run is used.")
    if ON_JUDGED not in evidence.picked_on:
        return (
            say("The best epoch of each run is used, chosen on its validation images.")
            if ON_VALIDATION in evidence.picked_on
            else ""  # the log has one value of each run, of the epoch that somebody else chose
        )
    return (
        say("The best epoch of each run is used, chosen on its validation images or, where its log has none, by "
            "{column}.", column=columns)
        if ON_VALIDATION in evidence.picked_on
        else say("The best epoch of each run is used, chosen by {column}.", column=columns)
    )  # fmt: skip


def pairing(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    """Yield which runs were compared with which."""
    if evidence.in_order:
        yield say("Not all runs share seeds, so the k-th of one method is compared with the k-th of the other, in the "
                  "order of their seeds.")  # fmt: skip
        return
    unpaired = [pair for pair, how in evidence.pairing.items() if how not in (PAIRED, PARTLY)]
    if unpaired:
        yield say("Not paired, as runs share no seeds, or too few: {pairs}. These are compared by Welch's test, with "
                  "the degrees of freedom of the smaller side, which needs more runs than a paired test.",
                  pairs=say.listing(unpaired))  # fmt: skip
    if len(unpaired) < len(evidence.pairing):
        yield say("Runs with the same seed are compared in pairs.")
    for each in evidence.left_out:
        names = [*each.seeds[:MOST_NAMED], *(["..."] if len(each.seeds) > MOST_NAMED else [])]
        yield say("Left out of {pair}, because the other side lacks their seeds: {runs}.",
                  pair=f"{each.method} - {each.against}", runs=", ".join(names))  # fmt: skip


def limits_of(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    """Yield what the logs cannot show, and what the words hold for."""
    for each in evidence.methods:
        if each.diverged:
            yield say("{count} of {all} runs of {name} diverged: they have no value, and no verdict in favour of "
                      "that method is given.", count=each.diverged, all=each.diverged + each.finished,
                      name=say.method(each.label))  # fmt: skip
    if evidence.images_from is None:
        yield say("The number of evaluation images is not known, so nothing is called equivalent; give it with "
                  "--images N.") if not evidence.metric.endswith("loss") else ""  # fmt: skip
    elif evidence.images_from not in (FROM_COLUMN, FROM_OPTION):
        yield say("The steps between the accuracies imply {images} evaluation images; if that is wrong, give the "
                  "number with --images N.", images=f"{evidence.test_images:,}")  # fmt: skip
    if "gap" not in evidence.axes:
        yield say(
            "Whether a method overfits less is not judged: that takes a training metric measured in evaluation "
            "mode after the epoch (--column train=NAME), which the running means that programs log are not."
        )
    if evidence.picked_on == (ON_JUDGED,):
        yield say("The best epoch looks better than it is, for every method: it was chosen on the images it is "
                  "judged by. Methods with noisier curves gain more from that.")  # fmt: skip
    elif ON_JUDGED in evidence.picked_on:
        yield say("The best epoch of some runs was chosen on the images it is judged by, so these runs look better "
                  "than they are.")  # fmt: skip
    elif UNSAID in evidence.picked_on:
        yield say("If the best epoch was chosen on the images it is judged by, it looks better than it is, and methods "
                  "with noisier curves gain more from that.")  # fmt: skip
    if evidence.progress is None:
        yield say("The verdicts are valid for one reading. To add seeds and read again, use --until-decided from "
                  "the beginning.")  # fmt: skip
    yield say("No log shows whether these images were also used to choose settings, an epoch or a method; if "
              "they were, "
              "the numbers are too good.")  # fmt: skip
