"""What a report offers to those who write a paper: the contrasts as CSV and LaTeX, the methods, and how to cite."""

import re

from overfitlab.interop.evidence import Document, JudgedEvidence
from overfitlab.report.blocks import Downloads, Offered, Paragraphs, Section
from overfitlab.report.file_names import localized
from overfitlab.report.judged_methods import judged_methods_text, judged_paragraphs
from overfitlab.report.latex import latex_table
from overfitlab.report.methods_text import citation, methods_paragraphs, methods_text
from overfitlab.report.spreadsheets import rows_to_csv
from overfitlab.study.contrasts import CONTRAST_COLUMNS, contrast_rows
from overfitlab.words.language import Language

CONTRASTS, LATEX, METHODS = ("contrasts.csv", "contrasts.tex", "methods.txt")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # in names of a stranger, for a terminal to obey


def paper_files(evidence: Document, say: Language) -> dict[str, str]:
    """Return the files, by their names."""
    methods = (
        judged_methods_text(evidence, say) if isinstance(evidence, JudgedEvidence) else methods_text(evidence, say)
    )
    return {
        CONTRASTS: rows_to_csv(contrast_rows(evidence), CONTRAST_COLUMNS),
        localized(LATEX, say.code): latex_table(evidence, say),
        localized(METHODS, say.code): methods,
    }


def paper_section(evidence: Document, say: Language) -> Section:
    """Return the section that offers them, and shows the paragraphs."""
    latex, methods = (localized(name, say.code) for name in (LATEX, METHODS))
    kinds = {
        CONTRASTS: ("text/csv", say("all numbers of the contrasts, one row each")),
        latex: ("application/x-tex", say("the table of contrasts in LaTeX, with notes that explain the numbers")),
        methods: ("text/plain", say("the paragraphs below, their references, and a BibTeX entry")),
    }
    offered = tuple(
        Offered(name, kinds[name][0], file_of_text(text), kinds[name][1])
        for name, text in paper_files(evidence, say).items()
    )
    paragraphs = (
        judged_paragraphs(evidence, say) if isinstance(evidence, JudgedEvidence) else methods_paragraphs(evidence, say)
    )
    return Section("paper", say("For a paper"), (Downloads(offered), Paragraphs((*paragraphs, citation(say)))))


def file_of_text(text: str) -> bytes:
    """Return a text as a file that a terminal can show: controls, and signs that are none, are escaped."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text).encode("utf-8", "backslashreplace")
