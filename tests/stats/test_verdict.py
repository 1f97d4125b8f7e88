"""The verdict is a pure function of outcomes: no folder, no run of ours."""

import numpy as np
import pytest
from made_outcomes import LABELS, NOISE, SEEDS, design, end, outcome, whole

from overfitlab.stats.crossed import crossed
from overfitlab.stats.findings import EQUIVALENT, HARMS, HELPS, UNDECIDED
from overfitlab.stats.verdict import compute_verdict


def without(outcomes, method, seed):
    return [each for each in outcomes if (each.method, each.seed) != (method, seed)]


def test_words_and_what_to_take():
    found = compute_verdict(whole(), design())
    assert not found.provisional
    words = {each.method: (each.metric.verdict, each.gap.verdict) for each in found.contrasts}
    assert words == {"good": (HELPS, HARMS), "calm": (EQUIVALENT, HELPS), "same": (EQUIVALENT, EQUIVALENT)}
    assert found.recommended == "good"
    assert found.contrasts[0].metric.mean == pytest.approx(3.0)
    assert found.contrasts[0].label == "good:rate=1"
    assert found.label("good") == "good:rate=1"
    calmest = compute_verdict([each for each in whole() if each.method != "good"], design(labels={
        name: label for name, label in LABELS.items() if name != "good"
    }, contrasts=[("calm", "none"), ("same", "none")]))  # fmt: skip
    assert calmest.recommended == "calm"


def test_nothing_that_helps_leaves_the_baseline():
    only = design(labels={"none": "none", "same": "same"}, contrasts=[("same", "none")])
    assert compute_verdict([each for each in whole() if each.method in only.labels], only).recommended == "none"


def test_what_was_not_shown_is_not_recommended():
    """Noise that hides what there is: the baseline is no better known than the others."""
    noisy = [
        outcome(method, seed, accuracy=0.8 + 0.1 * (-1) ** seed * (method == "same"))
        for method in ("none", "same") for seed in range(SEEDS)
    ]  # fmt: skip
    only = design(labels={"none": "none", "same": "same"}, contrasts=[("same", "none")])
    found = compute_verdict(noisy, only)
    assert found.contrasts[0].metric.verdict == UNDECIDED
    assert (found.over, found.recommended) == (True, None)


def test_the_order_of_outcomes_is_nothing():
    assert compute_verdict(whole()[::-1], design()) == compute_verdict(whole(), design())


def test_while_a_run_is_missing_there_is_no_word():
    found = compute_verdict(without(whole(), "same", 3), design())
    assert found.provisional
    assert found.recommended is None
    assert {(each.metric.verdict, each.gap.p_raw) for each in found.contrasts} == {(None, None)}
    assert found.contrasts[2].missing == 1
    assert found.methods[3].missing == 1
    settled = compute_verdict(without(whole(), "same", 3), design(), given_up=[("same", 3)])  # it never will be there
    assert not settled.provisional
    assert settled.contrasts[2].metric.n == SEEDS - 1


def test_seeds_of_another_look_are_left_out():
    early = compute_verdict(whole(), design(seeds=range(4), looks=(4, SEEDS)))
    assert early.seeds == 4
    assert early.contrasts[0].metric.seeds == (0, 1, 2, 3)
    assert early.methods[0].finished == 4


def test_a_run_that_diverged_is_an_outcome():
    found = compute_verdict(
        [*without(whole(), "good", 0), outcome("good", 0, end=None)], design()
    )  # fmt: skip
    assert not found.provisional
    assert found.methods[1].diverged == 1
    assert found.contrasts[0].metric.verdict == "undecided"
    assert found.contrasts[0].metric.reason.code == "one_run_of_the_method_diverged"


def test_conditions_that_were_not_the_same_are_named():
    runs = whole()
    runs[0] = outcome("none", 0, conditions={"torch": frozenset({"1"}), "threads": frozenset({"1"})})
    runs[1] = outcome("none", 1, conditions={"torch": frozenset({"2"}), "threads": frozenset({"1"})})
    assert compute_verdict(runs, design()).differing == ("torch",)
    runs[1] = outcome("none", 1, conditions={"threads": frozenset({"1", "2"})})
    assert compute_verdict(runs, design()).differing == ("threads",)


def test_few_test_images_give_an_interval_with_their_noise():
    rng = np.random.default_rng(0)
    right = {(method, seed): rng.random(200) < 0.8 for method in LABELS for seed in range(SEEDS)}
    runs = [
        outcome(each.method, each.seed, correct=right[each.method, each.seed], end=end(
            float(right[each.method, each.seed].mean()), 0.1
        ))
        for each in whole()
    ]  # fmt: skip
    found = compute_verdict(runs, design())
    assert found.test_images == 200
    differences = [100 * (right["good", seed].astype(float) - right["none", seed]) for seed in range(SEEDS)]
    assert found.contrasts[0].metric.crossed == crossed(np.array(differences))
    assert found.contrasts[0].gap.crossed is None
    assert compute_verdict(whole(), design()).contrasts[0].metric.crossed is None  # nothing is known of images
    other = [outcome(each.method, each.seed, correct=each.correct[: 100 + each.seed]) for each in runs]
    assert compute_verdict(other, design()).contrasts[0].metric.crossed is None  # not of the same images


def test_times_are_compared_by_their_median():
    runs = [
        outcome(each.method, each.seed, end=end(0.8, 0.1, seconds_per_epoch=3.0 + (each.seed == 0) * 100))
        if each.method == "good"
        else each
        for each in whole()
    ]
    [good, *_] = compute_verdict(runs, design()).contrasts
    assert good.time_ratio == 1.5
    assert good.time_quartiles == (1.5, 1.5)


def test_a_summary_of_each_method():
    [none, *_] = compute_verdict(whole(), design()).methods
    assert (none.method, none.finished, none.diverged, none.missing) == ("none", SEEDS, 0, 0)
    assert none.accuracy.mean == pytest.approx(100 * (0.8 + np.mean(NOISE)))
    assert none.accuracy.deviation == pytest.approx(100 * np.std(NOISE, ddof=1))
    assert none.onset.mean == 2
    assert none.without_onset == 0
    runs = [outcome("none", seed, end=end(0.8, 0.1, onset=3)) for seed in range(SEEDS)]
    [late] = compute_verdict(runs, design(labels={"none": "none"}, contrasts=[])).methods
    assert (late.onset, late.without_onset) == (None, SEEDS)  # nothing came after it
