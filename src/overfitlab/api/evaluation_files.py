"""What an evaluation leaves in its folder.

evaluation.json                all numbers; written last, so where it is, the others are complete
per_class.csv                  a row a class
confusion.csv                  a row a true class, a column a predicted one
confusion.png, .svg            the same as a figure
calibration.png, .svg          the reliability diagram
mistakes.png, .svg             the images with the highest loss among the wrong ones
probabilities.npz              probabilities float16 [N, K], labels [N], rows [N] of the dataset
"""

import io
import json
from pathlib import Path

import numpy as np

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import file_name, write_atomically
from overfitlab.inference.evaluation import EVERYTHING, Evaluation
from overfitlab.report.evaluation_figures import Mistake, calibration_figure, confusion_figure, mistakes_figure
from overfitlab.report.figures import DisplayedFigure, rendered
from overfitlab.report.spreadsheets import text_cell, to_csv

RESULT = "evaluation.json"
WORST = 16  # mistakes that are shown


def figures(evaluation: Evaluation) -> dict[str, DisplayedFigure]:
    """Return the figures by the names of their files, without endings."""
    return {
        "confusion": confusion_figure(evaluation.scores.confusion, evaluation.class_names, evaluation.title),
        "calibration": calibration_figure(evaluation.calibration, evaluation.title),
        "mistakes": mistakes_figure(
            worst_mistakes(evaluation), f"{evaluation.title}\nhighest loss first", brightest=evaluation.brightest
        ),
    }


def worst_mistakes(evaluation: Evaluation, count: int = WORST) -> list[Mistake]:
    """Return the wrongly classified images with the highest loss, the highest first."""
    probabilities, labels, names = evaluation.probabilities, evaluation.images.labels, evaluation.class_names
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-evaluation.losses[wrong], kind="stable")][:count]
    return [
        Mistake(
            picture=evaluation.images.pictures(slice(place, place + 1))[0],
            true=names[labels[place]],
            predicted=names[predicted[place]],
            true_probability=float(probabilities[place, labels[place]]),
            predicted_probability=float(probabilities[place, predicted[place]]),
            name=evaluation.image_name(place),
        )
        for place in order
    ]


def write(evaluation: Evaluation, folder: Path) -> list[str]:
    """Write the files, each atomically, and return their names, the result first.

    Raises `UsageError` where `folder` is a file, and `OverfitlabError` where it cannot be written.
    """
    contents = {
        "per_class.csv": _per_class(evaluation).encode(),
        "confusion.csv": _confusion(evaluation).encode(),
        "probabilities.npz": _probabilities(evaluation),
    }
    for name, figure in figures(evaluation).items():
        for kind in ("png", "svg"):
            contents[f"{name}.{kind}"] = rendered(figure, kind)
    document = json.dumps(evaluation.as_dict(), indent=2, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {**contents, RESULT: document.encode()}.items():
            write_atomically(folder / name, content)
    except (FileExistsError, NotADirectoryError):
        raise UsageError("out_is_no_folder", "{folder} is not a folder; choose another --out", folder=folder) from None
    except OSError as error:
        raise OverfitlabError(
            "folder_cannot_be_written", "cannot write to {folder} ({reason}); choose another folder with --out",
            folder=folder, reason=error.strerror or error,
        ) from error  # fmt: skip
    return [RESULT, *sorted(contents)]


def folder_name(evaluation: Evaluation) -> str:
    """Return the name of the folder that it is written to: that of the part, or of the other data."""
    if evaluation.part != EVERYTHING:
        return evaluation.part
    dataset = evaluation.images.dataset
    return file_name(f"data-{dataset.name}", f"-{dataset.content_hash[:6]}")


def _per_class(evaluation: Evaluation) -> str:
    rows: list[list[object]] = [["class", "images", "predicted", "precision", "recall", "f1"]]
    for one in evaluation.numbers().classes:
        rates = ("" if rate is None else rate for rate in (one.precision, one.recall, one.f1))
        rows.append([text_cell(one.name), one.images, one.predicted, *rates])
    return to_csv(rows)


def _confusion(evaluation: Evaluation) -> str:
    names = [text_cell(name) for name in evaluation.class_names]
    counts = evaluation.scores.confusion.tolist()
    return to_csv([["true \\ predicted", *names], *([name, *row] for name, row in zip(names, counts, strict=True))])


def _probabilities(evaluation: Evaluation) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        probabilities=evaluation.probabilities.astype(np.float16),
        labels=evaluation.images.labels,
        rows=evaluation.images.rows,
    )
    return stream.getvalue()
