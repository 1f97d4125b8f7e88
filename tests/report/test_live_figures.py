"""Curves as somebody wants to see them who looks on: they say what they are of, and no more than is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from overfitlab.report.live_figures import View, live_curves, live_gaps, smoothed
from overfitlab.report.marks import Band, Line, Rule
from overfitlab.study.watching import Watched
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named


@pytest.fixture(scope="module")
def watched(small_study):
    found = Watched(small_study)
    found.refresh()
    return found


def curves(watched, view=View(), glances=None, say=ENGLISH):  # noqa: B008 - it is frozen
    return live_curves(watched.evidence(), watched.glances if glances is None else glances, view, say)


def labels(panel):
    return [mark.label for mark in panel.marks if mark.label]


def test_two_panels_for_each_method_on_the_same_scales(watched):
    found = curves(watched)
    assert [panel.title for panel in found][:3] == ["none: loss", "none: accuracy", "dropout: loss"]
    assert len({(panel.y.low, panel.y.high) for panel in found[::2]}) == 1
    assert "band: ±1 SD over 4 seeds" in labels(found[0])


def test_the_mean_is_that_of_the_runs(watched):
    [line] = [mark for mark in curves(watched)[0].marks if isinstance(mark, Line) and mark.label == "validation"]
    rows = [each.rows for each in watched.glances if each.method == watched.evidence().baseline]
    assert line.y == pytest.approx(np.mean([[row.val_loss for row in of] for of in rows], axis=0))


def test_a_run_that_is_trained_is_a_line_of_its_own_and_changes_no_mean(watched):
    evidence = watched.evidence()
    training = replace(watched.glances[0], name="x", seed=9, status="running", rows=watched.glances[0].rows[:2])
    without, found = curves(watched)[0], curves(watched, glances=[*watched.glances, training])[0]
    assert "thin: in training, seed 9" in labels(found)
    assert "seed 9: epoch 2 done" in found.alternative
    thin = [mark for mark in found.marks if isinstance(mark, Line) and mark.key.endswith(":x")]
    assert [len(mark.x) for mark in thin] == [2, 2]
    means = [[mark for mark in panel.marks if mark.key in ("train_loss", "val_loss")] for panel in (without, found)]
    assert means[0] == means[1]
    assert evidence.curves[evidence.baseline].runs == 4


def test_only_what_is_asked_for(watched):
    method = watched.record.config.methods[1]
    [panel] = curves(watched, View(metrics=("acc",), methods=frozenset({method})))
    assert panel.title == "dropout: accuracy"
    assert curves(watched, View(methods=frozenset())) == []
    single = curves(watched, View(single=True))[0]
    assert sum(isinstance(mark, Line) and ":" in mark.key for mark in single.marks) == 2 * 4


def test_a_logarithmic_loss_leaves_the_accuracy_as_it_is(watched):
    loss, accuracy, *_ = curves(watched, View(log=True))
    assert (loss.y.log, accuracy.y.log) == (True, False)
    assert loss.y.low > 0


@pytest.mark.parametrize("weight", [0.3, 0.6, 0.95])
def test_smoothing_is_the_one_of_pandas(weight):
    values = tuple(np.random.default_rng(0).normal(size=30))
    expected = pd.Series(values).ewm(alpha=1 - weight, adjust=True).mean()
    assert smoothed(values, weight) == pytest.approx(tuple(expected))
    assert smoothed((1.0, None, 3.0), weight)[1] is None
    assert smoothed(values, 0.0) is values


def test_smoothing_says_so_and_shows_what_it_smooths(watched):
    panel = curves(watched, View(smoothing=0.6))[0]
    assert "smoothed, weight 0.6; faint: unsmoothed" in labels(panel)
    faint = [mark for mark in panel.marks if isinstance(mark, Line) and mark.opacity == 0.4]
    assert len(faint) == 2
    plain = curves(watched)[0]
    bands = [[mark for mark in each.marks if isinstance(mark, Band) and mark.x] for each in (panel, plain)]
    assert bands[0] == bands[1], "the band is of the values as they are"


def test_gaps_have_a_line_at_zero(watched):
    for panel in live_gaps(watched.evidence(), watched.glances, View(), ENGLISH):
        assert isinstance(panel.marks[0], Rule)
        assert panel.marks[0].at == 0.0


def test_nothing_has_begun(watched):
    evidence = watched.evidence()
    empty = replace(evidence, curves={method: replace(found, runs=0) for method, found in evidence.curves.items()})
    for panel in live_curves(empty, [], View(), ENGLISH):
        assert "no run has begun" in panel.alternative
        assert [mark for mark in panel.marks if isinstance(mark, Band)] == []


def test_korean(watched):
    panel = curves(watched, say=language_named("ko"))[0]
    assert "검증" in labels(panel)
    assert "에포크별" in panel.alternative
