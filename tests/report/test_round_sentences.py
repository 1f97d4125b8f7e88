"""What is said of a verdict in rounds: from real rounds, so that every sentence is true of its numbers."""

from dataclasses import replace

import numpy as np
import pytest

from overfitlab.report.closeness import closeness
from overfitlab.report.round_sentences import about_intervals, state
from overfitlab.report.study_sentences import answer, decided_sentence, headline
from overfitlab.report.study_tables import contrast_table, has_sign_flips, onset_table, p_table
from overfitlab.results.history import EpochRow
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.design import Design, Until
from overfitlab.stats.verdict import compute_verdict
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

HELPFUL = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7, 1.2)  # EVIDENCE: decided at n = 7 as the only contrast, T = 12
NOTHING = (3.0, -2.0, 1.0, -3.0, 2.0, -1.0, 0.5, 0.0, 1.0, -1.5, 2.0, -2.0)
SMALLER_GAP = tuple(-10 + 0.1 * (-1) ** k for k in range(12))


def outcome(method, seed, accuracy, gap):
    end = Endpoints(
        accuracy=accuracy, gap=gap, onset_accuracy=accuracy, onset_gap=gap, train_acc=0.9, val_acc=0.9 - gap,
        loss_gap=0.1, onset=2, acc_drop=0.0, loss_rise=0.0, best_epoch=2, epochs=3, seconds_per_epoch=2.0,
        parameters=10, peak_memory_mb=None,
    )  # fmt: skip
    rows = [EpochRow(epoch, 2.0, 0.5, 0.5, 0.5, 0.8, 0.4, 0.6 + epoch / 10) for epoch in (1, 2, 3)]
    return Outcome(method, seed, f"{method}-seed{seed}", end=end, rows=rows)


def verdict(differences, gaps=SMALLER_GAP, maximum=12):
    ended = []
    for seed, (difference, gap) in enumerate(zip(differences, gaps, strict=False)):
        ended.append(outcome("none", seed, 0.5, 0.3))
        ended.append(outcome("dropout", seed, 0.5 + difference / 100, 0.3 + gap / 100))
    contrasts = (("dropout", "none"),)
    design = Design("study", {"none": "none", "dropout": "dropout"}, contrasts, tuple(range(maximum or 1000)), (12,), 1,
                    0.05, 0.5, 1.0, 10_000, 10_000, Until(maximum))  # fmt: skip
    return compute_verdict(ended, design)


def test_a_word_says_after_how_many_seeds_it_was_there():
    found = verdict(HELPFUL)
    [contrast] = found.contrasts
    assert (contrast.metric.decided_at, contrast.gap.decided_at) == (7, 4)
    assert state(found) == "Decided after 7 seeds."
    text = answer(found)
    assert "dropout generalizes better than none: 0.8 points more test accuracy (always-valid 95 % interval" in text
    assert "decided after 7 seeds, n = 7)" in text
    assert "decided after 4 seeds, n = 7)" in text
    assert decided_sentence(contrast, ("metric", "gap"), found) == (
        "After 7 seeds, compared with none: dropout (+0.8 points of test accuracy) generalizes better; dropout (-10.0 "
        "points of gap) overfits less."
    )
    assert decided_sentence(contrast, ("gap",), found).startswith("After 4 seeds, compared with none: dropout (-10.0")
    korean = decided_sentence(contrast, ("gap",), found, language_named("ko"))
    assert (
        korean
        == "시드 4개로 기준 모델(규제 없음)과 비교한 결과입니다. 드롭아웃(격차 -10.0%p)은 과대적합이 더 적습니다."
    )


def test_what_is_open_is_not_called_undecided():
    found = verdict(HELPFUL[:5])
    assert not found.over
    assert state(found) == "So far 5 seeds; still open: dropout - none."
    assert "Whether dropout generalizes better than none is open so far:" in answer(found)
    assert "undecided" not in answer(found)
    assert headline(verdict(NOTHING[:5], NOTHING)) == "Compared with none, nothing is decided yet."
    assert closeness(found.contrasts[0].metric, 0.5, found, ENGLISH) == ""


def test_the_maximum_is_the_end():
    found = verdict(NOTHING)
    assert found.over
    assert state(found) == "Not decided at the maximum of 12 seeds: dropout - none."
    assert "Whether dropout generalizes better than none is undecided:" in answer(found)
    assert "close" not in answer(found).lower()


def test_words_that_came_before_the_maximum_are_not_close():
    """Rounds end as soon as p is small enough, so it is near to the level by their nature."""
    found = verdict(HELPFUL)
    near = replace(found.contrasts[0].metric, p_adjusted=0.04)
    assert near.decided_at == 7
    assert closeness(near, 0.0, found, ENGLISH) == ""
    assert (
        closeness(replace(near, decided_at=12), 0.0, found, ENGLISH)
        == " Close: adjusted p is 0.040, and the limit is 0.05."
    )


def test_tables_name_their_intervals():
    found = verdict(HELPFUL)
    table = contrast_table(found)
    assert table.header == (
        "contrast", "test accuracy", "95 %, always valid", "p adjusted", "verdict", "after seeds", "gap",
        "95 %, always valid", "p adjusted", "verdict", "after seeds", "n", "time",
    )  # fmt: skip
    assert table.rows[0][5] == "7"
    assert table.tones == {(0, 4): "helps", (0, 9): "helps"}
    assert table.note == about_intervals(found)
    assert "hold for every number of seeds at once" in table.note
    assert onset_table(found).header[2] == "95 %, plain"
    assert "95 %, plain" in p_table(found).header
    assert p_table(replace(found, metric="loss")).rows[0][1] == "test loss"
    metric = found.contrasts[0].metric
    assert f"{metric.plain_low:+.2f} to {metric.plain_high:+.2f}" in p_table(found).rows[0]
    assert metric.low < metric.plain_low
    assert not has_sign_flips(found)


def test_a_fixed_number_of_seeds_has_no_state():
    design = Design("study", {"none": "none"}, (), (), (1,), 1, 0.05, 0.5, 1.0)
    nothing = compute_verdict([], design)
    assert state(nothing) == about_intervals(nothing) == ""


@pytest.mark.parametrize("seeds", [1, 3])
def test_before_the_first_round_that_counts(seeds):
    found = verdict(np.array(HELPFUL[:seeds]))
    assert state(found).startswith(f"So far {seeds} seed")
    assert "a verdict needs 4" in answer(found)
