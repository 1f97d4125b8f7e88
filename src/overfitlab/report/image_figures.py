"""Figures of a study's test images: confusion matrices, and the pictures on which methods disagree."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from overfitlab.report.evaluation_figures import COUNTED_CLASSES, SHARES, show_picture
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import inches, labels, legible
from overfitlab.report.palette import readable_on
from overfitlab.report.panels import Panel, drawing
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH, Language

Json = Mapping[str, Any]
PICTURE_COLUMNS = 4
LONGEST_NAME = 24  # letters of a class
LETTERS = 6.5  # points
MATRIX, MOST_ROOM = 2.85, 1.1  # inches: of the height without what lies below, and of the names of classes
LEAST_SHOWN = 0.5  # percent
LONGEST_METHOD = 26  # letters


def confusion(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: its confusion matrix over all seeds, in percent of the true class."""
    classes = list(evidence.data.classes)
    names = labels(classes, LONGEST_NAME, size=LETTERS, width=MOST_ROOM)
    room = max(inches(name, LETTERS) for name in names) if len(names) <= COUNTED_CLASSES else 0.1
    margin = 0.36 + room
    found = []
    for each in evidence.methods:
        said, name = evidence.predictions[each.method], str(say.method(each.label))
        if said.confusion is None:
            continue
        counts = np.array(said.confusion, dtype=np.float64)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        alternative = say("Confusion matrices of {methods}", methods=name)
        draw = _matrix_drawn(shares, names, say)
        found.append(Panel(name, draw, alternative, MATRIX + margin, left=margin, bottom=margin))
    return found


def _matrix_drawn(shares: NDArray[np.float64], names: Sequence[str], say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        axes.imshow(shares, cmap=SHARES, norm=PowerNorm(0.5, vmin=0, vmax=1), interpolation="nearest", aspect="auto")
        axes.grid(visible=False)
        if len(names) <= COUNTED_CLASSES:
            axes.set_xticks(range(len(names)), names, rotation=90, fontsize=LETTERS)
            axes.set_yticks(range(len(names)), names, fontsize=LETTERS)
            for (row, column), share in np.ndenumerate(shares):
                if 100 * share >= LEAST_SHOWN:
                    color = readable_on(colormaps[SHARES](sqrt(share)))
                    axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=5.5, color=color)
        axes.set_ylabel(say("true class"))
        axes.set_xlabel(say("predicted class"))

    return draw


def disputed_figure(
    evidence: Evidence, pictures: Mapping[int, NDArray[np.uint8]], brightest: int, say: Language = ENGLISH
) -> DisplayedFigure:
    """Return the images on which methods disagree, [H, W, C] by their rows, with what each method says of them.

    `brightest` is the value of a white pixel.
    """
    classes = list(evidence.data.classes)
    shown = [each for each in evidence.disputed if each.row in pictures]
    named = labels([str(say.method(each.label)) for each in evidence.methods], LONGEST_METHOD)
    methods = {each.method: name for each, name in zip(evidence.methods, named, strict=True)}
    rows = max(1, ceil(len(shown) / PICTURE_COLUMNS))
    line = 0.15  # inches
    tall = 1.7 + line * len(methods)
    with drawing():
        figure = DisplayedFigure(figsize=(2.2 * PICTURE_COLUMNS, tall * rows))
        for number, each in enumerate(shown):
            row, column = divmod(number, PICTURE_COLUMNS)
            top = 1 - row / rows
            width, height = 1.2 / (2.2 * PICTURE_COLUMNS), 1.2 / (tall * rows)
            left = (column + 0.06) / PICTURE_COLUMNS
            axes = figure.add_axes((left, top - (0.28 + 1.2) / (tall * rows), width, height))
            axes.grid(visible=False)
            show_picture(axes, pictures[each.row], brightest)
            axes.spines[:].set_visible(False)
            axes.set_title(legible(classes[each.label], 24), fontsize=8)
            for place, (method, said) in enumerate(each.opinions.items()):
                votes = f"{said.right}/{said.runs}"
                wrong = f" ({said.votes} {classes[said.taken_for]})" if said.votes else ""
                text = legible(f"{votes} {methods[method]}{wrong}", LONGEST_METHOD + 20)
                y = top - (0.28 + 1.2 + 0.14 + line * place) / (tall * rows)
                figure.text(left, y, text, fontsize=6.5, va="center")
    return figure
