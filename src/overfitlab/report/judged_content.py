"""What stands in a report of other people's runs, section by section, laid out as a study's is."""

from collections.abc import Callable

from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.interop.outcomes import BEST
from overfitlab.report import judged_figures, metric_words
from overfitlab.report.answer import answer_of_others
from overfitlab.report.blocks import Bullets, Facts, FigureBlock, Paragraphs, Section, TableBlock
from overfitlab.report.content import answer_blocks
from overfitlab.report.judged_text import limits_of, pairing, read_as
from overfitlab.report.marks import Panel
from overfitlab.report.numbers import interval_name
from overfitlab.report.paper_files import paper_section
from overfitlab.report.study_sentences import answer
from overfitlab.report.study_tables import Table, contrast_table, onset_table, p_table, spread
from overfitlab.results.metric import BY_NAME
from overfitlab.words.language import Language


def judged_sections(evidence: JudgedEvidence, say: Language) -> list[Section]:
    """Return the report; a section that has nothing to show is left out."""
    made: list[Callable[[JudgedEvidence, Language], Section | None]] = [
        _answer, _differences, _values, _verdict, _methods, _losses, _curves, _gaps, _equal_fit, _cost, _limits, _logs,
        paper_section,
    ]  # fmt: skip
    return [section for make in made if (section := make(evidence, say)) is not None]


def _answer(evidence: JudgedEvidence, say: Language) -> Section:
    found = answer_of_others(evidence, say)
    blocks = [*answer_blocks(found, say), *([Paragraphs((found.outcome,))] if found.outcome else [])]
    return Section("answer", say("The answer"), tuple(blocks))


def _verdict(evidence: JudgedEvidence, say: Language) -> Section:
    caption = say("Every contrast: what was shown, with its interval, adjusted p and number of runs.")
    rules = say(
        "Helps or harms: the adjusted p is at most {alpha} and the estimate lies outside the equivalence margin, "
        "±{margin} {unit}. Equivalent: two one-sided tests place it inside. Undecided: everything else. A "
        "difference is the method minus what it is compared with.",
        alpha=f"{evidence.alpha:g}", margin=f"{evidence.margin:g}", unit=say(BY_NAME[evidence.metric].unit),
    )  # fmt: skip
    every_p = say("Every p, raw and adjusted for the number of contrasts.")
    onset = say(
        "The same contrasts with the weights of the epoch with the lowest validation loss, as if every method, "
        "including the baseline, had been stopped early. Estimates only: verdicts refer to the end of training."
    )
    known = evidence.when != BEST and any(each.onset_metric.mean is not None for each in evidence.contrasts)
    at_onset = [TableBlock(onset_table(evidence, say), onset)] if known else []
    return Section("verdict", say("The verdict"), (
        TableBlock(contrast_table(evidence, say), caption), Paragraphs((rules,)),
        Bullets(tuple(answer(evidence, say).split("\n"))), *at_onset, TableBlock(p_table(evidence, say), every_p),
    ))  # fmt: skip


def _methods(evidence: JudgedEvidence, say: Language) -> Section:
    places = metric_words.digits(evidence.metric)
    columns = [(metric_words.name(evidence.metric, say), [spread(each.metric, places) for each in evidence.methods])]
    if "gap" in evidence.axes:
        columns.append((say("gap"), [spread(each.gap, places) for each in evidence.methods]))
    for name, found in (
        (say("onset"), [spread(each.onset) for each in evidence.methods]),
        (say("loss rise"), [spread(each.loss_rise, 2) for each in evidence.methods]),
        (say("s/epoch"), [spread(each.seconds_per_epoch, 2) for each in evidence.methods]),
    ):
        if any(found):
            columns.append((name, found))
    runs = [str(each.finished) + (f", {say('{count} diverged', count=each.diverged)}" if each.diverged else "")
            for each in evidence.methods]  # fmt: skip
    columns.append((say("n"), runs))
    header = (say("method"), *(name for name, _ in columns))
    rows = tuple((str(say.method(each.label)), *(cells[place] for _, cells in columns))
                 for place, each in enumerate(evidence.methods))  # fmt: skip
    caption = say("Means over the runs ± standard deviation: shares in percent, losses in nats, the onset in epochs.")
    return Section("methods", say("The methods"), (TableBlock(Table(header, rows), caption),))


def _differences(evidence: JudgedEvidence, say: Language) -> Section | None:
    fields = {"interval": interval_name(evidence, say)}
    caption = (
        say("Each dot is one pair of runs, the k-th of both methods. The line below the dots is the {interval} "
            "behind the verdict.", **fields)
        if evidence.in_order
        else say("Each dot is one seed, under both methods. The line below the dots is the {interval} behind the "
                 "verdict; unpaired runs have no dots.", **fields)
    )  # fmt: skip
    return _figure("paired_differences", "differences", say("Differences"), caption, evidence, say)


def _values(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say("Each dot is one run, the diamond the mean of its method.")
    return _figure("runs", "runs", say("Run by run"), caption, evidence, say)


def _losses(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say("Mean validation loss of each method. Where a line rises again, overfitting "
                  "has begun; the dot marks its lowest point.")  # fmt: skip
    return _figure("validation_loss", "losses", say("Validation loss"), caption, evidence, say)


def _curves(evidence: JudgedEvidence, say: Language) -> Section | None:
    training = (
        say("Training curves are running means as they were logged: over changing weights, with dropout and "
            "augmentation switched on, so their distance from validation is not the generalization gap.")
        if evidence.as_logged
        else ""
    )  # fmt: skip
    caption = say("Means over the runs; the bands are one standard deviation. The onset is the epoch with the lowest "
                  "validation loss: what comes after it is overfitting.")  # fmt: skip
    whole = " ".join(filter(None, (caption, training)))
    return _figure("learning_curves", "curves", say("Learning curves"), whole, evidence, say)


def _gaps(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say("Training minus validation accuracy, in points, next to the baseline, on one scale for all methods.")
    return _figure("gap_curves", "gaps", say("The gap over the epochs"), caption, evidence, say)


def _equal_fit(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say(
        "A method can have a smaller gap simply because it learns less. This figure plots validation accuracy "
        "against training accuracy: where one line lies above the other, that method generalizes better at the "
        "same fit."
    )
    return _figure("equal_fit", "equal-fit", say("The gap at equal fit"), caption, evidence, say)


def _cost(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say("Time per epoch, from the logs, paired in the same way as the runs. Intervals cover other seeds.")
    return _figure("cost_and_benefit", "cost", say("Cost and benefit"), caption, evidence, say)


def _figure(
    name: str, anchor: str, heading: str, caption: str, evidence: JudgedEvidence, say: Language
) -> Section | None:
    panels: tuple[Panel, ...] = tuple(judged_figures.FIGURES[name][0](evidence, say))
    return Section(anchor, heading, (FigureBlock(name, panels, caption),)) if panels else None


def _limits(evidence: JudgedEvidence, say: Language) -> Section:
    texts = [*read_as(evidence, say), *pairing(evidence, say), *limits_of(evidence, say)]
    texts += [
        say(
            "Intervals cover other seeds, on these images; other images, other data or longer training can give a "
            "different answer."
        ),
    ]
    return Section("limits", say("How the logs were read, and what they cannot show"),
                   (Bullets(tuple(text for text in texts if text)),))  # fmt: skip


def _logs(evidence: JudgedEvidence, say: Language) -> Section:
    header = (say("log"), say("written by"), say("runs"), "SHA-256")
    rows = tuple((each.name, each.kind, str(each.runs), each.sha256[:16]) for each in evidence.logs)
    table = TableBlock(Table(header, rows, left=2), say("The logs that were read."))
    if not evidence.command:
        return Section("logs", say("The logs"), (table,))
    return Section("logs", say("The logs"), (table, Facts(((say("this report"), evidence.command),), commands=True)))
