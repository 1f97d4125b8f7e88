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

from overfitlab.api.report_folder import (
    FIGURE_FOLDER,
    MARKDOWN,
    Kind,
    first,
    has_numbers,
    is_whole,
    languages,
    refuse_strangers,
    there,
    write,
)
from overfitlab.data.loading import brightest
from overfitlab.data.recorded import recorded
from overfitlab.errors import OverfitlabError
from overfitlab.records.study_folder import PAGE
from overfitlab.report.blocks import Pictures
from overfitlab.report.content import sections
from overfitlab.report.disputed_figure import disputed_figure
from overfitlab.report.figures import DisplayedFigure, compressed, pixels, rendered
from overfitlab.report.file_names import localized
from overfitlab.report.image_figures import confusion
from overfitlab.report.lettering import can_write
from overfitlab.report.markdown import markdown
from overfitlab.report.marks import Panel
from overfitlab.report.page import page
from overfitlab.report.paper import composed, drawing
from overfitlab.report.paper_files import CONTRASTS, LATEX, METHODS, paper_files
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
NUMBERS, RUNS_TABLE, HISTORY_TABLE = "verdict.json", "runs.csv", "history.csv"
CONFUSION, DISPUTED = "confusion", "disputed"
FIGURE_NAMES = (*FIGURES, CONFUSION, DISPUTED)
STUDY = Kind((PAGE, MARKDOWN, LATEX, METHODS), (CONTRASTS, RUNS_TABLE, HISTORY_TABLE), NUMBERS, FIGURE_NAMES)
CONFUSION_COLUMNS = 3
WHITE = 255


def write_report(study: "Study", folder: Path, language: str | None = None) -> Path:
    """Write the report of a study into `folder`, and return the path of its page.

    It is written in `language`, or in all that there are. What lies there in another one is kept, and made anew where
    it is of other numbers. Raises `UsageError` for an unknown language or a folder that holds other files,
    `OverfitlabError` where a run is damaged.
    """
    wanted = languages(language)
    refuse_strangers(folder, study.folder, STUDY)  # before the work, too
    evidence = study.evidence()
    numbers = _numbers(evidence)
    pictures = disputed_pictures(study, evidence)
    images = {row: picture_png(picture, brightest(evidence.data.source)) for row, picture in pictures.items()}
    kept = [say for code in there(folder, STUDY) if (say := language_named(code)) not in wanted]
    whole = [*wanted, *kept]
    texts = {}
    for say in whole:  # the pages first: they mark the folder as ours
        others = {each.code: localized(PAGE, each.code) for each in whole if each != say}
        texts[localized(PAGE, say.code)] = page(evidence, images, say, others)
    texts |= {
        RUNS_TABLE: rows_to_csv(run_rows(study.outcomes, study.labels, study.record.failures), RUN_COLUMNS),
        HISTORY_TABLE: rows_to_csv(history_rows(study.outcomes, study.labels), HISTORY_COLUMNS),
    }
    for say in whole:
        texts[localized(MARKDOWN, say.code)] = markdown(evidence, FIGURE_FOLDER, say, pictures=bool(pictures))
        texts |= paper_files(evidence, say)
    drawn = wanted if has_numbers(folder, STUDY, numbers) else whole
    figures: dict[str, bytes] = {}
    for say in drawn:
        made = _figure_files(evidence, pictures, say)
        figures |= {localized(name, say.code): content for name, content in made.items()}
    write(folder, study.folder, STUDY, texts, figures, [say.code for say in drawn], numbers)
    return folder / localized(PAGE, first(wanted).code)


def is_current(study: "Study", folder: Path, code: str = ENGLISH.code) -> bool:
    """Return whether a whole report in that language lies in `folder`, made from what the study says now."""
    return is_whole(folder, STUDY, _numbers(study.evidence()), code)


def _numbers(evidence: Evidence) -> str:
    return json.dumps(document(evidence), indent=1, allow_nan=False) + "\n"


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
                packed[f"{name}.png"] = beside.submit(compressed, pixels(figure))
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


def picture_png(picture: NDArray[np.uint8], white: int) -> bytes:
    """Return an image [H, W, C] as PNG; `white` is the value of a white pixel."""
    values = np.rint(picture.astype(np.float64) * WHITE / white).clip(0, WHITE).astype(np.uint8)
    image = Image.fromarray(values[..., 0] if values.shape[2] != 3 else values)
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()
