"""A verdict in rounds: worked paths, and what may never change a word."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats import reading
from overfitlab.stats.design import Design, Until
from overfitlab.stats.findings import EQUIVALENT, HARMS, HELPS, UNDECIDED
from overfitlab.stats.multiplicity import holm
from overfitlab.stats.rounds import Axis, Rounds
from overfitlab.stats.verdict import compute_verdict

RISING = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7)
SAME = (0.1, -0.1, 0.05, -0.05, 0.1, -0.08, 0.0, 0.02)
OPEN = (3.0, -3.0, 2.5, -2.5, 3.0, -3.2, 2.0, -2.0, 3.0, -3.0, 2.5, -2.5)
BETTER = (2.1, 1.8, 2.5, 2.0, 2.2, 1.9, 2.4, 2.0, 2.1, 1.8, 2.2, 2.0)
METHODS = ("none", "one", "two", "three")


def wanted(outcomes, design, given_up=()):
    """Return the methods that train on, after all rounds that can be read."""
    by_run = {(each.method, each.seed): each for each in outcomes}
    return reading.progress(reading.read(by_run, {*by_run, *given_up}, design), design).wanted


def read(*contrasts, unit=0.0, maximum=12, rounds=None, diverged=None):
    """Return the rounds of contrasts on one axis with a margin of half a point, after so many of them."""
    length = min(map(len, contrasts))
    values = np.array([each[:length] for each in contrasts], dtype=float)
    found = Rounds([Axis(values, 0.5, unit)], maximum, 0.05, holm(len(contrasts)), diverged)
    for _ in range(length if rounds is None else rounds):
        found.read()
    return found


def only(found):
    [axis] = found.axes
    return axis


@pytest.mark.parametrize(("n", "evidence"), [(4, 3.54414), (5, 3.29326), (6, 6.62862), (7, 12.9702)])
def test_the_evidence_of_the_worked_path(n, evidence):
    largest = math.exp(only(read(RISING, rounds=n)).difference[0])
    assert largest == pytest.approx(3.54414 if n == 5 else evidence, rel=2e-6)  # the largest so far


def test_the_worked_path_helps_alone_and_is_undecided_among_three():
    alone = only(read(RISING))
    assert (alone.word[0], alone.decided_at[0]) == (HELPS, 7)
    assert only(read(RISING, rounds=6)).word[0] == UNDECIDED
    among = only(read(RISING, OPEN, OPEN))
    assert among.word.tolist() == [UNDECIDED] * 3
    assert among.p_adjusted[0] == pytest.approx(3 * alone.p[0])
    assert among.p_adjusted[0] > 0.05 > alone.p[0]


def test_the_worked_path_of_equivalence():
    four = only(read(SAME, rounds=4))
    assert math.exp(four.above[0]) == pytest.approx(18.3804, rel=1e-5)
    assert math.exp(four.below[0]) == pytest.approx(18.3804, rel=1e-5)
    assert (four.word[0], four.decided_at[0]) == (EQUIVALENT, 4)
    among = only(read(SAME, OPEN, OPEN, rounds=4))
    assert among.word[0] == UNDECIDED
    five = only(read(SAME, OPEN, OPEN, rounds=5))
    assert sorted(math.exp(each[0]) for each in (five.above, five.below)) == pytest.approx([51.8257, 54.1920], rel=1e-5)
    assert (five.word[0], five.decided_at[0]) == (EQUIVALENT, 5)


def test_nothing_is_said_before_the_fourth_pair():
    found = only(read((5.0, 5.1, 4.9), (0.0, 0.01, -0.01)))
    assert found.word.tolist() == [UNDECIDED] * 2
    assert (found.p == 1).all()
    assert (found.p_equivalence == 1).all()


def test_what_is_decided_keeps_p_and_word_and_uses_no_more_seeds():
    turning = BETTER[:5] + (-40.0,) * 7
    found = read(turning, OPEN)
    axis = only(found)
    at = axis.decided_at[0]
    before = only(read(turning, OPEN, rounds=at))
    assert (axis.word[0], found.used.tolist()) == (HELPS, [at, 12])
    assert (axis.p[0], axis.p_adjusted[0], axis.difference[0]) == (
        before.p[0],
        before.p_adjusted[0],
        before.difference[0],
    )
    assert not found.open[0]
    assert found.open[1]


@pytest.mark.parametrize("value", [100 / 359, 0.7, -3.0])
def test_no_spread_is_no_evidence_of_a_difference(value):
    found = only(read((value,) * 4, maximum=6))
    assert found.word[0] == UNDECIDED
    assert found.p[0] == 1
    later = only(read((value,) * 4 + (value + 0.01, value), maximum=6))
    assert np.isfinite(later.difference[0])  # with the first other difference there is one


@pytest.mark.parametrize(("images", "word"), [(10_000, EQUIVALENT), (20, UNDECIDED), (None, UNDECIDED)])
def test_no_difference_at_all_is_equivalent_if_images_are_many(images, word):
    found = only(read((0.0,) * 7, unit=None if images is None else 100 / images))
    assert found.word[0] == word
    assert found.p[0] == 1
    assert 0 < found.p_equivalence[0] <= 1


def test_a_smaller_gap_helps():
    values = -np.array([BETTER])
    found = Rounds([Axis(values, 0.5, 0.0, smaller_is_better=True)], 12, 0.05, (1,))
    for _ in range(6):
        found.read()
    assert only(found).word[0] == HELPS


def flags(contrasts, *places):
    found = np.zeros((contrasts, 12), dtype=bool)
    for contrast, seed in places:
        found[contrast, seed] = True
    return found


def test_a_later_divergence_voids_a_word():
    """The first axis is decided, the second still open, so that the method trains on; then it diverges."""
    values = np.array([BETTER])
    values[0, 8] = np.nan
    axes = [Axis(values, 0.5, 0.0), Axis(np.array([OPEN]) + 0 * values, 0.5, 0.0)]
    found = Rounds(axes, 12, 0.05, (1,), (flags(1, (0, 8)), flags(1)))
    words = []
    for _ in range(12):
        found.read()
        words.append(axes[0].word[0])
    at = axes[0].decided_at[0]
    assert words == [UNDECIDED] * (at - 1) + [HELPS] * (9 - at) + [UNDECIDED] * 4
    assert axes[0].said[0] == HELPS


def test_a_divergence_after_the_contrast_is_decided_is_ignored():
    values = np.array([BETTER, OPEN])
    values[0, 8] = np.nan
    axis = Axis(values, 0.5, 0.0)
    found = Rounds([axis], 12, 0.05, holm(2), (flags(2, (0, 8)), flags(2)))
    for _ in range(12):
        found.read()
    assert axis.word.tolist() == [HELPS, UNDECIDED]
    assert found.used[0] < 8


def test_what_is_still_sayable_of_a_method_that_diverged():
    worse = -np.array([BETTER])
    worse[0, 1] = np.nan
    method, other = (Rounds([Axis(worse, 0.5, 0.0)], 12, 0.05, (1,), sides) for sides in (
        (flags(1, (0, 1)), flags(1)), (flags(1), flags(1, (0, 1)))
    ))  # fmt: skip
    for found in (method, other):
        for _ in range(12):
            found.read()
    assert only(method).word[0] == HARMS
    assert only(other).word[0] == UNDECIDED  # it may be the better one: its rival diverged


def test_both_sides_diverged_closes_the_contrast():
    found = read(OPEN, OPEN, diverged=(flags(2, (0, 2)), flags(2, (0, 4))))
    assert found.used.tolist() == [5, 12]
    assert not found.open[0]


def test_many_studies_are_as_each_alone():
    rng = np.random.default_rng(0)
    values = rng.normal(0.8, 1.0, (200, 3, 12))
    together = Rounds([Axis(values, 0.5, 100 / 359)], 12, 0.05, (3, 1, 1))
    for _ in range(12):
        together.read()
    for index in range(0, 200, 20):
        alone = Rounds([Axis(values[index], 0.5, 100 / 359)], 12, 0.05, (3, 1, 1))
        for _ in range(12):
            alone.read()
        for name in ("word", "p", "p_adjusted", "p_equivalence_adjusted", "decided_at"):
            np.testing.assert_array_equal(getattr(only(together), name)[index], getattr(only(alone), name))
        np.testing.assert_array_equal(together.used[index], alone.used)


# whole verdicts


def design(methods=2, maximum=12, **changes):
    labels = {name: name for name in METHODS[:methods]}
    values = {
        "name": "study", "labels": labels, "contrasts": tuple((method, "none") for method in METHODS[1:methods]),
        "seeds": range(maximum), "looks": (maximum,), "look": 1, "alpha": 0.05, "margin": 0.5, "gap_margin": 1.0,
        "test_images": 10_000, "validation_images": 5_000, "until": Until(maximum),
    }  # fmt: skip
    return Design(**values | changes)


def outcome(method, seed, accuracy, gap=10.0):
    """Return a run, accuracy and gap in percent; None where it diverged."""
    end = None if accuracy is None else Endpoints(
        accuracy=accuracy / 100, gap=gap / 100, onset_accuracy=accuracy / 100, onset_gap=gap / 100, train_acc=0.9,
        val_acc=0.8, loss_gap=0.1, onset=2, acc_drop=0.0, loss_rise=0.0, best_epoch=2, epochs=3, seconds_per_epoch=2.0,
        parameters=10, peak_memory_mb=None,
    )  # fmt: skip
    return Outcome(method, seed, f"{method}-seed{seed}", end, [])


def study(*of_methods):
    """Return the runs of a baseline and of methods, given differences in accuracy; the gap is that of no method."""
    runs = [outcome("none", seed, 80.0, 10 + SAME[seed % 8]) for seed in range(12)]
    for method, values in zip(METHODS[1:], of_methods, strict=False):
        runs += [outcome(method, seed, None if each is None else 80 + each) for seed, each in enumerate(values)]
    return runs


def words_of(verdict):
    return {(each.method, name): each.axis(name).verdict for each in verdict.contrasts for name in ("metric", "gap")}


def test_a_whole_verdict():
    found = compute_verdict(study(BETTER, OPEN), design(3))
    assert not found.provisional
    assert words_of(found)["one", "metric"] == HELPS
    first, second = found.contrasts
    assert first.metric.decided_at == first.metric.n < 12
    assert second.metric.n == found.seeds == 12
    assert second.metric.decided_at is None
    assert found.progress.open == (("two", "none"),)
    assert found.over
    assert found.recommended == "one"
    # the interval beside the word is valid at any time, so wider than the plain one
    assert first.metric.low < first.metric.plain_low < first.metric.plain_high < first.metric.high


def test_who_trains_on():
    runs = study(BETTER, OPEN)
    assert wanted([], design(3)) == ("none", "one", "two")
    assert wanted(runs, design(3)) == ()  # the maximum is reached
    early = [each for each in runs if each.seed < 8]
    assert wanted(early, design(3)) == ("none", "two")
    assert compute_verdict(early, design(3)).recommended is None  # it is not over
    assert wanted([each for each in runs if each.method != "two"], design(2)) == ()


def test_a_failed_run_blocks_its_round_until_it_is_given_up():
    runs = study(BETTER, OPEN)
    left = [each for each in runs if (each.method, each.seed) != ("two", 5)]
    blocked = compute_verdict(left, design(3))
    assert blocked.progress.round == 5
    assert blocked.progress.wanted
    assert blocked.contrasts[0].metric.n <= 5
    settled = compute_verdict(left, design(3), given_up=[("two", 5)])
    assert settled.progress.round == 12
    assert settled.contrasts[1].metric.n == 11
    assert settled.contrasts[1].missing == 1
    of_decided = [each for each in runs if (each.method, each.seed) != ("one", 10)]
    assert compute_verdict(of_decided, design(3)) == compute_verdict(runs, design(3))  # nobody waits for that one


def test_a_word_that_a_divergence_forbids_has_its_reason():
    values = list(BETTER)
    values[2] = None
    [found] = compute_verdict(study(values), design()).contrasts
    assert found.metric.verdict == UNDECIDED
    assert found.metric.reason.code == "one_run_of_the_method_diverged"
    assert found.metric.decided_at is None
    assert found.metric.p_adjusted <= 0.05


def test_runs_without_pairs_have_no_word_and_no_number():
    [found] = compute_verdict([], design()).contrasts
    assert (found.metric.verdict, found.metric.reason.code) == (UNDECIDED, "no_pair_of_runs")
    assert (found.metric.n, found.metric.mean, found.metric.p_raw) == (0, None, 1)


differences = st.sampled_from(
    [BETTER, SAME + SAME[:4], OPEN, tuple(-each for each in BETTER), (0.0,) * 12, (0.28,) * 12, RISING + RISING[:5]]
)
shaken = st.lists(st.sampled_from([0.0, 0.28, -0.56, 0.9]), min_size=12, max_size=12)
of_method = st.tuples(differences, shaken).map(lambda both: [one + more for one, more in zip(*both, strict=True)])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(of_method, min_size=3, max_size=3), st.sets(st.tuples(st.sampled_from(METHODS), st.integers(0, 11)),
       max_size=2), st.data())  # fmt: skip
@pytest.mark.slow
def test_the_order_in_which_runs_finish_is_nothing(values, diverging, data):
    runs = [
        outcome(run.method, run.seed, None) if (run.method, run.seed) in diverging else run for run in study(*values)
    ]
    final = compute_verdict(runs, design(4))
    shuffled = data.draw(st.permutations(runs))
    assert compute_verdict(shuffled, design(4)) == final
    # after any number of them: the same word, or none yet, unless a divergence has voided it since
    counted = data.draw(st.integers(0, len(runs)))
    early = compute_verdict(shuffled[:counted], design(4))
    assert early.seeds <= final.seeds
    for place, word in words_of(early).items():
        if word != UNDECIDED:
            assert words_of(final)[place] == word or (diverging and words_of(final)[place] == UNDECIDED)
    # and who trains on as asked, one seed after the other, ends up with the same
    trained = []
    for seed in range(12):
        trained += [run for run in shuffled if run.seed == seed and run.method in wanted(trained, design(4))]
    assert compute_verdict(trained, design(4)) == final
