"""What weakens an answer is computed beside it."""

from dataclasses import replace

import numpy as np
import pytest
from made_outcomes import NOISE, SEEDS, design, end, outcome, whole

from overfitlab.results.history import EpochRow
from overfitlab.stats.crossed import Crossed
from overfitlab.stats.findings import HELPS
from overfitlab.stats.power import power_to_differ
from overfitlab.stats.verdict import compute_verdict
from overfitlab.stats.weakness import images_needed, near_chance, weaknesses
from overfitlab.words.language import ENGLISH

ONE = {"labels": {"none": "none", "good": "good"}, "contrasts": [("good", "none")]}
CLASSES = [1000] * 10


def study(seeds=SEEDS, *, changed=(), **changes):
    """Return a verdict on `good`, which is better, and `none`; `changed` has values of runs of `good`, by seed."""
    runs = [
        outcome(method, seed, accuracy, **(dict(changed).get(seed, {}) if method == "good" else {}))
        for seed in range(seeds) for method, accuracy in (("none", 0.8), ("good", 0.83))
    ]  # fmt: skip
    values = ONE | {"seeds": range(seeds), "looks": (seeds,), "test_classes": CLASSES}
    return compute_verdict(runs, design(**values | changes))


def codes(verdict):
    return [each.code for each in verdict.weaknesses]


def values(verdict, code):
    [found] = [each.values for each in verdict.weaknesses if each.code == code]
    return found


def test_a_sound_study_has_none():
    assert codes(study()) == []
    assert study().contrasts[0].metric.verdict == HELPS


def rows(losses, accuracies=(0.3, 0.5, 0.7)):
    return [
        EpochRow(epoch, 1.0, loss, acc, 0.5, 0.8, loss, acc)
        for epoch, (loss, acc) in enumerate(zip(losses, accuracies, strict=True), 1)
    ]


STILL = {"rows": rows((2.3026, 2.3025, 2.3024)), "end": end(0.1, 0.0, train_acc=0.1)}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (STILL, "loss_never_moved"),
        (STILL | {"classes": np.full(50, 3)}, "loss_never_moved"),  # told once
        ({"classes": np.full(50, 3)}, "one_class_predicted"),
        ({"end": end(0.1, 0.0, train_acc=0.13), "rows": rows((2.3, 2.2, 2.1))}, "training_never_got_going"),
    ],
)
def test_networks_that_did_not_learn(changed, code):
    found = study(changed={0: changed, 4: changed})
    assert codes(found)[0] == code
    told = values(found, code)
    assert (told["method"], told["count"], told["all"]) == ("good", 2, SEEDS)
    assert len([each for each in found.weaknesses if each.values.get("method") == "good"]) == 1


def test_a_network_that_learned_a_little_did_learn():
    assert codes(study(changed={0: {"rows": rows((0.01, 0.01, 0.01))}})) == []  # it began with weights that know all
    assert "training_never_got_going" not in codes(study(changed={0: {"end": end(0.2, 0.0, train_acc=0.2)}}))
    assert near_chance(0.5, 0.5)
    assert not near_chance(0.6, 0.5)
    assert near_chance(0.9, 0.9)  # nine of ten images are of one class
    assert not near_chance(0.0, None)


def test_nothing_overfits():
    late = {"end": end(0.83, 0.1, onset=3)}
    assert "no_run_overfits" not in codes(study(changed=dict.fromkeys(range(SEEDS), late)))
    runs = [replace(each, end=replace(each.end, onset=3)) for each in whole()]
    assert codes(compute_verdict(runs, design()))[0] == "no_run_overfits"
    some = [replace(each, end=replace(each.end, onset=3)) if each.method == "none" and each.seed < 4 else each
            for each in whole()]  # fmt: skip
    told = values(compute_verdict(some, design()), "baseline_hardly_overfits")
    assert told == {"method": "none", "count": 4, "all": SEEDS}


def test_runs_that_are_not_among_the_numbers():
    diverged = study(changed={2: {"end": None}})
    assert values(diverged, "some_runs_diverged") == {"method": "good", "count": 1, "all": SEEDS}
    assert codes(study(changed={seed: {"end": None} for seed in range(SEEDS)}))[0] == "all_runs_diverged"
    runs = [each for each in whole() if (each.method, each.seed) != ("same", 1)]
    given_up = compute_verdict(runs, design(), given_up=[("same", 1)])
    assert values(given_up, "runs_are_missing") == {"method": "same", "count": 1, "all": SEEDS}
    assert codes(compute_verdict(runs, design())) == []  # provisional: it may still come


def test_few_seeds():
    """2 / 2^n is the least p of the exact test (EVIDENCE 10): .25 at 3 seeds, .0625 at 5, .03125 at 6."""
    assert values(study(3), "no_exact_test_can_agree_with_one") == {"n": 3, "p": 0.25}
    assert values(study(5), "no_exact_test_can_agree_with_one")["p"] == 0.0625
    assert codes(study(6)) == []
    three = compute_verdict([each for each in whole() if each.seed < 6], design(seeds=range(6), looks=(6,)))
    assert values(three, "no_exact_test_can_agree") == {"n": 6, "p": 0.03125, "corrected": 0.09375, "count": 3}
    assert codes(study(2)) == ["fewer_seeds_than_a_verdict_needs"]


def test_low_power_is_that_of_the_noise_that_was_seen():
    noise = (0.03, -0.03, 0.01, -0.02)
    found = study(4, changed={seed: {"end": end(0.81 + each, 0.1)} for seed, each in enumerate(noise)})
    told, finding = values(found, "low_power"), found.contrasts[0].metric
    assert (told["n"], told["difference"], told["what"]) == (4, 2.0, "points")
    assert told["deviation"] == pytest.approx(finding.deviation)
    assert told["chance"] == pytest.approx(100 * power_to_differ(2.0, finding.deviation, 4, 0.5, 0.05, 1))
    assert "low_power" not in codes(study(4))  # all of it was found


def test_few_images():
    told = values(study(test_images=359), "few_test_images")
    assert (told["images"], round(told["points"], 2)) == (359, 0.28)
    assert codes(study(test_images=401)) == []


def test_a_word_for_these_images_only():
    found = study()
    [contrast] = found.contrasts
    for low, said in ((-0.5, ["shown_for_these_images_only"]), (0.5, [])):
        crossed = Crossed(3.0, low, 6.0, 0.1, 1.0)
        one = replace(contrast, metric=replace(contrast.metric, crossed=crossed))
        assert [each.code for each in weaknesses(found.methods, [one], [], design(**ONE))] == said


def test_how_many_images_tell_a_difference():
    """A deviation of 1 point of the mean with 100 images is 0.5 with 400: 1.96 of it are 0.98."""
    assert images_needed(1.0, 0.98, 100) == 400
    assert images_needed(1.0, -0.98, 100) == 400
    assert images_needed(1.0, 0.0, 100) is None


def test_less_overfitting_by_learning_less():
    runs = [
        outcome(method, seed, 0.8, 0.1 if method == "none" else 0.02,
                end=end(0.8 + NOISE[seed] / 10, (0.1 if method == "none" else 0.02) + NOISE[seed - (method == "none")],
                        train_acc=0.9 if method == "none" else 0.7))
        for method in ("none", "good") for seed in range(SEEDS)
    ]  # fmt: skip
    told = values(compute_verdict(runs, design(**ONE)), "smaller_gap_by_learning_less")
    assert (told["method"], told["against"], round(told["points"])) == ("good", "none", 20)


def test_every_weakness_is_a_sentence():
    for found in (study(3, test_images=100), study(2), study(changed={0: {"end": None}, 1: {"classes": np.zeros(9)}})):
        for each in found.weaknesses:
            assert ENGLISH.reason(each).endswith("."), each
