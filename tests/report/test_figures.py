"""The learning curves: the notebook's panels, colours and titles, and the onset."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from matplotlib.colors import to_hex

from overfitlab.report.figures import learning_curves, rendered
from overfitlab.results.history import EpochRow

ROWS = [EpochRow(n, 1.0, 1 / n, 1 - 1 / n, abs(n - 4) + 0.5, 0.5 + n / 100) for n in range(1, 9)]


def test_it_is_the_notebooks_figure():
    figure = learning_curves(ROWS)
    assert figure.get_size_inches().tolist() == [10, 5]
    loss, acc = figure.axes
    for axes, name in ((loss, "loss"), (acc, "acc")):
        assert axes.get_title() == name
        train, val, _ = axes.get_lines()
        assert (train.get_label(), to_hex(train.get_color())) == (f"train_{name}", to_hex("blue"))
        assert (val.get_label(), to_hex(val.get_color())) == (f"val_{name}", to_hex("orange"))
        assert train.get_xdata().tolist() == list(range(1, 9))
        assert train.get_ydata().tolist() == [getattr(row, name) for row in ROWS]
        assert val.get_ydata().tolist() == [getattr(row, f"val_{name}") for row in ROWS]


def test_the_onset_is_marked_in_both_panels():
    for axes in learning_curves(ROWS).axes:
        marker = axes.get_lines()[-1]
        assert set(marker.get_xdata()) == {4}
        assert marker.get_label() == "onset (epoch 4)"


def test_a_lowest_loss_in_the_last_epoch_is_no_onset():
    assert all(len(axes.get_lines()) == 2 for axes in learning_curves(ROWS[:4]).axes)


def test_without_any_finite_validation_loss_there_is_no_onset():
    rows = [replace(row, val_loss=math.nan) for row in ROWS]
    assert all(len(axes.get_lines()) == 2 for axes in learning_curves(rows).axes)


def test_a_single_epoch_is_visible():
    for axes in learning_curves(ROWS[:1]).axes:
        assert axes.get_lines()[0].get_marker() == "o"


def test_a_notebook_shows_it():
    assert learning_curves(ROWS)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_equal_figures_give_equal_bytes(kind):
    one, other = (rendered(learning_curves(ROWS, "title"), kind) for _ in range(2))
    assert one == other
    if kind == "svg":
        ET.fromstring(one)
    else:
        assert one.startswith(b"\x89PNG")


def test_clean_training_images_are_the_blue_line_where_they_were_measured():
    clean = [replace(row, train_loss=row.loss / 2, train_acc=row.acc / 2) for row in ROWS]
    for axes, name in zip(learning_curves(clean).axes, ("loss", "acc"), strict=True):
        measured, running, val, _ = axes.get_lines()
        assert (measured.get_label(), running.get_label(), val.get_label()) == (
            f"train_{name}", f"{name}, while training", f"val_{name}",
        )  # fmt: skip
        assert measured.get_ydata().tolist() == [getattr(row, f"train_{name}") for row in clean]
        assert running.get_linestyle() == ":"
