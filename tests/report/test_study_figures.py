"""Figures of a study with many methods, long names and few differences."""

from dataclasses import replace
from itertools import combinations
from math import hypot

import pytest

from overfitlab.report.cost_figure import LEADER, cost_and_benefit
from overfitlab.report.layout import ASCENT, DESCENT, layout
from overfitlab.report.lettering import POINTS, inches
from overfitlab.report.marks import Area, Bars, Dots, Line, Text
from overfitlab.report.study_figures import FIGURES, calibration, noise, paired_differences
from overfitlab.stats.crossed import Crossed
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named


def of(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


@pytest.mark.parametrize("name", FIGURES)
def test_every_method_has_its_place(crowded, name):
    panels = FIGURES[name][0](crowded)
    assert len(panels) <= 2 or len(panels) >= 13
    for panel in panels:
        assert len(panel.alternative) > 40
        assert len({mark.label for mark in panel.marks if mark.label}) == sum(bool(mark.label) for mark in panel.marks)


def test_each_seed_is_a_dot_and_the_mean_has_its_interval(evidence):
    for panel, axis in zip(paired_differences(evidence), ("metric", "gap"), strict=True):
        dots = [mark for mark in of(panel, Dots) if mark.color == "other"]
        means = [mark for mark in of(panel, Dots) if mark.color == "method"]
        for row, each in enumerate(evidence.contrasts):
            finding = each.axis(axis)
            assert tuple(dot.x for dot in dots[row].dots) == finding.differences
            assert {round(dot.y) for dot in dots[row].dots} == {-row}
            for dot, seed, value in zip(dots[row].dots, finding.seeds, finding.differences, strict=True):
                assert dot.key == f"{each.method}:{each.against}:{seed}"
                assert dot.tip == f"seed {seed}: {value:+.2f}"
            assert [dot.x for dot in means[row].dots] == [finding.mean]
        intervals = [line.x for line in of(panel, Line)]
        known = [(each.axis(axis).low, each.axis(axis).high) for each in evidence.contrasts]
        assert intervals == [bounds for bounds in known if None not in bounds]
        [margin] = of(panel, Area)
        size = evidence.margin if axis == "metric" else evidence.gap_margin
        assert (margin.low, margin.high, margin.color) == (-size, size, "margin")
        for mark in (*dots, *means):
            assert all(panel.x.low < dot.x < panel.x.high for dot in mark.dots)


def test_other_images_have_a_line_of_their_own_where_their_noise_matters(evidence):
    first, *others = evidence.contrasts
    for deviation, lines in ((1.0, 1), (0.2, 0)):
        crossed = Crossed(0.0, -90.0, 90.0, 1.0, deviation)
        noisy = replace(first, metric=replace(first.metric, crossed=crossed))
        quiet = [replace(each, metric=replace(each.metric, crossed=None)) for each in others]
        accuracy, gap = paired_differences(replace(evidence, contrasts=(*quiet, noisy)))
        images = [line for line in of(accuracy, Line) if line.key.endswith(":images")]
        assert [line.x for line in images] == [(-90.0, 90.0)] * lines
        assert [line.label for line in images] == ["for other images"] * lines
        assert ("for other images -90.00 to +90.00" in accuracy.alternative) == bool(lines)
        assert not lines or accuracy.x.low < -90.0
        assert all(not line.key.endswith(":images") for line in of(gap, Line))


def test_labels_of_rows_lie_above_lines_but_below_dots(evidence):
    for panel in (*paired_differences(evidence), *noise(evidence)):
        kinds = [type(mark) for mark in panel.marks]
        last_text = max(place for place, kind in enumerate(kinds) if kind is Text)
        assert all(kind not in (Dots, Bars, Line) for kind in kinds[:last_text])
        assert all(text.ground for text in of(panel, Text))


def test_a_contrast_without_an_interval_has_none(evidence):
    first = evidence.contrasts[0]
    unknown = replace(first, metric=replace(first.metric, low=None, high=None))
    before, after = (
        len(of(paired_differences(each)[0], Line))
        for each in (evidence, replace(evidence, contrasts=(unknown, *evidence.contrasts[1:])))
    )
    assert after == before - 1


def test_without_pairs_there_is_nothing_to_show(evidence):
    nothing = {"n": 0, "mean": None, "low": None, "high": None, "differences": (), "seeds": (), "crossed": None}
    contrasts = tuple(
        replace(each, metric=replace(each.metric, **nothing), gap=replace(each.gap, **nothing), time_ratio=None)
        for each in evidence.contrasts
    )
    lost = replace(evidence, contrasts=contrasts)
    assert paired_differences(lost) == noise(lost) == cost_and_benefit(lost) == []


def test_bars_say_where_the_noise_comes_from(evidence):
    [panel] = noise(evidence)
    seeds, images = of(panel, Bars)
    known = [each.metric.crossed for each in evidence.contrasts if each.metric.crossed]
    assert [bar.length for bar in seeds.bars] == [each.seed_deviation for each in known]
    assert [bar.length for bar in images.bars] == [each.image_deviation for each in known]
    assert panel.x.low == 0
    assert panel.x.high > max(bar.length for bars in (seeds, images) for bar in bars.bars)


def test_names_that_differ_in_the_middle_stay_apart(crowded):
    for panel, methods in ((paired_differences(crowded)[0], 13), (cost_and_benefit(crowded)[0], 14)):
        names = [text.text for text in of(panel, Text)]
        assert len(names) == len(set(names)) == methods


def test_the_baseline_is_always_on_the_scale_of_cost(evidence):
    for change in (lambda ratio: ratio, lambda _: 0.97, lambda _: 3.0):
        contrasts = []
        for each in evidence.contrasts:
            ratio = change(each.time_ratio)
            contrasts.append(replace(each, time_ratio=ratio, time_quartiles=(ratio - 0.01, ratio + 0.01)))
        [panel] = cost_and_benefit(replace(evidence, contrasts=tuple(contrasts)))
        ticks = [tick.label for tick in panel.x.ticks]
        assert ticks[0] == "1.00"
        assert len(ticks) == len(set(ticks))
        for mark in of(panel, Dots):
            assert all(panel.x.low < dot.x < panel.x.high for dot in mark.dots)
            assert all(panel.y.low < dot.y < panel.y.high for dot in mark.dots)


def test_a_method_of_which_no_quartiles_are_known_is_on_the_scale_of_cost(evidence):
    contrasts = tuple(replace(each, time_ratio=5.0, time_quartiles=None) for each in evidence.contrasts)
    [panel] = cost_and_benefit(replace(evidence, contrasts=contrasts))
    assert all(panel.x.low < dot.x < panel.x.high for mark in of(panel, Dots) for dot in mark.dots)


def boxes_and_dots(panel):
    """Return the boxes of texts with the ground behind them, and dots as (x, y, radius), in points."""
    place, anchors = layout(panel), {"start": 0.0, "middle": 0.5, "end": 1.0}
    boxes = []
    for text in of(panel, Text):
        wide = POINTS * inches(text.text, text.size)
        left = place.x(text.x) - anchors[text.anchor] * wide
        base = place.y(text.y) + (0.0 if text.stands else 0.36 * text.size)
        boxes.append((left - 1, base - ASCENT * text.size - 1, left + wide + 1, base + DESCENT * text.size + 1))
    dots = [(place.x(dot.x), place.y(dot.y), dot.size / 2) for mark in of(panel, Dots) for dot in mark.dots]
    return boxes, dots


def distance(box, dot):
    return hypot(max(box[0] - dot[0], 0, dot[0] - box[2]), max(box[1] - dot[1], 0, dot[1] - box[3]))


def covers(box, dot):
    return distance(box, dot) < dot[2]


@pytest.mark.parametrize("contrasts", [1, 2, 13])
@pytest.mark.parametrize("say", [ENGLISH, language_named("ko")])
def test_no_label_covers_a_dot(crowded, contrasts, say):
    """Also where there are few rows and the legend needs a line for each of its entries."""
    few = replace(crowded, contrasts=crowded.contrasts[:contrasts])
    five = tuple(
        replace(each, metric=replace(each.metric, seeds=(0, 1, 2, 3, 4), differences=(-3.0, -3.0, -3.0, -3.0, 2.0)))
        for each in few.contrasts
    )
    for panel in paired_differences(replace(few, contrasts=five), say):
        boxes, dots = boxes_and_dots(panel)
        assert len(boxes) == contrasts
        assert not any(covers(box, dot) for box in boxes for dot in dots)


def test_each_name_in_the_figure_of_cost_is_at_its_own_dot(evidence, crowded):
    for found in (evidence, crowded):
        [panel] = cost_and_benefit(found)
        boxes, dots = boxes_and_dots(panel)
        texts, marks = of(panel, Text), [mark for mark in of(panel, Dots) if mark.dots]
        assert len(texts) == len(marks)
        assert [text.color for text in texts] == [mark.color for mark in marks]
        assert not any(covers(box, dot) for box in boxes for dot in dots)
        for one, other in combinations(boxes, 2):
            assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        if found is evidence:  # a name is nearest to its own dot, or a line leads from it there
            place = layout(panel)
            lines = [(place.x(line.x[0]), place.y(line.y[0])) for line in of(panel, Line) if line.width == LEADER]
            for box, own in zip(boxes, dots, strict=True):
                nearest = min(distance(box, dot) for dot in dots)
                led = any(hypot(x - own[0], y - own[1]) <= own[2] + 0.1 for x, y in lines)
                assert led or distance(box, own) <= nearest + 0.1  # two dots can be in one place


def test_the_area_of_a_dot_grows_with_the_images(evidence):
    for panel, each in zip(calibration(evidence), evidence.methods, strict=True):
        known = evidence.predictions[each.method].calibration
        [dots] = of(panel, Dots)
        assert [(dot.x, dot.y) for dot in dots.dots] == [(one.confidence, one.accuracy) for one in known.bins]
        most = max(one.images for one in known.bins)
        for dot, one in zip(dots.dots, known.bins, strict=True):
            assert dot.size**2 == pytest.approx(8 + 70 * one.images / most)
        assert f"ECE {known.expected_error.mean:.3f}" in dots.label
