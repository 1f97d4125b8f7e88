"""The page of a run: its curves, what it says of images, its network, its configuration, and its epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from markupsafe import Markup

from overfitlab.api.reporting import picture_png
from overfitlab.config import RunConfig
from overfitlab.data.loading import brightest
from overfitlab.data.recorded import recorded
from overfitlab.display import display_name
from overfitlab.errors import OverfitlabError
from overfitlab.files import read_whole
from overfitlab.records import probabilities
from overfitlab.records.run_folder import PROBABILITIES, SUMMARY, RunFolder, StoredRun
from overfitlab.records.run_record import RUNNING, OwnRunRecord
from overfitlab.report.blocks import Confusion, Confusions
from overfitlab.report.marks import Panel
from overfitlab.report.page import block_maker
from overfitlab.report.run_evaluation import calibration_panels, class_table, mistakes_in_words, percent_of
from overfitlab.report.run_figure import run_panels
from overfitlab.report.run_text import run_summary, run_table, run_title
from overfitlab.report.study_tables import Table
from overfitlab.results.predictions import Predicted
from overfitlab.runs.run import Run
from overfitlab.stats.classification import confusion_matrix
from overfitlab.ui.charts import drawn, plate
from overfitlab.ui.look import part
from overfitlab.ui.parts import Part
from overfitlab.words.language import Language

PARTS = ("test", "validation")
WORST = 24  # mistakes that are shown
MOST_CLASSES = 40  # of a confusion matrix on a page
LARGEST_SUMMARY = 2**20  # bytes
UNSHOWN = ("source", "data_dir", "origin")


@dataclass(frozen=True)
class Mistake:
    """An image that is taken for something else."""

    row: int
    true: str
    predicted: str
    true_probability: float
    predicted_probability: float


def growing_parts(folder: RunFolder, stored: StoredRun, place: str, say: Language, status: str) -> dict[str, Part]:
    """Return what changes from epoch to epoch: the summary, the curves, the log. `place` is the address of the page."""
    run = Run(folder.path, stored.record, stored.rows)
    plates = [plate(panel, f"curves-{panel.key}") for panel in figure(stored, say, status)]
    drawing = part("figure.html", say, block=None, panels=plates, files=f"{place}/figure/curves", after="")
    return {
        "top": Part(part(
            "run_top.html", say, title=run_title(run, say), status=status, name=folder.path.name,
            epochs=len(stored.rows), planned=(stored.record.planned_epochs or 0) if status == RUNNING else 0,
            summary=run_summary(run, say) if stored.rows else say("No epoch has ended yet."),
        )),
        "curves": Part(part("run_curves.html", say, figure=drawing, measured=run_table(run, say)),
                       {each.name: str(each.content) for each in plates}),
        "log": Part(part("run_log.html", say, epochs=_epochs(run, say))),
    }  # fmt: skip


def settled_parts(
    folder: RunFolder, stored: StoredRun, place: str, wanted: str, others: Sequence[str], other: StoredRun | None,
    say: Language,
) -> dict[str, Part]:  # fmt: skip
    """Return what stays while a run is trained: what it says of images, its configuration, its network.

    `wanted` is the part of its images that is asked for; `others` are the names of the runs that it can be set beside,
    and `other` is one of them.
    """
    predicted = predictions(folder, stored)
    chosen = wanted if wanted in predicted else next(iter(predicted), "")
    evaluated = None
    if chosen and isinstance(stored.record, OwnRunRecord):
        evaluated = _evaluated(predicted[chosen], stored.record, place, chosen, say)
    environment = [(name, "" if value is None else str(value)) for name, value in stored.record.environment.items()]
    beside = "" if other is None else run_title(Run(folder.path, other.record, other.rows), say)
    return {
        "images": Part(part("run_images.html", say, evaluated=evaluated, parts=tuple(predicted), chosen=chosen,
                            place=place)),
        "configuration": Part(part(
            "run_configuration.html", say, place=place, others=others, other="" if other is None else other.name,
            beside=beside, settings=_configuration(stored, other), environment=environment,
        )),
        "network": Part(part("run_network.html", say, network=_text(folder / SUMMARY))),
    }  # fmt: skip


def predictions(folder: RunFolder, stored: StoredRun) -> dict[str, Predicted]:
    """Return what a run says of each part of its images, the test images first; nothing where that is not there."""
    if not (folder / PROBABILITIES).is_file() or PROBABILITIES not in stored.record.files:
        return {}
    found = probabilities.read(folder / PROBABILITIES, (), stored.record.files[PROBABILITIES])
    return {name: found[name] for name in PARTS if name in found}


def figure(stored: StoredRun, say: Language, status: str = "") -> list[Panel]:
    """Return the two panels of a run, with room for epochs that are still to come."""
    planned = (stored.record.planned_epochs or 1) if status == RUNNING else 1
    return run_panels(stored.rows, say, planned) if stored.rows else []


def worst(predicted: Predicted, classes: Sequence[str]) -> list[Mistake]:
    """Return the mistakes that a run is surest of, the worst first."""
    shares = predicted.probabilities.astype(np.float64)
    everyone = np.arange(len(predicted.labels))
    own = shares[everyone, predicted.labels]
    wrong = np.flatnonzero(predicted.classes != predicted.labels)
    order = wrong[np.argsort(own[wrong] - shares[wrong, predicted.classes[wrong]], kind="stable")][:WORST]
    return [
        Mistake(int(predicted.rows[k]), classes[predicted.labels[k]], classes[predicted.classes[k]], float(own[k]),
                float(shares[k, predicted.classes[k]]))
        for k in order
    ]  # fmt: skip


def pictures(record: OwnRunRecord, rows: Sequence[int]) -> dict[int, bytes]:
    """Return images as PNG by their rows; none where they are no longer where they were. Nothing is downloaded."""
    try:
        dataset = recorded(record.data, record.config.image_size, fetch=False)
    except (OverfitlabError, OSError):
        return {}
    if dataset.content_hash != record.data.sha256:
        return {}
    white = brightest(record.data.source)
    return {row: picture_png(np.array(dataset.images[row]), white) for row in rows if row < len(dataset.images)}


def _evaluated(found: Predicted, record: OwnRunRecord, place: str, chosen: str, say: Language) -> Markup:
    classes = list(record.data.classes)
    confusion = confusion_matrix(found.labels, found.classes, len(classes))
    made = block_maker(say, drawn, {}, lambda _: "")
    matrix = None
    if len(classes) <= MOST_CLASSES:
        name, top = str(say.method(record.method)), mistakes_in_words(confusion, classes, say)
        caption = say("Rows are true classes and columns predicted classes, in percent of the true class.")
        matrix = made(Confusions((Confusion(name, tuple(classes), percent_of(confusion), top),), caption), 900)
    panels = calibration_panels(found, say)
    accuracy = float((found.classes == found.labels).mean())
    return part("evaluated.html", say, matrix=matrix, images=len(found.labels), accuracy=f"{100 * accuracy:.1f}",
                classes=class_table(confusion, classes, say), mistakes=worst(found, classes), place=place,
                chosen=chosen, calibration=[drawn(each) for each in panels])  # fmt: skip


def _configuration(stored: StoredRun, other: StoredRun | None) -> list[tuple[str, str, str]]:
    """Return the settings of a run, with those of another one where they differ."""
    own, theirs = _settings(stored), {} if other is None else _settings(other)
    names = [*own, *(name for name in theirs if name not in own)]
    return [
        (
            name,
            own.get(name, "-"),
            theirs.get(name, "-") if other is not None and theirs.get(name) != own.get(name) else "",
        )
        for name in names
    ]


def _settings(stored: StoredRun) -> dict[str, str]:
    record = stored.record
    found: dict[str, Any] = {"producer": f"{record.producer.name} {record.producer.version}", "id": record.id}
    if isinstance(record, OwnRunRecord):
        config: RunConfig = record.config
        found |= asdict(config) | msgspec.to_builtins(record.resolved)
        found["parameters"] = record.network.parameters.total
    else:
        found |= {"method": record.method, "data": record.data_name, "seed": record.run_seed}
    return {name: display_name(text) for name, text in _flat(found)}


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found = []
    for name, value in values.items():
        if name in UNSHOWN or value is None:
            continue
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name}.")
        elif isinstance(value, list | tuple):
            found.append((before + name, ", ".join(map(str, value))))
        else:
            found.append((before + name, f"{value:g}" if isinstance(value, float) else str(value)))
    return found


def _epochs(run: Run, say: Language) -> Table:
    """Return the log: a row an epoch."""
    names = list(run.history)
    rows = tuple(
        (str(row.epoch), *("" if (value := getattr(row, name)) is None else f"{value:.4f}" for name in names))
        for row in run.rows
    )
    return Table((say("epoch"), *names), rows)


def _text(path: Path) -> str:
    try:
        text = read_whole(path, LARGEST_SUMMARY).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(display_name(line) for line in text.splitlines())
