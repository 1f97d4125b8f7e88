"""Figures over the epochs: panels of one figure can be compared by eye."""

from dataclasses import replace

import pytest

from overfitlab.report.curve_figures import FARTHEST, equal_fit, gap_curves, learning_curves
from overfitlab.report.marks import CARRIED, DOTTED, Band, Line, Remark, Rule
from overfitlab.stats.method_summary import Spread
from overfitlab.study.evidence import Curve

CURVES = ("train_loss", "val_loss", "train_acc", "val_acc", "gap")


def of(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def legend(panel):
    return [mark.label for mark in panel.marks if mark.label]


def limits(axis):
    return axis.low, axis.high


def inside(panel):
    """Return whether all lines and bands lie within the axes, so that none is cut."""
    values = [value for line in of(panel, Line) for value in line.y]
    values += [value for band in of(panel, Band) for value in (*band.low, *band.high)]
    return all(panel.y.low <= value <= panel.y.high for value in values)


def with_curve(evidence, number, name, **changes):
    """Return the evidence with other values in one curve of a method."""
    method = evidence.methods[number].method
    curves = evidence.curves[method]
    changed = replace(curves, **{name: replace(curves.curve(name), **changes)})
    return replace(evidence, curves=evidence.curves | {method: changed})


def test_panels_of_a_figure_have_one_scale_that_holds_everything(evidence):
    loss_and_accuracy = learning_curves(evidence)
    for panels in (loss_and_accuracy[::2], loss_and_accuracy[1::2], gap_curves(evidence)):
        assert len(panels) == 3
        assert len({(limits(panel.y), panel.y.ticks) for panel in panels}) == 1
        assert len({limits(panel.x) for panel in panels}) == 1
        assert all(map(inside, panels))
    fits = equal_fit(evidence)
    assert len(fits) == 2
    assert {limits(panel.x) for panel in fits} == {limits(panel.y) for panel in fits} == {limits(fits[0].x)}
    assert all(map(inside, fits))


def test_lines_are_the_means_and_bands_one_standard_deviation(evidence):
    method = evidence.methods[0]
    curves = evidence.curves[method.method]
    panel = learning_curves(evidence)[0]
    train, val = [line for line in of(panel, Line) if line.x and not line.dash]
    assert (train.y, val.y) == (curves.train_loss.mean, curves.val_loss.mean)
    assert (train.color, val.color) == ("train", "val")
    assert train.x == tuple(curves.epochs)
    band = of(panel, Band)[0]
    known = zip(curves.train_loss.mean, curves.train_loss.deviation, band.low, band.high, strict=True)
    for mean, deviation, low, high in known:
        assert (low, high) == pytest.approx((mean - deviation, mean + deviation))
    assert f"band: ±1 SD over {curves.runs} seeds" in legend(panel)
    gap = of(gap_curves(evidence)[0], Line)[0]
    assert gap.y == pytest.approx([100 * value for value in curves.gap.mean])


def test_the_gap_stands_beside_that_of_the_baseline(evidence):
    base, *others = gap_curves(evidence)
    assert [line.color for line in of(base, Line) if line.label in legend(base)[:2] and line.x] == ["other"]
    for panel in others:
        first, second = [line for line in of(panel, Line) if line.x and not line.dash]
        assert (first.color, second.color) == ("other", "method")
        assert (first.label, second.label) == ("none", panel.title)
        assert [rule.at for rule in of(panel, Rule) if rule.axis == "y"] == [0.0]


def test_what_is_carried_forward_is_dashed(evidence):
    method = evidence.methods[1].method
    curves = evidence.curves[method]
    stopped = replace(curves, training=(curves.runs, curves.runs, 1))
    changed = replace(evidence, curves=evidence.curves | {method: stopped})
    panel = learning_curves(changed)[2]
    whole, dashed = ([line for line in of(panel, Line) if line.dash == dash and line.x] for dash in ((), CARRIED))
    assert [line.x for line in whole] == [(1.0, 2.0)] * 2
    assert [line.x for line in dashed] == [(2.0, 3.0)] * 2
    assert "carried forward after a stop" in legend(panel)
    assert "carried forward after a stop" not in legend(learning_curves(evidence)[0])


def test_a_loss_without_end_leaves_the_scale_and_that_is_said(evidence):
    before = learning_curves(evidence)[0].y.high
    strange = with_curve(evidence, 1, "val_loss", mean=(1e6,) * 3)
    none, other = learning_curves(strange)[:4:2]
    assert limits(none.y) == limits(other.y)
    assert none.y.high < FARTHEST * 1.1 * before
    assert "off the scale, up to 1e+06" in legend(other)
    assert not [label for label in legend(none) if "off the scale" in label]


def test_of_two_methods_one_can_leave_the_scale_too(evidence):
    first, second, gone = (each.method for each in evidence.methods)
    kept = {method: curves for method, curves in evidence.curves.items() if method != gone}
    strange = replace(evidence, methods=evidence.methods[:2], curves=kept)
    mean = kept[second].val_loss.mean
    for panel in learning_curves(with_curve(strange, 1, "val_loss", mean=(mean[0], 1000.0, mean[2])))[::2]:
        assert panel.y.high < 50
    assert first == evidence.baseline


def test_a_loss_that_is_known_of_some_epochs_alone_is_drawn(evidence):
    curve = evidence.curves[evidence.methods[1].method].val_loss
    strange = with_curve(evidence, 1, "val_loss", mean=(curve.mean[0], None, curve.mean[2]),
                         deviation=(curve.deviation[0], None, curve.deviation[2]))  # fmt: skip
    panels = learning_curves(strange)
    assert len(panels) == 6
    assert [line.y[1] for line in of(panels[2], Line) if line.key == "val_loss"] == [None]


def test_a_large_gap_of_the_baseline_is_never_cut(evidence):
    curves = {}
    for each in evidence.methods:
        size = 0.5 if each.method == evidence.baseline else 0.001
        own = evidence.curves[each.method]
        curves[each.method] = replace(own, gap=Curve((size,) * len(own.epochs), (0.0,) * len(own.epochs)))
    assert all(map(inside, gap_curves(replace(evidence, curves=curves))))


def test_without_any_finite_curve_there_is_no_panel(evidence):
    nothing = {}
    for method, own in evidence.curves.items():
        unknown = Curve((None,) * len(own.epochs), (None,) * len(own.epochs))
        nothing[method] = replace(own, **dict.fromkeys(CURVES, unknown))
    lost = replace(evidence, curves=nothing)
    assert learning_curves(lost) == gap_curves(lost) == equal_fit(lost) == []


def test_a_single_epoch_is_visible(evidence):
    short = {}
    for method, own in evidence.curves.items():
        first = {name: Curve(own.curve(name).mean[:1], own.curve(name).deviation[:1]) for name in CURVES}
        short[method] = replace(own, epochs=own.epochs[:1], training=own.training[:1], **first)
    for panel in learning_curves(replace(evidence, curves=short)):
        assert all(line.marker for line in of(panel, Line) if line.x)
        assert [tick.label for tick in panel.x.ticks] == ["1"]
    assert not any(line.marker for panel in learning_curves(evidence) for line in of(panel, Line))


def test_an_onset_that_has_not_come_is_not_drawn(evidence):
    method = evidence.methods[0]
    for without, said, lines in (
        (method.finished, "overfitting has not begun.", 0),
        (1, f"has not begun in 1 of {method.finished} runs", 1),
        (0, "the onset of overfitting lies at epoch", 1),
    ):
        changed = replace(method, without_onset=without, onset=Spread(2.0, 0.5) if lines else None)
        panel = learning_curves(replace(evidence, methods=(changed, *evidence.methods[1:])))[0]
        assert said in panel.alternative
        assert [rule.at for rule in of(panel, Rule) if rule.dash == DOTTED] == [2.0] * lines
        assert ("no onset yet" in [remark.label for remark in of(panel, Remark)]) == (not lines)
        assert ("(not in 1 of" in " ".join(legend(panel))) == (without == 1)
