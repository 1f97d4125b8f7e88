"""What looks like a mistake and is none is told, with where it is explained."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_outcomes import SEEDS, design, outcome, whole

from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Measurement, Parts
from overfitlab.stats.oddities import of_run
from overfitlab.stats.verdict import compute_verdict
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

DOCS = Path(__file__).resolve().parents[2]


def rows(val_acc, val_loss, acc=(0.3, 0.6, 0.9)):
    return [
        EpochRow(epoch, 1.0, 0.5, fitted, loss, right)
        for epoch, (fitted, loss, right) in enumerate(zip(acc, val_loss, val_acc, strict=True), 1)
    ]


def parts(train_loss, train_acc, val_loss, val_acc):
    return Parts(
        training=Measurement(100, train_loss, train_acc, train_acc),
        validation=Measurement(100, val_loss, val_acc, val_acc),
    )


def codes(*given):
    return [each.code for each in of_run(*given)]


def test_validation_near_chance_in_the_first_epochs_of_batch_norm():
    odd = rows((0.1, 0.12, 0.8), (2.3, 2.2, 0.6), acc=(0.4, 0.6, 0.82))
    [found] = of_run(odd, None, "dropout+batch_norm", 10)[:1]
    assert (found.code, found.values["epoch"]) == ("validation_near_chance_at_first", 2)
    assert "validation_near_chance_at_first" not in codes(odd, None, "dropout", 10)
    assert "validation_near_chance_at_first" not in codes(odd, None, "batch_norm", None)
    fine = rows((0.3, 0.5, 0.8), (2.0, 1.2, 0.6), acc=(0.4, 0.6, 0.82))
    assert codes(fine, None, "batch_norm", 10) == []


def test_a_gap_without_onset():
    falling = rows((0.3, 0.5, 0.8), (2.0, 1.2, 0.6))
    [found] = of_run(falling, None, "none", 10)
    assert (found.code, round(found.values["points"])) == ("gap_without_onset", 10)
    assert codes(rows((0.3, 0.5, 0.8), (2.0, 0.5, 0.6)), None, "none", 10) == []  # it has an onset
    assert codes([], None, "none", 10) == []


def test_a_network_that_did_not_learn():
    assert codes(rows((0.1,) * 3, (2.3,) * 3, acc=(0.1, 0.1, 0.11)), None, "none", 10) == ["did_not_learn"]


@pytest.mark.parametrize(("val_loss", "said"), [(0.2, ["two_gaps_of_a_run"]), (0.4, [])])
def test_two_gaps_that_point_opposite_ways(val_loss, said):
    after_an_onset = rows((0.8, 0.8, 0.85), (0.5, 0.4, 0.6))
    assert codes(after_an_onset, parts(0.3, 0.9, val_loss, 0.85), "mixup", 10) == said


def test_contrasts_whose_gaps_differ_in_opposite_ways():
    def with_loss(each, nats):
        return replace(each, end=replace(each.end, loss_gap=nats + each.end.gap / 10))

    only = {"labels": {"none": "none", "calm": "calm"}, "contrasts": [("calm", "none")]}
    runs = [each for each in whole() if each.method in only["labels"]]
    opposite = [with_loss(each, 0.5 if each.method == "calm" else 0.1) for each in runs]
    [found] = compute_verdict(opposite, design(**only)).oddities
    assert (found.code, found.values["method"], found.values["against"]) == ("two_gaps_of_a_contrast", "calm", "none")
    assert found.values["points"] < 0 < found.values["nats"]
    same = [with_loss(each, 0.1 if each.method == "calm" else 0.5) for each in runs]
    assert compute_verdict(same, design(**only)).oddities == ()
    few = compute_verdict([each for each in opposite if each.seed < 2], design(**only, seeds=range(2), looks=(2,)))
    assert few.oddities == ()


def test_the_method_with_the_largest_gap_without_onset():
    runs = [outcome(method, seed, gap=0.2 if method == "good" else 0.1) for method in ("none", "good")
            for seed in range(SEEDS)]  # fmt: skip
    late = [replace(each, end=replace(each.end, onset=3)) for each in runs]
    only = design(labels={"none": "none", "good": "good"}, contrasts=[("good", "none")])
    [found] = compute_verdict(late, only).oddities
    assert (found.code, found.values["method"], round(found.values["points"])) == (
        "gap_without_onset_of_a_method", "good", 20,
    )  # fmt: skip
    assert compute_verdict(runs, only).oddities == ()


@pytest.mark.parametrize(("language", "page"), [(ENGLISH, "oddities.md"), (language_named("ko"), "oddities.ko.md")])
def test_every_oddity_leads_to_an_explanation_that_is_there(language, page):
    text = (DOCS / "docs" / page).read_text(encoding="utf-8")
    linked = 0
    for sentence in language.reasons.values():
        if "docs/oddities" in sentence:
            assert f"docs/{page}#" in sentence, sentence
            anchor = sentence.partition(f"docs/{page}#")[2].partition(")")[0]
            assert f'<a id="{anchor}"></a>' in text, anchor
            linked += 1
    assert linked >= 8
