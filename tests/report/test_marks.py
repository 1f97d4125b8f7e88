"""The vocabulary of figures: plain values, which can be sent, and which nothing has to be drawn with."""

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from overfitlab.report import blocks, cost_figure, curve_figures, image_figures, layout, marks, study_figures, svg
from overfitlab.report.image_figures import confusion
from overfitlab.report.marks import Axis, Dot, Dots, Line, Mark, Panel, Text
from overfitlab.report.palette import COLORS
from overfitlab.report.study_figures import FIGURES
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import CODES, language_named


def panels_of(evidence, say=ENGLISH):
    return [*(panel for make, _ in FIGURES.values() for panel in make(evidence, say)), *confusion(evidence, say)]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.slow
def test_every_panel_of_a_study_can_be_written_as_json(evidence, crowded, code):
    say = language_named(code)
    for panel in [*panels_of(evidence, say), *panels_of(crowded, say)]:
        read = json.loads(msgspec.json.encode(panel))
        assert read == json.loads(json.dumps(msgspec.to_builtins(panel), allow_nan=False))  # all numbers are finite
        assert [mark["kind"] for mark in read["marks"]] == [mark.kind for mark in panel.marks]


def test_every_kind_of_mark_says_which_it_is_and_has_a_label_and_a_key():
    kinds = [get_args(field.type)[0] for mark in get_args(Mark) for field in fields(mark) if field.name == "kind"]
    assert len(set(kinds)) == len(get_args(Mark)) == len(kinds)
    for mark in get_args(Mark):
        assert {"label", "key"} <= {field.name for field in fields(mark)}


def test_colors_are_names_of_the_palette(evidence):
    used = {mark.color for panel in panels_of(evidence) for mark in panel.marks if hasattr(mark, "color")}
    assert {"train", "val", "method", "other", "margin"} <= used <= COLORS.keys()


@pytest.mark.slow
def test_what_a_page_wants_to_find_again_has_a_key_of_its_own(evidence, crowded):
    for panel in [*panels_of(evidence), *panels_of(crowded)]:
        keys = [mark.key for mark in panel.marks if mark.key]
        keys += [dot.key for mark in panel.marks if isinstance(mark, Dots) for dot in mark.dots if dot.key]
        assert len(keys) == len(set(keys)), panel.title
    for make, _ in FIGURES.values():
        keys = [panel.key for panel in make(crowded)]
        assert len(set(keys)) == len(keys)


def test_a_mark_cannot_be_changed():
    for mark in (Line(x=(), y=(), color="ink"), Dot(1.0, 2.0, 3.0), Text(x=0.0, y=0.0, text="a")):
        with pytest.raises(FrozenInstanceError):
            mark.key = "other"
    panel = Panel(title="", alternative="", x=Axis(low=0, high=1), y=Axis(low=0, high=1), marks=())
    assert hash(panel) == hash(panel)


def test_figures_of_a_study_are_not_drawn_where_they_are_made():
    for module in (marks, curve_figures, study_figures, cost_figure, image_figures, blocks, layout, svg):
        assert "matplotlib" not in Path(module.__file__).read_text(encoding="utf-8"), module.__name__


def test_plain_data_needs_nothing_to_draw_with():
    code = (
        "import sys, overfitlab.report.marks\n"
        "print(*({'matplotlib', 'numpy', 'torch'} & sys.modules.keys()))"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
