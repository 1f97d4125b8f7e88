"""The word for each contrast, and what is said where there is none."""

import numpy as np
import pytest

from overfitlab.stats.verdict import (
    EQUIVALENT,
    HARMS,
    HELPS,
    UNDECIDED,
    Diverged,
    Paired,
    findings,
    words,
)

BETTER = (2.1, 1.8, 2.5, 2.0, 2.2, 1.9, 2.4)
SAME = (0.1, -0.1, 0.05, -0.05, 0.1, -0.08, 0.0)
NOISY = (3.0, -2.0, 1.0, -3.0, 2.0, -1.0, 0.5)


def contrast(differences):
    return Paired(tuple(differences), tuple(range(len(differences))))


def one(differences, zone=0.5, **options):
    diverged = options.pop("diverged", None)
    [found] = findings([contrast(differences)], zone, diverged=diverged and [diverged], **options)
    return found


@pytest.mark.parametrize(
    ("differences", "word"),
    [(BETTER, HELPS), ([-each for each in BETTER], HARMS), (SAME, EQUIVALENT), (NOISY, UNDECIDED)],
)
def test_the_four_words(differences, word):
    assert one(differences).word == word


def test_a_smaller_gap_helps():
    assert one([-each for each in BETTER], smaller_is_better=True).word == HELPS
    assert one(BETTER, smaller_is_better=True).word == HARMS
    assert one(BETTER, smaller_is_better=True).mean == pytest.approx(np.mean(BETTER))  # the number keeps its sign


def test_a_sure_difference_within_the_zone_is_no_help():
    differences = [each / 5 for each in BETTER]  # 0.4 points, and p far below 0.05
    found = one(differences)
    assert found.p < 0.001
    assert found.word == EQUIVALENT
    assert one(differences, zone=0.45).word == UNDECIDED  # inside, but not shown to be


def test_words_of_many_at_once():
    found = words([2, -2, 0.1, 2, np.nan], [0.01, 0.01, 0.9, 0.06, np.nan], [1, 1, 0.01, 1, np.nan], 0.5, 0.05)
    assert found.tolist() == [HELPS, HARMS, EQUIVALENT, UNDECIDED, UNDECIDED]


def test_contrasts_are_adjusted_together():
    weak = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7)
    alone = one(weak)
    first, *_ = findings([contrast(weak), contrast(NOISY), contrast(NOISY)], 0.5)
    assert first.p == alone.p
    assert first.p_adjusted == pytest.approx(min(1, 3 * alone.p))


def test_a_level_that_looks_have_shared():
    weak = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7)
    p = one(weak).p
    assert one(weak, alpha=p * 1.01).word == HELPS
    assert one(weak, alpha=p * 0.99).word == UNDECIDED


@pytest.mark.parametrize(
    ("differences", "reason"), [((), "no pair of finished runs"), ((1.0,), "1 pair"), ((1.0, 1.1), "2 pairs")]
)
def test_too_few_pairs(differences, reason):
    found = one(differences)
    assert found.word == UNDECIDED
    assert found.reason.startswith(reason)
    assert found.n == len(differences)
    assert found.p is None


def test_two_pairs_still_show_their_interval():
    found = one((1.0, 1.2))
    assert found.low < 1.1 < found.high


def test_no_difference_at_all_is_equivalent():
    found = one([0.0] * 5)
    assert (found.word, found.mean, found.p) == (EQUIVALENT, 0, 1)


def test_no_spread_is_undecided_with_the_reason():
    found = one([0.7] * 5)
    assert found.word == UNDECIDED
    assert "all 5 differences are the same" in found.reason


@pytest.mark.parametrize(
    ("differences", "diverged", "word"),
    [
        (BETTER, Diverged(method=1), UNDECIDED),  # what is left out may have been its worst run
        (SAME, Diverged(method=1), UNDECIDED),
        ([-each for each in BETTER], Diverged(method=1), HARMS),  # which a divergence only makes worse
        (BETTER, Diverged(against=2), HELPS),
        (SAME, Diverged(against=2), UNDECIDED),
        ([-each for each in BETTER], Diverged(against=2), UNDECIDED),
        (BETTER, Diverged(1, 1), UNDECIDED),
    ],
)
def test_diverged_runs_make_nothing_look_better(differences, diverged, word):
    found = one(differences, diverged=diverged)
    assert found.word == word
    assert ("diverged" in found.reason) == (word == UNDECIDED)


def test_disagreement_with_the_exact_test_is_flagged():
    outlier = one((2.0, 2.2, 1.9, 2.1, -0.05, 2.0))
    assert outlier.word == HELPS
    assert outlier.p_sign_flip == 0.0625  # the sign of one seed is enough
    assert outlier.disagreement
    few = one((2.0, 2.1, 1.9))  # three seeds can have no sign-flip p below 0.25: that is no disagreement
    assert few.word == HELPS
    assert few.p_sign_flip == few.p_sign_flip_floor == 0.25
    assert not few.disagreement
    assert not one(BETTER).disagreement
    assert not one((2.0, 2.1)).disagreement
