"""The word for each contrast, and the reason where there is none."""

import numpy as np
import pytest

from overfitlab.reasons import Reason
from overfitlab.stats.findings import (
    EQUIVALENT,
    HARMS,
    HELPS,
    UNDECIDED,
    Diverged,
    Paired,
    findings,
    without_words,
    words,
)
from overfitlab.words.language import ENGLISH

BETTER = (2.1, 1.8, 2.5, 2.0, 2.2, 1.9, 2.4)
SAME = (0.1, -0.1, 0.05, -0.05, 0.1, -0.08, 0.0)
NOISY = (3.0, -2.0, 1.0, -3.0, 2.0, -1.0, 0.5)


def contrast(differences):
    return Paired(tuple(differences), tuple(range(len(differences))))


def one(differences, margin=0.5, **options):
    diverged = options.pop("diverged", None)
    [found] = findings([contrast(differences)], margin, diverged=diverged and [diverged], **options)
    return found


@pytest.mark.parametrize(
    ("differences", "word"),
    [(BETTER, HELPS), ([-each for each in BETTER], HARMS), (SAME, EQUIVALENT), (NOISY, UNDECIDED)],
)
def test_the_four_words(differences, word):
    assert one(differences).verdict == word


def test_a_smaller_gap_helps():
    assert one([-each for each in BETTER], smaller_is_better=True).verdict == HELPS
    assert one(BETTER, smaller_is_better=True).verdict == HARMS
    assert one(BETTER, smaller_is_better=True).mean == pytest.approx(np.mean(BETTER))  # the number keeps its sign


def test_a_sure_difference_within_the_zone_is_no_help():
    differences = [each / 5 for each in BETTER]  # 0.4 points, and p far below 0.05
    found = one(differences)
    assert found.p_raw < 0.001
    assert found.verdict == EQUIVALENT
    assert one(differences, margin=0.45).verdict == UNDECIDED  # inside, but not shown to be


def test_words_of_many_at_once():
    found = words([2, -2, 0.1, 2, np.nan], [0.01, 0.01, 0.9, 0.06, np.nan], [1, 1, 0.01, 1, np.nan], 0.5, 0.05)
    assert found.tolist() == [HELPS, HARMS, EQUIVALENT, UNDECIDED, UNDECIDED]


def test_contrasts_are_adjusted_together():
    weak = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7)
    alone = one(weak)
    first, *_ = findings([contrast(weak), contrast(NOISY), contrast(NOISY)], 0.5)
    assert first.p_raw == alone.p_raw
    assert first.p_adjusted == pytest.approx(min(1, 3 * alone.p_raw))


def test_a_level_that_looks_have_shared():
    weak = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7)
    p = one(weak).p_raw
    assert one(weak, alpha=p * 1.01).verdict == HELPS
    assert one(weak, alpha=p * 0.99).verdict == UNDECIDED


@pytest.mark.parametrize(
    ("differences", "code", "said"),
    [
        ((), "no_pair_of_runs", "no pair of finished runs"),
        ((1.0,), "one_pair_of_runs", "1 pair of runs"),
        ((1.0, 1.1), "too_few_pairs_of_runs", "2 pairs of runs"),
    ],
)
def test_too_few_pairs(differences, code, said):
    found = one(differences)
    assert found.verdict == UNDECIDED
    assert found.reason.code == code
    assert ENGLISH.reason(found.reason) == f"{said}; a verdict needs 3"
    assert found.n == len(differences)
    assert found.p_raw is None


def test_two_pairs_still_show_their_interval():
    found = one((1.0, 1.2))
    assert found.low < 1.1 < found.high


def test_no_difference_at_all_is_equivalent_where_images_are_many_enough_to_show_it():
    many = one([0.0] * 5, unit=100 / 10_000)
    assert (many.verdict, many.mean, many.p_raw) == (EQUIVALENT, 0, 1)
    assert 0 < many.p_equivalence_raw < 0.001
    few = one([0.0] * 5, unit=100 / 50)
    assert few.verdict == UNDECIDED
    assert few.p_equivalence_raw > 0.05
    unknown = one([0.0] * 5, unit=None)
    assert (unknown.verdict, unknown.p_equivalence_raw, unknown.p_equivalence_adjusted) == (UNDECIDED, None, None)


def test_identical_predictions_have_no_interval():
    found = one([0.0] * 5, unit=100 / 10_000)
    assert (found.low, found.high, found.equivalence_low, found.equivalence_high) == (None,) * 4
    assert found.crossed is None


def test_the_narrower_interval_is_that_of_the_equivalence_test():
    """Two one-sided tests at 5 % are an interval at 90 %, if the images do not set the noise."""
    for scale in (1.0, 3.0, 4.0, 4.5, 6.0):
        found = one([each * scale for each in SAME])
        assert (found.p_equivalence_raw <= 0.05) == (max(-found.equivalence_low, found.equivalence_high) <= 0.5)
        assert found.low < found.equivalence_low < found.equivalence_high < found.high


def test_no_spread_is_undecided_with_the_reason():
    found = one([0.7] * 5)
    assert found.verdict == UNDECIDED
    assert found.reason == Reason("all_differences_equal", {"n": 5})
    assert "all 5 differences are exactly the same" in ENGLISH.reason(found.reason)


@pytest.mark.parametrize(
    ("differences", "diverged", "word", "code"),
    [
        # what is left out may have been its worst run
        (BETTER, Diverged(method=1), UNDECIDED, "one_run_of_the_method_diverged"),
        (SAME, Diverged(method=3), UNDECIDED, "runs_of_the_method_diverged"),
        ([-each for each in BETTER], Diverged(method=1), HARMS, None),  # which a divergence only makes worse
        (BETTER, Diverged(against=2), HELPS, None),
        (SAME, Diverged(against=2), UNDECIDED, "runs_of_the_other_diverged"),
        ([-each for each in BETTER], Diverged(against=1), UNDECIDED, "one_run_of_the_other_diverged"),
        (BETTER, Diverged(1, 1), UNDECIDED, "one_run_of_the_method_diverged"),
    ],
)
def test_diverged_runs_make_nothing_look_better(differences, diverged, word, code):
    found = one(differences, diverged=diverged)
    assert found.verdict == word
    assert (found.reason.code if found.reason else None) == code
    assert code is None or "diverged" in ENGLISH.reason(found.reason)


def test_numbers_alone_need_no_reason():
    assert all(one(differences).reason is None for differences in (BETTER, SAME, NOISY))


def test_while_runs_are_missing_there_is_nothing_to_make_a_word_of():
    found = without_words(one(BETTER))
    assert (found.verdict, found.p_raw, found.p_adjusted, found.p_equivalence_raw, found.p_sign_flip_raw) == (None,) * 5
    assert (found.low, found.high, found.equivalence_low, found.bootstrap_low, found.crossed) == (None,) * 5
    assert found.mean == pytest.approx(np.mean(BETTER))


def test_the_exact_test_stands_beside_raw_and_adjusted():
    outlier = (2.0, 2.2, 1.9, 2.1, -0.05, 2.0)
    found = one(outlier)
    assert found.verdict == HELPS
    assert found.p_sign_flip_raw == found.p_sign_flip_adjusted == 0.0625  # the sign of one seed is enough
    assert found.p_sign_flip_floor == 0.03125
    first, *_ = findings([contrast(outlier), contrast(NOISY), contrast(NOISY)], 0.5)
    assert first.p_sign_flip_adjusted == pytest.approx(3 * 0.0625)
    few = one((2.0, 2.1, 1.9))  # three seeds can have no sign-flip p below 0.25
    assert few.p_sign_flip_raw == few.p_sign_flip_floor == 0.25


def test_pairs_of_one_triangle_find_more_with_shaffer():
    """True effects 2 and 1: with one difference found, at most one of the three contrasts has none."""
    weak, strong = (1.4, 0.2, 1.1, 0.9, 0.1, 1.5, 0.7), BETTER
    both = [contrast(strong), contrast(weak), contrast(NOISY)]
    plain, more = findings(both, 0.5), findings(both, 0.5, multipliers=(3, 1, 1))
    assert more[0].p_adjusted == plain[0].p_adjusted  # the first step is the same
    assert more[1].p_adjusted == pytest.approx(plain[1].p_adjusted / 2)
    assert [each.p_equivalence_adjusted for each in more] == [each.p_equivalence_adjusted for each in plain]
