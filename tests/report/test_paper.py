"""Panels drawn by matplotlib: everything in its place, and what a notebook can work on."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from overfitlab.report import image_figures, lettering
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.layout import layout
from overfitlab.report.marks import (
    DASHED,
    WIDTH,
    Area,
    Axis,
    Band,
    Bar,
    Bars,
    Dot,
    Dots,
    Line,
    Matrix,
    Panel,
    Remark,
    Rule,
    Text,
    Tick,
)
from overfitlab.report.palette import contrast, light
from overfitlab.report.paper import composed, draw_marks, drawing
from overfitlab.report.scales import axis
from overfitlab.report.study_figures import FIGURES


def panel_of(*marks, **changes):
    scale = Axis(low=0.0, high=10.0, ticks=(Tick(0.0, "0"), Tick(5.0, "five")))
    return Panel(**{"title": "title", "alternative": "", "x": scale, "y": scale, "marks": marks, **changes})


def drawn(*panels, columns=3):
    with drawing():
        figure = composed(panels, columns)
        FigureCanvasAgg(figure).draw()
    return figure


def boxes(figure, texts):
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [text.get_window_extent(renderer) for text in texts]


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_everything_stays_within_its_panel(crowded, name):
    make, columns = FIGURES[name]
    panels = make(crowded)
    with drawing():
        figure = composed(panels, columns)
        FigureCanvasAgg(figure).draw()
        across = min(columns, len(panels))
        top = figure.bbox.height
        for number, (panel, axes) in enumerate(zip(panels, figure.axes, strict=True)):
            left, low = number % across * WIDTH * figure.dpi, top - panel.height * figure.dpi
            texts = [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts, *axes.get_legend().get_texts(),
                     *axes.get_xticklabels(), *axes.get_yticklabels()]  # fmt: skip
            for text, box in zip(texts, boxes(figure, texts), strict=True):
                if box.width:
                    assert left - 1 <= box.x0, text
                    assert box.x1 <= left + WIDTH * figure.dpi + 1, text
                    assert low - 1 <= box.y0, text
                    assert box.y1 <= top + 1, text
            assert axes.get_window_extent().height > 0.9 * figure.dpi
            if number % across == across - 1:
                top = low


@pytest.mark.slow
def test_both_renderers_put_the_axes_in_the_same_place(evidence):
    for make, columns in FIGURES.values():
        panels = make(evidence)
        figure = drawn(*panels, columns=columns)
        place, axes = layout(panels[0]), figure.axes[0]
        box, unit = axes.get_window_extent(), figure.dpi / 72
        found = (box.x0 / unit, (figure.bbox.height - box.y1) / unit, box.width / unit, box.height / unit)
        assert found == pytest.approx((place.left, place.top, place.width, place.height), abs=0.01)
        assert (axes.get_xlim(), axes.get_ylim()) == (
            (panels[0].x.low, panels[0].x.high), (panels[0].y.low, panels[0].y.high),
        )  # fmt: skip
        assert [label.get_text() for label in axes.get_xticklabels()] == [tick.label for tick in panels[0].x.ticks]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [entry.label for entry in place.legend]


@pytest.mark.slow
def test_a_confusion_matrix_has_room_for_its_names(evidence):
    for names in (["a"] * 10, ["a very long name of a class, indeed"] * 10, ["고양이와 강아지와 새와 말"] * 10):
        classes = [f"{name}{number}" for number, name in enumerate(names)]
        changed = replace(evidence, data=msgspec.structs.replace(evidence.data, classes=classes))
        figure = drawn(*image_figures.confusion(changed))
        for number, axes in enumerate(figure.axes):
            left = number * WIDTH * figure.dpi
            for box in boxes(figure, [axes.yaxis.label, axes.xaxis.label, *axes.get_yticklabels()]):
                assert box.x0 >= left - 1
                assert box.y0 >= -1
            assert axes.get_window_extent().width > 1.2 * figure.dpi


def test_digits_in_a_confusion_matrix_can_be_read(evidence):
    axes = drawn(image_figures.confusion(evidence)[0]).axes[0]
    shades = axes.images[0]
    assert axes.texts
    for text in axes.texts:
        column, row = map(int, text.get_position())
        ground = shades.to_rgba(shades.get_array()[row, column])
        color = [int(text.get_color()[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        assert contrast(color, ground) > 4.4


def test_every_kind_of_mark_is_drawn_and_in_the_legend_in_its_order():
    panel = panel_of(
        Bars(bars=(Bar(1.0, 2.0), Bar(2.0, 4.0)), thickness=0.5, color="val", label="bars"),
        Area(low=1.0, high=2.0, axis="x", color="margin", label="area"),
        Area(low=1.0, high=2.0, axis="y", color="margin", opacity=0.5),
        Line(x=(0.0, 1.0, 2.0), y=(1.0, None, 3.0), color="train", dash=DASHED, marker=3.0, label="line"),
        Band(x=(0.0, 1.0), low=(1.0, 1.0), high=(2.0, 3.0), color="method", label="band"),
        Dots(dots=(Dot(1.0, 1.0, 3.0), Dot(2.0, 2.0, 5.0)), color="other", size=4.0, shape="diamond", label="dots"),
        Rule(at=4.0, axis="x", color="soft", label="rule"),
        Rule(at=4.0, axis="y", color="soft"),
        Text(x=5.0, y=5.0, text="$text$", anchor="end", ground=True),
        Remark(label="remark"),
    )
    axes = drawn(panel).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "bars", "area", "line", "band", "dots", "rule", "remark",
    ]  # fmt: skip
    handles = axes.get_legend().legend_handles
    assert to_hex(handles[0].get_facecolor()) == light("val")
    assert to_hex(handles[1].get_facecolor()) == light("margin")
    assert (to_hex(handles[2].get_color()), handles[2].get_marker()) == (light("train"), "o")
    assert (handles[4].get_marker(), handles[4].get_markersize()) == ("D", 4.0)
    line = axes.get_lines()[0]
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]
    dots = [each for each in axes.collections if len(each.get_offsets()) == 2 and each.get_sizes().size]
    assert dots[-1].get_sizes().tolist() == [9.0, 25.0]
    assert axes.texts[0].get_text() == "$text$"
    order = [axes.patches[0].get_zorder(), line.get_zorder(), axes.texts[0].get_zorder()]
    assert order == sorted(order)


def test_axes_are_as_they_are_said():
    figure = drawn(
        panel_of(x=axis(0.1, 1000.0, "time", log=True), y=Axis(low=9.0, high=0.0, grid=False, line=False, label="rows"))
    )
    [axes] = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_ylim() == (9.0, 0.0)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) == ("time", "rows", "title")
    assert not axes.spines["left"].get_visible()
    assert axes.spines["bottom"].get_visible()
    assert not axes.get_yticks().size
    assert axes.get_xticks(minor=True).size == 0


def test_letters_that_no_font_has_become_squares_that_are_told_apart(monkeypatch):
    monkeypatch.setattr(lettering, "_fallbacks", tuple)
    ticks = (Tick(1.0, "고양이"), Tick(2.0, "강아지"), Tick(3.0, "cat"))
    texts = [Text(x=1.0, y=float(number), text=name) for number, name in enumerate(("고양이", "강아지", "새"))]
    line = Line(x=(0.0, 1.0), y=(0.0, 1.0), color="train", label="가나다")
    panel = panel_of(*texts, line, x=Axis(low=0.0, high=10.0, ticks=ticks, label="축"), title="제목")
    [axes] = drawn(panel).axes  # a missing letter would be a warning, and warnings are errors here
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0 □□□", "1 □□□", "cat"]
    assert [text.get_text() for text in axes.texts] == ["0 □□□", "1 □□□", "2 □"]
    assert (axes.get_xlabel(), axes.get_title(loc="left")) == ("□", "□□")


def test_equal_panels_give_equal_bytes(evidence):
    panels = FIGURES["paired_differences"][0](evidence)
    one, other = (compressed(pixels(composed(panels, 2), 100), 100) for _ in range(2))
    assert one == other
    assert one.startswith(b"\x89PNG")


def test_nothing_to_show():
    [text] = composed([]).texts
    assert text.get_text() == "-"


def test_colors_can_be_others():
    axes = Figure().add_subplot()
    line = Line(x=(0.0, 1.0), y=(0.0, 1.0), color="train", label="train")
    [handle] = draw_marks(axes, [line, replace(line, label="")], {"train": "blue"}.__getitem__)
    assert handle.get_color() == "blue"


def test_a_matrix_without_texts():
    [axes] = drawn(panel_of(Matrix(values=((0.0, 1.0), (0.5, 0.5)), texts=(("", ""), ("", ""))))).axes
    assert not axes.texts
    assert axes.images[0].get_array().tolist() == [[0.0, 1.0], [0.5, 0.5]]


def test_widths_of_text_are_about_right():
    with drawing():
        figure = Figure(dpi=100)
        text = figure.text(0, 0, "batch_norm+dropout", fontsize=9, weight="bold")
        width = boxes(figure, [text])[0].width / 100
    assert lettering.inches("batch_norm+dropout", 9, bold=True) == pytest.approx(width, rel=0.05)
    assert lettering.in_lines("a+bb+ccc", 9, 10, most=2) == ["a+bb+ccc"]
    assert lettering.in_lines("aaaa+bbbb", 9, lettering.inches("aaaa+", 9), most=2) == ["aaaa+", "bbbb"]
    assert lettering.in_lines("", 9, 1, most=2) == []
