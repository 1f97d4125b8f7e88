"""The learning curves of a run: the notebook's panels, colours and titles, and the onset."""

import math
from dataclasses import replace

import msgspec
import pytest
from matplotlib.colors import to_hex
from read_svg import lettering_of

from overfitlab.report.marks import DOTTED, Line, Rule
from overfitlab.report.run_figure import learning_curves, run_panels
from overfitlab.report.svg import panel_svg
from overfitlab.results.history import EpochRow
from overfitlab.words.languages import CODES, language_named

ROWS = [EpochRow(n, 1.0, 1 / n, 1 - 1 / n, abs(n - 4) + 0.5, 0.5 + n / 100) for n in range(1, 9)]


def of(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def test_it_is_the_notebooks_figure():
    figure = learning_curves(ROWS)
    assert figure.get_size_inches().tolist() == [10, 5]
    loss, acc = figure.axes
    for axes, name in ((loss, "loss"), (acc, "acc")):
        assert axes.get_title() == name
        train, val, onset = axes.get_lines()
        assert (train.get_label(), to_hex(train.get_color())) == (f"train_{name}", to_hex("blue"))
        assert (val.get_label(), to_hex(val.get_color())) == (f"val_{name}", to_hex("orange"))
        assert train.get_xdata().tolist() == list(range(1, 9))
        assert train.get_ydata().tolist() == [getattr(row, name) for row in ROWS]
        assert val.get_ydata().tolist() == [getattr(row, f"val_{name}") for row in ROWS]
        assert onset.get_linestyle() == "--"
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == [f"train_{name}", f"val_{name}", "onset (epoch 4)"]


def test_the_onset_is_marked_in_both_panels():
    for panel, axes in zip(run_panels(ROWS), learning_curves(ROWS).axes, strict=True):
        [rule] = of(panel, Rule)
        assert (rule.at, rule.axis, rule.label) == (4, "x", "onset (epoch 4)")
        marker = axes.get_lines()[-1]
        assert set(marker.get_xdata()) == {4}
        assert marker.get_label() == "onset (epoch 4)"
        assert "the onset of overfitting lies at epoch 4" in panel.alternative


def test_a_lowest_loss_in_the_last_epoch_is_no_onset():
    for panel in run_panels(ROWS[:4]):
        assert not of(panel, Rule)
        assert "overfitting has not begun" in panel.alternative


def test_without_any_finite_validation_loss_there_is_no_onset():
    rows = [replace(row, val_loss=math.nan) for row in ROWS]
    loss, acc = run_panels(rows)
    assert not of(loss, Rule) + of(acc, Rule)
    assert of(loss, Line)[1].y == (None,) * 8
    assert "validation at -" in loss.alternative
    assert len(learning_curves(rows).axes) == 2


def test_a_single_epoch_is_visible():
    for panel, axes in zip(run_panels(ROWS[:1]), learning_curves(ROWS[:1]).axes, strict=True):
        assert all(line.marker for line in of(panel, Line))
        assert axes.get_lines()[0].get_marker() == "o"
    assert not any(line.marker for panel in run_panels(ROWS) for line in of(panel, Line))


def test_clean_training_images_are_the_blue_line_where_they_were_measured():
    clean = [replace(row, train_loss=row.loss / 2, train_acc=row.acc / 2) for row in ROWS]
    for panel, axes, name in zip(run_panels(clean), learning_curves(clean).axes, ("loss", "acc"), strict=True):
        measured, running, val = of(panel, Line)
        assert (measured.label, running.label, val.label) == (
            f"train_{name}", f"{name}, while training", f"val_{name}",
        )  # fmt: skip
        assert measured.y == tuple(getattr(row, f"train_{name}") for row in clean)
        assert running.y == tuple(getattr(row, name) for row in clean)
        assert (running.dash, running.color) == (DOTTED, "train")
        assert running.width < measured.width
        assert [to_hex(line.get_color()) for line in axes.get_lines()[:3]] == [
            to_hex(color) for color in ("blue", "blue", "orange")
        ]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []])
def test_all_values_lie_within_the_axes(rows):
    for panel in run_panels(rows):
        for line in of(panel, Line):
            assert all(panel.y.low < value < panel.y.high for value in line.y)
            assert all(panel.x.low < value < panel.x.high for value in line.x)
    assert learning_curves(rows).axes


@pytest.mark.parametrize("code", CODES)
def test_a_page_can_have_them_too(code):
    for panel in run_panels(ROWS, language_named(code)):
        assert len({mark.key for mark in panel.marks}) == len(panel.marks)
        assert msgspec.json.encode(panel)
        assert [each.text for each in lettering_of(panel_svg(panel))[-3:]] == [mark.label for mark in panel.marks]
        assert len(panel.alternative) > 40
