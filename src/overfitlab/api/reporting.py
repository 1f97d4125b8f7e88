"""The files of a report: a page, Markdown, figures, tables, and the numbers behind all of them."""

import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overfitlab.data.loading import brightest
from overfitlab.data.recorded import recorded
from overfitlab.errors import BusyError, OverfitlabError, UsageError
from overfitlab.files import read_whole, write_atomically
from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.records.claim import claimed, remove_leftovers
from overfitlab.records.study_folder import PAGE
from overfitlab.report import judged_figures
from overfitlab.report.blocks import Pictures
from overfitlab.report.content import sections
from overfitlab.report.disputed_figure import disputed_figure
from overfitlab.report.documents import Document
from overfitlab.report.figures import DisplayedFigure, compressed, pixels, rendered
from overfitlab.report.image_figures import confusion
from overfitlab.report.judged_content import judged_files
from overfitlab.report.lettering import can_write
from overfitlab.report.markdown import markdown
from overfitlab.report.marks import Panel
from overfitlab.report.page import page
from overfitlab.report.paper import composed, drawing
from overfitlab.report.paper_files import PAPER_FILES, file_of_text, paper_files
from overfitlab.report.spreadsheets import rows_to_csv
from overfitlab.report.study_figures import FIGURES
from overfitlab.report.svg import sheet
from overfitlab.study.evidence import Evidence, document
from overfitlab.study.rows import HISTORY_COLUMNS, RUN_COLUMNS, history_rows, run_rows
from overfitlab.words.language import ENGLISH, Language
from overfitlab.words.languages import language_named

if TYPE_CHECKING:
    from overfitlab.api.studies import Study

Images = Mapping[int, NDArray[np.uint8]]
MARKDOWN, NUMBERS, RUNS_TABLE, HISTORY_TABLE = "report.md", "verdict.json", "runs.csv", "history.csv"
FILES = (PAGE, MARKDOWN, NUMBERS, *PAPER_FILES, RUNS_TABLE, HISTORY_TABLE)
FIGURE_FOLDER = "figures"
KINDS = ("png", "svg")
CONFUSION, DISPUTED = "confusion", "disputed"
FIGURE_NAMES = (*FIGURES, CONFUSION, DISPUTED)
JUDGED_COLUMNS = ("method", "seed", "metric", "value")
FIGURE_FILES = {f"{name}.{kind}" for name in (*FIGURE_NAMES, *judged_figures.FIGURES) for kind in KINDS}
CONFUSION_COLUMNS = 3
WHITE = 255
DPI = 300  # what papers ask for
LARGEST_NUMBERS = 2**28  # bytes
PATIENCE = 30.0  # seconds for another process that writes a report to the same place


def write_report(study: "Study", folder: Path, language: str = "en") -> Path:
    """Write the report of a study into `folder`, and return the path of its page.

    Raises `UsageError` for an unknown language or a folder that holds other files, `OverfitlabError` where a run is
    damaged.
    """
    say = language_named(language)
    _refuse_strangers(folder, study.folder)  # before the work, too
    evidence = study.evidence()
    numbers = _numbers(evidence)
    pictures = disputed_pictures(study, evidence)
    images = {row: _png(picture, brightest(evidence.data.source)) for row, picture in pictures.items()}
    made = {
        PAGE: page(evidence, images, say),  # the first: it marks the folder as ours
        RUNS_TABLE: rows_to_csv(run_rows(study.outcomes, study.labels, study.record.failures), RUN_COLUMNS),
        HISTORY_TABLE: rows_to_csv(history_rows(study.outcomes, study.labels), HISTORY_COLUMNS),
        MARKDOWN: markdown(evidence, FIGURE_FOLDER, say, pictures=bool(pictures)),
        **paper_files(evidence, say),
    }
    figures = _figure_files(evidence, pictures, say)
    _write(folder, study.folder, made, figures, numbers)
    return folder / PAGE


def write_judged(evidence: JudgedEvidence, folder: Path, language: str = "en") -> Path:
    """Write the report of a verdict on runs of others into `folder`, and return the path of its page.

    Raises `UsageError` for an unknown language or a folder that holds other files.
    """
    say = language_named(language)
    _refuse_strangers(folder, None)
    drawn = language_of_pictures(say)
    figures = {}
    for name, (make, columns) in judged_figures.FIGURES.items():
        panels = make(evidence, drawn)
        if panels:
            with drawing():
                figures[f"{name}.png"] = compressed(pixels(composed(panels, columns), DPI), DPI)
                figures[f"{name}.svg"] = sheet(panels, columns).encode()
    made = {
        PAGE: page(evidence, None, say),
        RUNS_TABLE: rows_to_csv(judged_rows(evidence), JUDGED_COLUMNS),
        MARKDOWN: markdown(evidence, FIGURE_FOLDER, say),
        **judged_files(evidence, say),
    }
    _write(folder, None, made, figures, _numbers(evidence))
    return folder / PAGE


def judged_rows(evidence: JudgedEvidence) -> list[dict[str, object]]:
    """Return a row for each run that was judged: shares from 0 to 1, losses in nats."""
    return [
        {"method": method, "seed": seed, "metric": evidence.metric, "value": value}
        for method, found in evidence.values.items()
        for seed, value in found
    ]


def _write(
    folder: Path, study: Path | None, made: Mapping[str, str], figures: Mapping[str, bytes], numbers: str
) -> None:
    """Put a whole report into its folder, the numbers last: they say that all of it is there."""
    busy = BusyError(
        "report_is_written", "another process writes a report into {folder}; wait for it, or choose another --out",
        folder=folder
    )  # fmt: skip
    with claimed(folder, lambda: _refuse_strangers(folder, study), busy, "--out", PATIENCE):
        (folder / NUMBERS).unlink(missing_ok=True)  # from here on it is no whole report
        for name, text in made.items():
            write_atomically(folder / name, file_of_text(text))
        (folder / FIGURE_FOLDER).mkdir(exist_ok=True)
        remove_leftovers(folder / FIGURE_FOLDER)
        for name, content in figures.items():
            write_atomically(folder / FIGURE_FOLDER / name, content)
        for old in FIGURE_FILES - figures.keys():  # of an earlier report
            (folder / FIGURE_FOLDER / old).unlink(missing_ok=True)
        write_atomically(folder / NUMBERS, numbers.encode())  # the last: it says that all of it is there


def is_current(study: "Study", folder: Path) -> bool:
    """Return whether a whole report lies in `folder`, in any language, made from what the study says now."""
    try:
        whole = all((folder / name).is_file() for name in FILES)
        return whole and read_whole(folder / NUMBERS, LARGEST_NUMBERS) == _numbers(study.evidence()).encode()
    except OSError:
        return False


def _numbers(evidence: Document) -> str:
    return json.dumps(document(evidence), indent=1, allow_nan=False) + "\n"


def _refuse_strangers(folder: Path, study: Path | None) -> None:
    """Raise `UsageError` where something else than a report lies in the folder: it is not ours to write between.

    A link within a study's folder, which may come from a stranger, can lead to a report of the user's.
    """
    for place in (folder, folder / FIGURE_FOLDER):
        if place.is_symlink() and (place != folder or study is None or folder.parent.resolve() == study.resolve()):
            raise UsageError("report_is_a_link", "{place} is a link; remove it, or choose another --out", place=place)
    if folder.exists() and not folder.is_dir():
        raise UsageError("report_is_a_file", "{folder} is a file, not a folder; choose another --out", folder=folder)
    there = _names(folder)
    figures = folder / FIGURE_FOLDER
    ours = there <= {*FILES, FIGURE_FOLDER} and (PAGE in there or not there) and _names(figures) <= FIGURE_FILES
    if not ours or (figures.exists() and not figures.is_dir()):
        raise UsageError("report_among_other_files", "{folder} holds other files; choose another --out", folder=folder)


def _names(folder: Path) -> set[str]:
    """Return what lies in a folder, but for hidden files."""
    return {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")} if folder.is_dir() else set()


def language_of_pictures(say: Language) -> Language:
    """Return the language of figures as PNG: English where this machine has no font for the other one's letters."""
    return say if can_write("".join(say.texts.values())) else ENGLISH


def figure_of(name: str, evidence: Evidence, pictures: Images, say: Language = ENGLISH) -> DisplayedFigure | None:
    """Return the figure of that name, None where the study has nothing to show in it."""
    say = language_of_pictures(say)
    if name == DISPUTED:
        return disputed_figure(evidence, pictures, brightest(evidence.data.source), say) if pictures else None
    panels, columns = _panels(name, evidence, say)
    return composed(panels, columns) if panels else None


def _panels(name: str, evidence: Evidence, say: Language) -> tuple[list[Panel], int]:
    """Return the panels of a figure, and in how many columns they stand in a paper."""
    if name == CONFUSION:
        return confusion(evidence, say), CONFUSION_COLUMNS
    make, columns = FIGURES[name]
    return make(evidence, say), columns


def _figure_files(evidence: Evidence, pictures: Images, say: Language) -> dict[str, bytes]:
    """Return the files of the figures, as PNG and as SVG; their letters are text there, which any reader can show."""
    found, packed = {}, {}
    with ThreadPoolExecutor(1) as beside:  # a picture is compressed, without Python's lock, while the next one is drawn
        for name in FIGURE_NAMES:
            figure = figure_of(name, evidence, pictures, say)
            if figure is None:
                continue
            with drawing():
                packed[f"{name}.png"] = beside.submit(compressed, pixels(figure, DPI), DPI)
                found[f"{name}.svg"] = (
                    rendered(figure, "svg", _what_is_disputed(evidence, say))
                    if name == DISPUTED
                    else sheet(*_panels(name, evidence, say)).encode()
                )
        return found | {name: file.result() for name, file in packed.items()}


def _what_is_disputed(evidence: Evidence, say: Language) -> str:
    """Return in words what the pictures show on which methods disagree."""
    blocks = [block for section in sections(evidence, say) for block in section.blocks if isinstance(block, Pictures)]
    shown = [
        f"{one.title}: {', '.join(f'{who} {said}' for who, said in one.opinions)}."
        for block in blocks
        for one in block.found
    ]
    return " ".join([*(block.caption for block in blocks), *shown])


def disputed_pictures(study: "Study", evidence: Evidence) -> dict[int, NDArray[np.uint8]]:
    """Return the images [H, W, C] on which methods disagree, by their rows; none where they are no longer there.

    Nothing is downloaded for it.
    """
    rows = [each.row for each in evidence.disputed]
    if not rows:
        return {}
    try:
        dataset = recorded(study.record.data, study.record.image_size, fetch=False)
    except (OverfitlabError, OSError):
        return {}
    if dataset.content_hash != evidence.data.sha256 or not all(0 <= row < len(dataset.images) for row in rows):
        return {}
    return {row: np.array(dataset.images[row]) for row in rows}


def _png(picture: NDArray[np.uint8], white: int) -> bytes:
    values = np.rint(picture.astype(np.float64) * WHITE / white).clip(0, WHITE).astype(np.uint8)
    image = Image.fromarray(values[..., 0] if values.shape[2] != 3 else values)
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()
