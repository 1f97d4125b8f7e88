"""Write the report of a verdict on runs of others."""

import json
from pathlib import Path

from overfitlab.api.report_folder import (
    FIGURE_FOLDER,
    MARKDOWN,
    Kind,
    first,
    languages,
    refuse_strangers,
    there,
    write,
)
from overfitlab.api.reporting import DPI, NUMBERS, RUNS_TABLE, language_of_pictures
from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.records.study_folder import PAGE
from overfitlab.report import judged_figures
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.file_names import localized
from overfitlab.report.judged_content import judged_files
from overfitlab.report.markdown import markdown
from overfitlab.report.page import page
from overfitlab.report.paper import composed, drawing
from overfitlab.report.paper_files import CONTRASTS, LATEX
from overfitlab.report.spreadsheets import rows_to_csv
from overfitlab.report.svg import sheet
from overfitlab.study.evidence import document
from overfitlab.words.language import Language
from overfitlab.words.languages import language_named

JUDGED = Kind((PAGE, MARKDOWN, LATEX), (CONTRASTS, RUNS_TABLE), NUMBERS, tuple(judged_figures.FIGURES))
COLUMNS = ("method", "seed", "metric", "value")


def write_judged(evidence: JudgedEvidence, folder: Path, language: str | None = None) -> Path:
    """Write the report into `folder`, in all languages or the one that is named, and return the path of its page.

    Raises `UsageError` for an unknown language or a folder that holds other files.
    """
    wanted = languages(language)
    refuse_strangers(folder, None, JUDGED)
    kept = [say for code in there(folder, JUDGED) if (say := language_named(code)) not in wanted]
    texts: dict[str, str] = {}
    figures: dict[str, bytes] = {}
    for say in (*wanted, *kept):  # the pages first: they mark the folder as ours
        others = {each.code: localized(PAGE, each.code) for each in (*wanted, *kept) if each != say}
        texts[localized(PAGE, say.code)] = page(evidence, None, say, others)
    texts[RUNS_TABLE] = rows_to_csv(judged_rows(evidence), COLUMNS)
    for say in (*wanted, *kept):
        texts[localized(MARKDOWN, say.code)] = markdown(evidence, FIGURE_FOLDER, say)
        texts |= judged_files(evidence, say)
        figures |= _figures(evidence, say)
    numbers = json.dumps(document(evidence), indent=1, allow_nan=False) + "\n"
    write(folder, None, JUDGED, texts, figures, [say.code for say in (*wanted, *kept)], numbers)
    return folder / localized(PAGE, first(wanted).code)


def judged_rows(evidence: JudgedEvidence) -> list[dict[str, object]]:
    """Return a row for each run that was judged: shares from 0 to 1, losses in nats."""
    return [
        {"method": method, "seed": seed, "metric": evidence.metric, "value": value}
        for method, found in evidence.values.items()
        for seed, value in found
    ]


def _figures(evidence: JudgedEvidence, say: Language) -> dict[str, bytes]:
    drawn = language_of_pictures(say)
    figures = {}
    for name, (make, columns) in judged_figures.FIGURES.items():
        panels = make(evidence, drawn)
        if panels:
            with drawing():
                figures[localized(f"{name}.png", say.code)] = compressed(pixels(composed(panels, columns), DPI), DPI)
                figures[localized(f"{name}.svg", say.code)] = sheet(panels, columns).encode()
    return figures
