"""Figures of a study with many methods, long names and few differences: nothing leaves its place."""

import copy
import json
from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import overfitlab
from overfitlab.report import image_figures, lettering
from overfitlab.report.palette import contrast
from overfitlab.report.panels import WIDTH, composed, drawing
from overfitlab.report.study_figures import (
    FIGURES,
    apart,
    cost_and_benefit,
    paired_differences,
    within,
)

MIDDLING = "dropout:rate=0.{}+label_smoothing"
LONG = "batch_norm:momentum=0.9+dropout:rate=0.3{}+l2:rate=0.0005+augment:flip=0.0,shift=0.2"


@pytest.fixture(scope="module")
def evidence(small_study):
    return json.loads(json.dumps(overfitlab.load_study(small_study).evidence()))


@pytest.fixture
def crowded(evidence):
    """Fourteen methods, two of which have long names that differ in the middle, and two others ones less long."""
    found = copy.deepcopy(evidence)
    [like] = [each for each in found["contrasts"] if each["label"] == "dropout" and each["against_label"] == "none"]
    [method] = [each for each in found["methods"] if each["label"] == "dropout"]
    found["contrasts"], found["methods"] = [], found["methods"][:1]
    for number in range(13):
        label = LONG.format(number) if number in (5, 6) else MIDDLING.format(number) if number > 10 else f"m{number}"
        name = f"method{number}"
        found["contrasts"].append(copy.deepcopy(like) | {"method": name, "label": label})
        found["contrasts"][-1]["accuracy"]["mean"] += 0.01 * number
        found["methods"].append(method | {"method": name, "label": label})
        for part in ("curves", "predictions"):
            found[part][name] = found[part][method["method"]]
    return found


def boxes(figure, texts):
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [text.get_window_extent(renderer) for text in texts]


@pytest.mark.parametrize("name", FIGURES)
def test_everything_stays_within_its_panel(crowded, name):
    make, columns = FIGURES[name]
    panels = make(crowded)
    assert len(panels) <= 2 or len(panels) >= 13
    with drawing():
        figure = composed(panels, columns)
        FigureCanvasAgg(figure).draw()
        across = min(columns, len(panels))
        top = figure.bbox.height
        for number, (panel, axes) in enumerate(zip(panels, figure.axes, strict=True)):
            left, low = number % across * WIDTH * figure.dpi, top - panel.height * figure.dpi
            texts = [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts, *axes.get_legend().get_texts()]
            for text, box in zip(texts, boxes(figure, texts), strict=True):
                if box.width:
                    assert left - 1 <= box.x0, text
                    assert box.x1 <= left + WIDTH * figure.dpi + 1, text
                    assert low - 1 <= box.y0, text
                    assert box.y1 <= top + 1, text
            assert axes.get_window_extent().height > 0.9 * figure.dpi
            if number % across == across - 1:
                top = low


def test_names_that_differ_in_the_middle_stay_apart(crowded):
    for panel, methods in ((paired_differences(crowded)[0], 13), (cost_and_benefit(crowded)[0], 14)):
        axes = Figure().add_subplot()
        panel.draw(axes)
        names = [text.get_text() for text in axes.texts]
        assert len(names) == len(set(names)) == methods


def test_classes_that_differ_in_the_middle_stay_apart(evidence):
    changed = copy.deepcopy(evidence)
    changed["data"]["classes"] = [f"birds-eagle-{letter}-north-1990" for letter in "ABCDEFGHIJ"]
    axes = Figure().add_subplot()
    image_figures.confusion(changed)[0].draw(axes)
    assert len({label.get_text() for label in axes.get_yticklabels()}) == 10


def test_the_baseline_is_always_on_the_scale_of_cost(evidence):
    for change in (lambda ratio: ratio, lambda _: 0.97, lambda _: 3.0):
        changed = copy.deepcopy(evidence)
        for each in changed["contrasts"]:
            each["time_ratio"] = change(each["time_ratio"])
            each["time_quartiles"] = [each["time_ratio"] - 0.01, each["time_ratio"] + 0.01]
        with drawing():
            figure = composed(cost_and_benefit(changed))
            FigureCanvasAgg(figure).draw()
        [axes] = figure.axes
        ticks = [label.get_text() for label in axes.get_xticklabels()]
        assert ticks[0] == "1.00"
        assert len(ticks) == len(set(ticks))


def test_places_stay_between_their_ends():
    values = [0.0, 0.0, 0.1, 5.0, 5.0, 5.0]
    found = within(apart(values, 0.5), 0.5, 0.2, 5.2)
    assert all(0.2 <= place <= 5.2 for place in found)
    assert all(after - before >= 0.5 - 1e-9 for before, after in pairwise(sorted(found)))


def test_a_confusion_matrix_has_room_for_its_names(evidence):
    for names in (["a"] * 10, ["a very long name of a class, indeed"] * 10, ["고양이와 강아지와 새와 말"] * 10):
        changed = copy.deepcopy(evidence)
        changed["data"]["classes"] = [f"{name}{number}" for number, name in enumerate(names)]
        panels = image_figures.confusion(changed)
        with drawing():
            figure = composed(panels, 3)
            FigureCanvasAgg(figure).draw()
        for number, axes in enumerate(figure.axes):
            left = number * WIDTH * figure.dpi
            for box in boxes(figure, [axes.yaxis.label, axes.xaxis.label, *axes.get_yticklabels()]):
                assert box.x0 >= left - 1
                assert box.y0 >= -1
            assert axes.get_window_extent().width > 1.2 * figure.dpi


def test_digits_in_a_confusion_matrix_can_be_read(evidence):
    with drawing():
        axes = composed(image_figures.confusion(evidence)).axes[0]
    shades = axes.images[0]
    for text in axes.texts:
        column, row = map(int, text.get_position())
        ground = shades.to_rgba(shades.get_array()[row, column])
        color = [int(text.get_color()[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        assert contrast(color, ground) > 4.4


def test_widths_of_text_are_about_right():
    with drawing():
        figure = Figure(dpi=100)
        text = figure.text(0, 0, "batch_norm+dropout", fontsize=9, weight="bold")
        width = boxes(figure, [text])[0].width / 100
    assert lettering.inches("batch_norm+dropout", 9, bold=True) == pytest.approx(width, rel=0.05)
    assert lettering.in_lines("a+bb+ccc", 9, 10, most=2) == ["a+bb+ccc"]
    assert lettering.in_lines("aaaa+bbbb", 9, lettering.inches("aaaa+", 9), most=2) == ["aaaa+", "bbbb"]
    assert lettering.in_lines("", 9, 1, most=2) == []
