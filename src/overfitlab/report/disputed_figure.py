"""The pictures on which the methods of a study disagree."""

from collections.abc import Mapping
from math import ceil

import numpy as np
from numpy.typing import NDArray

from overfitlab.report.evaluation_figures import show_picture
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import labels, legible
from overfitlab.report.paper import drawing
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH, Language

PICTURE_COLUMNS = 4
LONGEST_METHOD = 26  # letters


def disputed_figure(
    evidence: Evidence, pictures: Mapping[int, NDArray[np.uint8]], brightest: int, say: Language = ENGLISH
) -> DisplayedFigure:
    """Return the images on which methods disagree, [H, W, C] by their rows, with what each method says of them.

    `brightest` is the value of a white pixel.
    """
    classes = evidence.data.classes
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
