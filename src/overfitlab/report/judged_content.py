"""What stands in a report of other people's runs, section by section, laid out as a study's is."""

from collections.abc import Callable

from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.report import judged_figures, metric_words
from overfitlab.report.answer import answer_of_others
from overfitlab.report.blocks import Bullets, Downloads, Facts, FigureBlock, Offered, Paragraphs, Section, TableBlock
from overfitlab.report.content import answer_blocks
from overfitlab.report.file_names import localized
from overfitlab.report.judged_text import limits_of, pairing, read_as
from overfitlab.report.latex import latex_table
from overfitlab.report.marks import Panel
from overfitlab.report.numbers import interval_name
from overfitlab.report.paper_files import CONTRASTS, LATEX, file_of_text
from overfitlab.report.spreadsheets import rows_to_csv
from overfitlab.report.study_sentences import answer
from overfitlab.report.study_tables import Table, contrast_table, p_table, spread
from overfitlab.results.metric import BY_NAME
from overfitlab.study.contrasts import CONTRAST_COLUMNS, contrast_rows
from overfitlab.words.language import Language


def judged_sections(evidence: JudgedEvidence, say: Language) -> list[Section]:
    """Return the report; a section that has nothing to show is left out."""
    made: list[Callable[[JudgedEvidence, Language], Section | None]] = [
        _answer, _differences, _values, _verdict, _methods, _curves, _limits, _logs, _paper,
    ]  # fmt: skip
    return [section for make in made if (section := make(evidence, say)) is not None]


def judged_files(evidence: JudgedEvidence, say: Language) -> dict[str, str]:
    """Return the tables for a paper, by the names of their files."""
    return {
        CONTRASTS: rows_to_csv(contrast_rows(evidence), CONTRAST_COLUMNS),
        localized(LATEX, say.code): latex_table(evidence, say),
    }


def _answer(evidence: JudgedEvidence, say: Language) -> Section:
    found = answer_of_others(evidence, say)
    blocks = [*answer_blocks(found, say), *([Paragraphs((found.outcome,))] if found.outcome else [])]
    return Section("answer", say("The answer"), tuple(blocks))


def _verdict(evidence: JudgedEvidence, say: Language) -> Section:
    caption = say("Every contrast: what was shown, with its interval, adjusted p and number of runs")
    rules = say(
        "Helps or harms: the adjusted p is at most {alpha} and the estimate lies outside the equivalence margin, "
        "±{margin} {unit}. Equivalent: two one-sided tests place it inside. Undecided: everything else. A "
        "difference is the method minus what it is compared with.",
        alpha=f"{evidence.alpha:g}", margin=f"{evidence.margin:g}", unit=say(BY_NAME[evidence.metric].unit),
    )  # fmt: skip
    every_p = say("Every p, raw and adjusted for the number of contrasts")
    return Section("verdict", say("The verdict"), (
        TableBlock(contrast_table(evidence, say), caption), Paragraphs((rules,)),
        Bullets(tuple(answer(evidence, say).split("\n"))), TableBlock(p_table(evidence, say), every_p),
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
    caption = say("Means over the runs ± standard deviation: shares in percent, losses in nats, the onset in epochs")
    return Section("methods", say("The methods"), (TableBlock(Table(header, rows), caption),))


def _differences(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say("Each dot is one seed, under both methods. The line below the dots is the {interval} behind the "
                  "verdict; unpaired runs have no dots.",
                  interval=interval_name(evidence, say))  # fmt: skip
    return _figure("paired_differences", "differences", say("Differences"), caption, evidence, say)


def _values(evidence: JudgedEvidence, say: Language) -> Section | None:
    caption = say("Each dot is one run, the diamond the mean of its method.")
    return _figure("runs", "runs", say("Run by run"), caption, evidence, say)


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
    table = TableBlock(Table(header, rows, left=2), say("The logs that were read"))
    if not evidence.command:
        return Section("logs", say("The logs"), (table,))
    return Section("logs", say("The logs"), (table, Facts(((say("this report"), evidence.command),), commands=True)))


def _paper(evidence: JudgedEvidence, say: Language) -> Section:
    kinds = {
        CONTRASTS: ("text/csv", say("all numbers of the contrasts, one row each")),
        localized(LATEX, say.code): (
            "application/x-tex",
            say("the table of contrasts in LaTeX, with notes that explain the numbers"),
        ),
    }  # fmt: skip
    offered = tuple(Offered(name, kinds[name][0], file_of_text(text), kinds[name][1])
                    for name, text in judged_files(evidence, say).items())  # fmt: skip
    return Section("paper", say("For a paper"), (Downloads(offered),))
