"""The validation loss of all methods in one panel."""

from dataclasses import replace

from overfitlab.report.marks import Dots, Line, Remark
from overfitlab.report.method_looks import looks
from overfitlab.report.overlay_figure import validation_loss
from overfitlab.study.evidence import Curve


def curves_of(evidence, method, values, training=None):
    curve = Curve(tuple(values), (None,) * len(values))
    found = evidence.curves[method]
    epochs = tuple(range(1, len(values) + 1))
    trained = tuple([found.runs] * len(values)) if training is None else training
    return replace(found, epochs=epochs, training=trained, val_loss=curve)


def drawn(evidence):
    [panel] = validation_loss(evidence)
    lowest = {mark.dots[0].key: mark for mark in panel.marks if isinstance(mark, Dots) and mark.dots}
    return panel, {mark.key: mark for mark in panel.marks if mark.key} | lowest


def test_every_method_has_a_line_in_its_colour_and_a_dot_where_it_is_lowest(evidence):
    names = [each.method for each in evidence.methods]
    labels = [each.label for each in evidence.methods]
    shapes = ([2.0, 1.0, 1.5], [2.0, 1.2, 0.9], [1.9, 0.7, 0.8])
    curves = {name: curves_of(evidence, name, values) for name, values in zip(names, shapes, strict=True)}
    found = replace(evidence, curves=curves)
    panel, marks = drawn(found)
    seen = looks(found)
    for name, values in zip(names, shapes, strict=True):
        assert marks[name].y == tuple(values)
        assert (marks[name].color, marks[name].dash) == (seen[name].color, seen[name].dash)
        [dot] = marks[f"{name}:lowest"].dots
        assert (dot.x, dot.y) == (values.index(min(values)) + 1, min(values))
    legend = [mark.label for mark in panel.marks if isinstance(mark, Line) and mark.label]
    assert [label[:8] for label in legend] == [label[:8] for label in labels]  # from the top of where they end
    assert panel.y.low < 0.7
    assert panel.y.high > 2.0


def test_what_is_carried_forward_is_faint_and_what_leaves_the_scale_is_said(evidence):
    names = [each.method for each in evidence.methods]
    labels = [each.label for each in evidence.methods]
    runs = evidence.curves[names[0]].runs
    curves = {
        names[0]: curves_of(evidence, names[0], [1.0, 0.9, 0.8]),
        names[1]: curves_of(evidence, names[1], [1.0, 50.0, 99.0]),
        names[2]: curves_of(evidence, names[2], [1.1, 0.8, 0.8], (runs, runs, runs - 1)),
    }
    panel, marks = drawn(replace(evidence, curves=curves))
    assert marks[f"{names[2]}:carried"].x == (2.0, 3.0)
    assert marks[f"{names[2]}:carried"].opacity < marks[names[2]].opacity
    assert panel.y.high < 10
    assert [mark.label for mark in panel.marks if isinstance(mark, Remark)] == [f"off the scale: {labels[1]}"]


def test_many_methods_have_looks_of_their_own_and_leave_room_for_the_curves(crowded):
    seen = looks(crowded)
    assert len({(look.color, look.dash) for look in seen.values()}) == len(seen) == 14
    [panel] = validation_loss(crowded)
    assert panel.height > 3.3
    dots = [mark for mark in panel.marks if isinstance(mark, Dots) and mark.dots]
    assert len(dots) == 14


def test_nothing_is_drawn_where_nothing_is_known(evidence):
    nothing = {name: replace(found, runs=0) for name, found in evidence.curves.items()}
    assert validation_loss(replace(evidence, curves=nothing)) == []
