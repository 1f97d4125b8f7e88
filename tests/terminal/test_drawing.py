"""Demonstrations as text."""

import numpy as np
import pytest

from overfitlab.describe.demonstration import exhibit
from overfitlab.describe.panels import Bars, Curves, Demonstration, Grid, Mark, Row, Series
from overfitlab.methods import registry
from overfitlab.terminal.drawing import ASCII, BLOCKS, drawn, letters_for


def one(*panels, label=""):
    return Demonstration("layer", "What is to be seen.", (Row(label, panels),))


@pytest.mark.parametrize("letters", [BLOCKS, ASCII])
@pytest.mark.parametrize("width", [40, 50, 80])
@pytest.mark.parametrize("name", [name for name in registry.built_in_names() if name not in ("none", "as_is")])
def test_it_fits(name, width, letters):
    for demonstration in exhibit(registry.make(name)).demonstrations:
        lines = drawn(demonstration, width, letters).splitlines()
        assert max(len(line) for line in lines) <= width
        assert letters is BLOCKS or all(line.isascii() for line in lines)


def test_letters_are_those_that_the_stream_can_say():
    assert letters_for("utf-8") is BLOCKS
    for encoding in ("ascii", "latin-1", "no such encoding", None):
        assert letters_for(encoding) is ASCII


def test_a_grid_is_shades_two_letters_a_pixel():
    grid = Grid("caption", np.array([[0.0, 1.0, 2.0], [4.0, 3.0, 9.0]]), 0.0, 4.0)
    assert drawn(one(grid, label="before"), 80, BLOCKS).splitlines() == [
        "What is to be seen. Blank is 0, █ 4 or more.",
        "",
        "before:",
        "caption",
        "  ░░▒▒",
        "██▓▓██",
    ]
    assert drawn(one(grid), 80, ASCII).splitlines()[-1] == "@@##@@"


def test_grids_that_do_not_fit_go_on_below():
    grids = [Grid(f"{number}", np.ones((1, 10)), 0.0, 1.0) for number in range(3)]
    lines = drawn(one(*grids), 45, BLOCKS).splitlines()
    assert [line for line in lines if line.strip().isdigit() or "0 " in line] == ["0" + " " * 21 + "1", "2"]


def test_a_chart_begins_at_zero_and_marks_a_place():
    line = Series("s", np.array([0.0, 10.0]), np.array([0.0, 8.0]))
    lines = drawn(one(Curves("step", "value", (line,), (Mark(10.0, "the end"),))), 40, BLOCKS).splitlines()
    chart = [text for text in lines if "|" in text]
    assert len(chart) == 5
    assert chart[0].startswith("8 |")
    assert chart[-1].startswith("0 |▁")
    assert chart[0].endswith("█")
    assert lines[-2].split() == ["0", "step", "10"]
    assert lines[-1].endswith("the end ▲")
    assert len(lines[-1]) == len(chart[0])


def test_a_flat_line_and_bars_of_nothing_can_be_drawn():
    flat = Series("s", np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    assert "▁▁▁" in drawn(one(Curves("x", "y", (flat,))), 40, BLOCKS)
    assert "a  before 0" in drawn(one(Bars("y", ("a",), {"before": np.zeros(1)})), 40, BLOCKS)


def test_bars_have_their_numbers():
    bars = Bars("units", ("conv1", "b"), {"before": np.array([32.0, 4]), "after": np.array([16.0, 2])})
    lines = drawn(one(bars), 40, BLOCKS).splitlines()[2:]
    assert lines[0] == "units:"
    assert [line.rstrip("▓█").split() for line in lines[1:]] == [
        ["conv1", "before", "32"],
        ["after", "16"],
        ["b", "before", "4"],
        ["after", "2"],
    ]
    assert lines[1].count("▓") == pytest.approx(2 * lines[2].count("█"), abs=1)
