"""The table of contrasts for a paper, in LaTeX with booktabs; whatever is in a name stays text."""

import re
from collections.abc import Iterable, Iterator

from overfitlab._version import __version__
from overfitlab.display import display_name
from overfitlab.interop.evidence import Document, JudgedEvidence
from overfitlab.report import metric_words
from overfitlab.report.judged_statistics import notes_on_table
from overfitlab.report.numbers import Interval, p_value
from overfitlab.report.statistics_text import (
    correction,
    deviations,
    intervals,
    margin_of_metric,
    metric_name,
    percents,
    spread,
    unit_name,
)
from overfitlab.report.study_tables import runs_cell, word
from overfitlab.stats.findings import Finding
from overfitlab.stats.method_summary import CONFIDENCE, Spread
from overfitlab.stats.verdict import Contrast
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH, Language

SIGNS = {  # what LaTeX would take for commands, or print as something else
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedblright{}", "`": r"\textasciigrave{}",
    "\N{PLUS-MINUS SIGN}": r"$\pm$", "\N{MINUS SIGN}": "$-$", "\N{MULTIPLICATION SIGN}": r"$\times$",
}  # fmt: skip
SPECIAL = re.compile("|".join(map(re.escape, SIGNS)))
HYPHENS = re.compile("-(?=-)")  # several in a row would become a dash
BEYOND_LATIN = re.compile("[^\x00-\u024f]")  # what the usual fonts of pdfLaTeX do not have
PREAMBLE = "% Made by overfitlab {version}. It needs \\usepackage{{booktabs}}{letters}."
LETTERS = ", and XeLaTeX or LuaLaTeX with a font for its letters"


def escaped(text: str) -> str:
    """Return text as LaTeX prints it: on one line, with its controls written out, and without a command in it."""
    shown = display_name(" ".join(text.split())).encode("utf-8", "backslashreplace").decode()
    return HYPHENS.sub("-{}", SPECIAL.sub(lambda found: SIGNS[found[0]], shown))


def latex_table(evidence: Document, say: Language = ENGLISH) -> str:
    """Return a table of the contrasts on both outcomes, with notes on what each number says.

    Of one method alone, it is a table of its mean and its standard deviation.
    """
    if not evidence.contrasts and not isinstance(evidence, JudgedEvidence):
        return _of_one_method(evidence, say)
    level = percents(evidence.confidence, say)
    of_others = isinstance(evidence, JudgedEvidence)  # no log shows what other images would say
    texts = [say("difference"), say("{level} interval", level=level)]
    texts += [] if of_others else [say("for other images")]
    header = ("", *map(escaped, texts), "$p$", "$p_=$", escaped(say("verdict")))
    contrasts = [_rows(each, len(header), evidence, say) for each in evidence.contrasts]
    columns = "l" + "r" * (len(header) - 2) + "l"
    caption = escaped(say("Results of these runs for each contrast.") if of_others else
                      say("Results of the study {study} for each contrast.", study=evidence.study))  # fmt: skip
    rows = "\\addlinespace\n".join(contrasts).splitlines()
    return _table(caption, "tab:contrasts", columns, header, rows, map(escaped, _notes(evidence, say)))


def _table(
    caption: str, label: str, columns: str, header: Iterable[str], rows: Iterable[str], notes: Iterable[str]
) -> str:
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", rf"\label{{{label}}}", r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}", rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule", _row(header),
        r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
        r"\par\smallskip", r"\begin{minipage}{\linewidth}", *notes, r"\end{minipage}", r"\end{table}",
    ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    letters = LETTERS if BEYOND_LATIN.search(text) else ""
    return f"{PREAMBLE.format(version=__version__, letters=letters)}\n{text}"


def _of_one_method(evidence: Evidence, say: Language) -> str:
    [method] = evidence.methods
    name, level = say.method(method.label), percents(CONFIDENCE, say)
    caption = say("How much {name} varies from seed to seed (study {study}, n = {n}).",
                  name=name, study=evidence.study, n=method.finished)  # fmt: skip
    header = ("", *map(escaped, (say("mean"), say("standard deviation"), say("{level} interval", level=level))))
    digits = metric_words.table_digits(evidence.metric)
    rows = [
        _row((escaped(outcome), *_spread(found, digits)))
        for outcome, found in ((metric_name(evidence, say), method.metric), (say("gap"), method.gap))
    ]
    notes = (
        say("Mean and standard deviation over the n seeds, in {unit}; the interval is that of the standard deviation.",
            unit=unit_name(evidence, say)),
        *spread(evidence, say), *deviations(evidence, say),
    )  # fmt: skip
    return _table(escaped(caption), "tab:spread", "lrrr", header, rows, map(escaped, notes))


def _spread(found: Spread | None, digits: int) -> tuple[str, str, str]:
    if found is None:
        return "", "", ""
    deviation = "" if found.deviation is None else f"${found.deviation:.{digits}f}$"
    if found.deviation_low is None or found.deviation_high is None:
        return f"${found.mean:.{digits}f}$", deviation, ""
    interval = f"[${found.deviation_low:.{digits}f}$, ${found.deviation_high:.{digits}f}$]"
    return f"${found.mean:.{digits}f}$", deviation, interval


def _row(cells: Iterable[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _rows(each: Contrast, columns: int, evidence: Document, say: Language) -> str:
    """Return the rows of a contrast: what is compared, and a row for each outcome."""
    names = f"{escaped(say.method(each.label))} $-$ {escaped(say.method(each.against_label))}"
    pair = f"{names}, $n = {runs_cell(each.metric)}$"
    outcomes = (("metric", metric_name(evidence, say)), ("gap", say("gap")))
    return "\n".join([
        _row([rf"\multicolumn{{{columns}}}{{@{{}}l@{{}}}}{{{pair}}}"]),
        *(_row([rf"\quad {escaped(name)}", *_cells(each.axis(axis), evidence, say)])
          for axis, name in outcomes if axis in evidence.axes),
    ]) + "\n"  # fmt: skip


def _cells(finding: Finding, evidence: Document, say: Language) -> tuple[str, ...]:
    crossed = "" if finding.crossed is None else _between(finding.crossed, metric_words.table_digits(evidence.metric))
    decided = "" if finding.decided_at is None else f" ({finding.decided_at})"
    digits = metric_words.table_digits(evidence.metric)
    return (
        "" if finding.mean is None else f"${finding.mean:+.{digits}f}$",
        _between(finding, digits),
        *([] if isinstance(evidence, JudgedEvidence) else [crossed]),
        _p(finding.p_adjusted, evidence.alpha),
        _p(finding.p_equivalence_adjusted, evidence.alpha),
        escaped(word(finding, evidence, say)) + decided,
    )


def _between(interval: Interval, digits: int) -> str:
    """Return an interval; the brackets are no option of the row above, as no row begins with it."""
    if interval.low is None or interval.high is None:
        return ""
    return f"[${interval.low:+.{digits}f}$, ${interval.high:+.{digits}f}$]"


def _p(value: float | None, alpha: float) -> str:
    return "" if value is None else f"${p_value(value, alpha)}$"


def _notes(evidence: Document, say: Language) -> Iterator[str]:
    """Yield a sentence on everything that a reader of the table has to know."""
    if isinstance(evidence, JudgedEvidence):
        yield from notes_on_table(evidence, say)
        return
    yield say(
        "A difference is the method minus what it is compared with, over the n seeds at which both finished, in "
        "{unit}. For each contrast {name} comes first, then the gap, where a negative difference means less "
        "overfitting.",
        unit=unit_name(evidence, say), name=metric_name(evidence, say),
    )  # fmt: skip
    if not evidence.provisional:
        yield from intervals(evidence, say)
        yield say(
            "p tests the hypothesis that there is no difference; p= the hypothesis that the difference is not "
            "within the margin of {metric} ({name}) or {gap} (gap). Both are adjusted; the significance level is "
            "{alpha}.",
            metric=margin_of_metric(evidence, say), name=metric_name(evidence, say),
            gap=metric_words.amount(evidence.gap_margin, evidence.metric, say), alpha=f"{evidence.alpha:g}",
        )  # fmt: skip
        yield correction(evidence, say)
        yield say("A cell is empty where its value cannot be computed.")
    if any(each.axis(axis).decided_at is not None for each in evidence.contrasts for axis in evidence.axes):
        yield say("In brackets: the number of seeds at which it was decided.")
    yield from deviations(evidence, say)
