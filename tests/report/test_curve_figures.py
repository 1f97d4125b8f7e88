"""Figures over the epochs: panels of one figure can be compared by eye."""

import copy
import json

import pytest
from matplotlib.figure import Figure

import overfitlab
from overfitlab.report.curve_figures import FARTHEST, equal_fit, gap_curves, learning_curves


@pytest.fixture(scope="module")
def evidence(small_study):
    return json.loads(json.dumps(overfitlab.load_study(small_study).evidence()))


def drawn(panels):
    """Return the axes of each panel."""
    found = []
    for panel in panels:
        axes = Figure().add_subplot()
        panel.draw(axes)
        found.append(axes)
    return found


def inside(axes):
    low, high = axes.get_ylim()
    return all(
        low <= y <= high
        for line in axes.get_lines()
        for y in line.get_ydata()
        if line.get_transform() == axes.transData
    )


def test_panels_of_a_figure_have_one_scale_that_holds_everything(evidence):
    loss_and_accuracy = drawn(learning_curves(evidence))
    for axes in (loss_and_accuracy[::2], loss_and_accuracy[1::2], drawn(gap_curves(evidence))):
        assert len(axes) == 3
        assert len({each.get_ylim() for each in axes}) == 1
        assert all(map(inside, axes))
    fits = drawn(equal_fit(evidence))
    assert len(fits) == 2
    assert {each.get_xlim() for each in fits} == {each.get_ylim() for each in fits} == {fits[0].get_xlim()}
    assert all(map(inside, fits))


def test_a_loss_without_end_leaves_the_scale_and_that_is_said(evidence):
    before = drawn(learning_curves(evidence))[0].get_ylim()
    strange = copy.deepcopy(evidence)
    curves = strange["curves"][strange["methods"][1]["method"]]
    curves["val_loss"]["mean"] = [1e6 for _ in curves["val_loss"]["mean"]]
    none, other = drawn(learning_curves(strange))[:4:2]
    assert none.get_ylim() == other.get_ylim()
    assert none.get_ylim()[1] < FARTHEST * 1.1 * before[1]
    assert "leaves the scale, up to 1e+06" in other.get_legend_handles_labels()[1]
    assert not [label for label in none.get_legend_handles_labels()[1] if "leaves" in label]


def test_of_two_methods_one_can_leave_the_scale_too(evidence):
    strange = copy.deepcopy(evidence)
    strange["methods"], gone = strange["methods"][:2], strange["methods"][2]["method"]
    del strange["curves"][gone]
    curves = strange["curves"][strange["methods"][1]["method"]]["val_loss"]
    curves["mean"][1] = 1000.0
    for axes in drawn(learning_curves(strange))[::2]:
        assert axes.get_ylim()[1] < 50


def test_a_loss_that_is_known_of_some_epochs_alone_is_drawn(evidence):
    strange = copy.deepcopy(evidence)
    curves = strange["curves"][strange["methods"][1]["method"]]["val_loss"]
    curves["mean"][1] = curves["deviation"][1] = None
    assert len(drawn(learning_curves(strange))) == 6


def test_a_large_gap_of_the_baseline_is_never_cut(evidence):
    strange = copy.deepcopy(evidence)
    for each in strange["methods"]:
        gap = strange["curves"][each["method"]]["gap"]
        size = 0.5 if each["method"] == strange["baseline"] else 0.001
        gap["mean"], gap["deviation"] = ([size for _ in gap["mean"]], [0.0 for _ in gap["mean"]])
    assert all(map(inside, drawn(gap_curves(strange))))


def test_without_any_finite_curve_there_is_no_panel(evidence):
    lost = copy.deepcopy(evidence)
    for curves in lost["curves"].values():
        for name in ("train_loss", "val_loss", "train_acc", "val_acc", "gap"):
            curves[name] = {"mean": [None for _ in curves["epochs"]], "deviation": [None for _ in curves["epochs"]]}
    assert learning_curves(lost) == gap_curves(lost) == equal_fit(lost) == []


def test_an_onset_that_has_not_come_is_not_drawn(evidence):
    method = evidence["methods"][0]
    for without, said, lines in (
        (method["finished"], "overfitting has not begun.", 0),
        (1, f"has not begun in 1 of {method['finished']} runs", 1),
        (0, "the onset of overfitting lies at epoch", 1),
    ):
        changed = copy.deepcopy(evidence)
        onset = {"mean": 2.0, "deviation": 0.5}
        changed["methods"][0] |= {"without_onset": without, "onset": onset if lines else None}
        panel = learning_curves(changed)[0]
        assert said in panel.alternative
        [axes] = drawn([panel])
        assert sum(line.get_linestyle() == ":" for line in axes.get_lines()) == lines
        labels = " ".join(axes.get_legend_handles_labels()[1])
        assert ("no onset yet" in labels) == (not lines)
        assert ("(not in 1 of" in labels) == (without == 1)
