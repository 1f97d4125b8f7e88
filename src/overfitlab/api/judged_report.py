"""Write the report of a verdict on runs of others."""

import json
import math
from collections.abc import Sequence
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
from overfitlab.api.reporting import HISTORY_TABLE, NUMBERS, RUNS_TABLE, language_of_pictures
from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.records.run_record import DIVERGED, FINISHED
from overfitlab.records.study_folder import PAGE
from overfitlab.report import judged_figures
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.file_names import localized
from overfitlab.report.markdown import markdown
from overfitlab.report.page import page
from overfitlab.report.paper import composed, drawing
from overfitlab.report.paper_files import CONTRASTS, LATEX, METHODS, paper_files
from overfitlab.report.spreadsheets import rows_to_csv
from overfitlab.report.svg import sheet
from overfitlab.results.history import ALL_COLUMNS
from overfitlab.results.outcome import Outcome
from overfitlab.study.evidence import document
from overfitlab.study.rows import HISTORY_COLUMNS, Row
from overfitlab.words.language import Language
from overfitlab.words.languages import language_named

JUDGED = Kind((PAGE, MARKDOWN, LATEX, METHODS), (CONTRASTS, RUNS_TABLE, HISTORY_TABLE), NUMBERS,
              tuple(judged_figures.FIGURES))  # fmt: skip
COLUMNS = (
    *("method", "seed", "run", "status", "metric", "value", "gap", "onset", "onset_value", "onset_gap", "loss_rise"),
    *("best_epoch", "epochs", "seconds_per_epoch"),
)


def write_judged(
    evidence: JudgedEvidence, runs: Sequence[Outcome], folder: Path, language: str | None = None
) -> Path:  # fmt: skip
    """Write the report into `folder`, in all languages or the one that is named, and return the path of its page.

    `runs` are those that were judged: a row each, and where they have histories a row an epoch.

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
    texts[RUNS_TABLE] = rows_to_csv(judged_rows(evidence, runs), COLUMNS)
    if histories := judged_histories(evidence, runs):
        texts[HISTORY_TABLE] = rows_to_csv(histories, HISTORY_COLUMNS)
    for say in (*wanted, *kept):
        texts[localized(MARKDOWN, say.code)] = markdown(evidence, FIGURE_FOLDER, say)
        texts |= paper_files(evidence, say)
        figures |= _figures(evidence, say)
    numbers = json.dumps(document(evidence), indent=1, allow_nan=False) + "\n"
    write(folder, None, JUDGED, texts, figures, [say.code for say in (*wanted, *kept)], numbers)
    return folder / localized(PAGE, first(wanted).code)


def judged_rows(evidence: JudgedEvidence, runs: Sequence[Outcome]) -> list[Row]:
    """Return a row for each run that was judged, a diverged one too: shares from 0 to 1, losses in nats."""
    rows = []
    for each in _in_order(evidence, runs):
        row: Row = dict.fromkeys(COLUMNS) | _about(evidence, each)
        row |= {"run": each.name, "status": DIVERGED if each.end is None else FINISHED, "metric": evidence.metric,
                "epochs": len(each.rows) or None}  # fmt: skip
        if each.end is not None:
            end = each.end
            found = end.of(evidence.metric)
            row |= {"value": found.test, "gap": found.gap, "onset": end.onset, "onset_value": found.onset_test,
                    "onset_gap": found.onset_gap, "loss_rise": end.loss_rise, "best_epoch": end.best_epoch,
                    "seconds_per_epoch": end.seconds_per_epoch}  # fmt: skip
        rows.append(row)
    return rows


def judged_histories(evidence: JudgedEvidence, runs: Sequence[Outcome]) -> list[Row]:
    """Return a row for each epoch of each run that has a history, as a study's `history.csv` has it.

    `loss` and `acc` are as they were logged; what was not is an empty cell.
    """
    return [
        _about(evidence, each) | {name: _known(name, getattr(row, name)) for name in ALL_COLUMNS}
        for each in _in_order(evidence, runs)
        for row in each.rows
    ]


def _about(evidence: JudgedEvidence, run: Outcome) -> Row:
    return {"method": run.method, "seed": evidence.seed_names.get(run.seed, str(run.seed))}


def _in_order(evidence: JudgedEvidence, runs: Sequence[Outcome]) -> list[Outcome]:
    places = {each.method: place for place, each in enumerate(evidence.methods)}
    return sorted(runs, key=lambda run: (places[run.method], run.seed))


def _known(name: str, value: float | None) -> float | None:
    """Return a number of an epoch; None where the log does not have it, as no epoch takes no time."""
    return None if value is None or math.isnan(value) or (name == "seconds" and not value) else value


def _figures(evidence: JudgedEvidence, say: Language) -> dict[str, bytes]:
    figures = {}
    for name, (make, columns) in judged_figures.FIGURES.items():
        if panels := make(evidence, say):
            with drawing():
                picture = compressed(pixels(composed(make(evidence, language_of_pictures(say)), columns)))
            figures[localized(f"{name}.png", say.code)] = picture
            figures[localized(f"{name}.svg", say.code)] = sheet(panels, columns).encode()
    return figures
