"""The figure of what a method does."""

import itertools

import numpy as np
import pytest
from matplotlib.transforms import Bbox

from overfitlab.describe.demonstration import exhibit
from overfitlab.describe.panels import Bars, Curves, Demonstration, Exhibit, Grid, Mark, Row, Series
from overfitlab.methods import registry
from overfitlab.report.figures import rendered
from overfitlab.report.method_figure import method_figure

STRANGE = "$a_1^ \n 한\x00" + "long " * 60


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in registry.built_in_names() if name not in ("none", "as_is")])
def test_nothing_is_cut_off_or_covers_anything_else(name):
    figure = method_figure([exhibit(registry.make(name)), exhibit(registry.make("dropout"))])
    figure.draw_without_rendering()
    assert figure.texts[0].get_text().startswith(f"{name}: ")
    boxes = [*(text.get_window_extent() for text in figure.texts), *(axes.get_tightbbox() for axes in figure.axes)]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    for one, other in itertools.combinations(boxes, 2):
        shared = Bbox.intersection(one, other)
        assert shared is None or min(shared.width, shared.height) <= 0


def test_parts_of_a_composition_stand_one_below_the_other():
    figure = method_figure([exhibit(part) for part in registry.parse("augment+dropout:rate=0.5").parts])
    assert [text.get_text().split(": ")[0] for text in figure.texts] == ["dropout:rate=0.5", "augment"]
    assert rendered(figure, "svg") == rendered(figure, "svg")
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_what_is_black_and_what_is_white_is_said():
    grids = (Grid("", np.array([[-3.0, 0.5]]), -2.0, 2.0),)
    figure = method_figure([Exhibit("mine", (Demonstration("layer", "A thing.", (Row("", grids),)),))])
    assert figure.texts[0].get_text() == "mine: A thing. Black is -2 or less, white 2."


def test_texts_of_strangers_are_drawn_as_they_are():
    line = Series(STRANGE, np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    panels = [
        Grid(STRANGE, np.zeros((2, 2)), 0.0, 0.0),
        Curves("x", "y", (line, line), (Mark(0.5, STRANGE),)),
        Bars("y", (STRANGE, "b"), {STRANGE: np.array([0.0, 0.0])}),
    ]
    shown = tuple(Demonstration("layer", STRANGE, (Row(STRANGE, (panel,)),)) for panel in panels)
    assert rendered(method_figure([Exhibit(STRANGE, shown)]), "png")


def test_there_is_no_empty_figure():
    with pytest.raises(ValueError, match="no demonstration"):
        method_figure([Exhibit("none", (), "nothing")])
