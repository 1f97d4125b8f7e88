"""The files of the report of a single run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from overfitlab._version import __version__
from overfitlab.api.report_folder import (
    FIGURE_FOLDER,
    MARKDOWN,
    Kind,
    first,
    has_numbers,
    languages,
    refuse_strangers,
    there,
    write,
)
from overfitlab.records import probabilities
from overfitlab.records.run_folder import HISTORY, PROBABILITIES
from overfitlab.records.run_record import OwnRunRecord
from overfitlab.records.study_folder import PAGE
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.file_names import localized
from overfitlab.report.markdown import laid_out_text
from overfitlab.report.page import laid_out_page
from overfitlab.report.paper import composed, drawing
from overfitlab.report.run_content import RUN_FIGURES, made_of_run, run_figures
from overfitlab.report.spreadsheets import rows_to_csv
from overfitlab.report.svg import sheet
from overfitlab.results.history import columns
from overfitlab.study.evidence import MethodPredictions
from overfitlab.study.gathering import public_data, test_answers
from overfitlab.words.language import Language
from overfitlab.words.languages import language_named

if TYPE_CHECKING:
    from overfitlab.api.runs import Run

NUMBERS = "numbers.json"
RUN = Kind((PAGE, MARKDOWN), (HISTORY,), NUMBERS, RUN_FIGURES)
COLUMNS = 2
TEST = "test"


def write_run_report(run: "Run", folder: Path, language: str | None = None) -> Path:
    """Write the report of a run into `folder`, and return the path of its page.

    It is written in `language`, or in all that there are; what lies there in another one is kept. Raises `UsageError`
    for an unknown language or a folder that holds other files, `DamagedError` where a file of the run is damaged.
    """
    wanted = languages(language)
    refuse_strangers(folder, run.folder, RUN)  # before the work, too
    said = _said(run)
    numbers = json.dumps(_document(run, said), indent=1, allow_nan=False) + "\n"
    kept = [say for code in there(folder, RUN) if (say := language_named(code)) not in wanted]
    whole, texts = [*wanted, *kept], {}
    made = {say.code: made_of_run(run, said, say) for say in whole}
    for say in whole:  # the pages first: they mark the folder as ours
        others = {each.code: localized(PAGE, each.code) for each in whole if each != say}
        texts[localized(PAGE, say.code)] = laid_out_page(made[say.code], say, NUMBERS, None, others)
    names = columns(run.rows)
    rows = [{name: getattr(row, name) for name in names} for row in run.rows]
    texts |= {HISTORY: rows_to_csv(rows, names)}
    texts |= {localized(MARKDOWN, say.code): laid_out_text(made[say.code], FIGURE_FOLDER, say) for say in whole}
    drawn = wanted if has_numbers(folder, RUN, numbers) else whole
    figures = {name: content for say in drawn for name, content in _figures(run, said, say).items()}
    write(folder, run.folder, RUN, texts, figures, [say.code for say in drawn], numbers)
    return folder / localized(PAGE, first(wanted).code)


def _said(run: "Run") -> MethodPredictions | None:
    """Return what the run says of the test images; None where it has not looked at them."""
    record = run.record
    if not isinstance(record, OwnRunRecord) or PROBABILITIES not in record.files:
        return None
    found = probabilities.read(run.folder / PROBABILITIES, (), record.files[PROBABILITIES]).get(TEST)
    return None if found is None else test_answers([found], len(record.data.classes))


def _document(run: "Run", said: MethodPredictions | None) -> dict[str, Any]:
    """Return what the report is made from, without the folders of whoever trained."""
    record = run.record
    if isinstance(record, OwnRunRecord):
        record = msgspec.structs.replace(record, data=public_data(record.data))
    predictions = None if said is None else msgspec.to_builtins(said)
    history = {name: [getattr(row, name) for row in run.rows] for name in columns(run.rows)}
    finite = json.loads(json.dumps(history, default=float), parse_constant=lambda _: None)
    return {
        "made_with": __version__, "name": run.folder.absolute().name, "record": msgspec.to_builtins(record),
        "onset": run.onset, "handed_over": run.handed_over, "history": finite, "predictions": predictions,
    }  # fmt: skip


def _figures(run: "Run", said: MethodPredictions | None, say: Language) -> dict[str, bytes]:
    """Return the files of the figures, as PNG and as SVG."""
    from overfitlab.api.reporting import language_of_pictures

    files = {}
    pictured = language_of_pictures(say)
    in_pictures = run_figures(run, said, pictured)
    with drawing():
        for name, panels in run_figures(run, said, say).items():
            picture = compressed(pixels(composed(in_pictures[name], COLUMNS)))
            files[localized(f"{name}.png", say.code)] = picture
            files[localized(f"{name}.svg", say.code)] = sheet(panels, COLUMNS).encode()
    return files
