"""What a study says: every sentence has to be true of its numbers."""

from dataclasses import replace

import msgspec
import pytest

import overfitlab
from overfitlab.reasons import Reason
from overfitlab.records.study_record import Failure
from overfitlab.report.closeness import closeness
from overfitlab.report.numbers import least_p, level, other_images, p_value
from overfitlab.report.study_sentences import answer, caveats, failed_note, headline, recommendation
from overfitlab.report.study_tables import (
    contrast_table,
    has_sign_flips,
    method_table,
    onset_table,
    p_table,
    sign_flip_table,
)
from overfitlab.report.study_text import laid_out, table
from overfitlab.stats.crossed import Crossed
from overfitlab.stats.findings import Diverged, Paired, findings, without_words
from overfitlab.stats.pairs import EqualFit
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.words.language import ENGLISH

BETTER = (2.1, 1.8, 2.5, 2.0, 2.2, 1.9, 2.4)
SAME = (0.1, -0.1, 0.05, -0.05, 0.1, -0.08, 0.0)
NOISY = (3.0, -2.0, 1.0, -3.0, 2.0, -1.0, 0.5)
WORSE = tuple(-each for each in BETTER)


def found(differences, margin=0.5, crossed=None, diverged=None, **options):
    pairs = [Paired(tuple(differences), tuple(range(len(differences))), crossed)]
    [finding] = findings(pairs, margin, diverged=diverged and [diverged], **options)
    return finding


def verdict_of(contrasts, **changes):
    """Return a verdict that says nothing but these contrasts."""
    values = {
        "study": "study", "seeds": 7, "look": 1, "looks": (7,), "alpha": 0.05, "margin": 0.5, "gap_margin": 1.0,
        "provisional": False, "test_images": 359, "baseline": "base", "methods": (), "recommended": None,
        "validation_images": 432, "differing": (), "progress": None,
    }  # fmt: skip
    return Verdict(contrasts=tuple(contrasts), **values | changes)


def contrast(method, accuracy, gap, **changes):
    values = {
        "against": "base", "label": method, "against_label": "base", "onset_metric": accuracy, "onset_gap": gap,
        "fit": None, "equal_fit": None, "time_ratio": 1.0, "time_quartiles": (1.0, 1.0), "missing": 0,
    }  # fmt: skip
    return Contrast(method=method, metric=accuracy, gap=gap, **values | changes)


def sentence(accuracy, gap, fit=None, train=-5.0, crossed=None, diverged=None, **changes):
    judged = contrast(
        "dropout", found(accuracy, crossed=crossed, diverged=diverged),
        found(gap, 1.0, smaller_is_better=True, diverged=diverged), against_label="none", fit=train, equal_fit=fit,
    )  # fmt: skip
    return answer(verdict_of([judged], **changes))


@pytest.mark.parametrize(
    ("accuracy", "gap", "said"),
    [
        (BETTER, WORSE, ["dropout generalizes better than none: 2.1 points more test accuracy (95 % interval +1.9 to "
                         "+2.4, adjusted p < 0.001, n = 7).",
                         "It overfits less: its gap is 2.1 points smaller (95 % interval -2.4 to"]),
        (WORSE, BETTER, ["dropout generalizes worse than none: 2.1 points less test accuracy",
                         "It overfits more: its gap is 2.1 points larger"]),
        (SAME, SAME, ["dropout generalizes as well as none, to within 0.5 points: 0.0 points more test accuracy",
                      "It overfits as much as none, to within 1 point: its gap is 0.0 points larger",
                      "adjusted p of equivalence < 0.001, n = 7"]),
        (NOISY, NOISY, ["Whether dropout generalizes better than none is undecided: 0.1 points more test accuracy",
                        "Whether it overfits less is undecided: its gap is 0.1 points larger"]),
        ((), (), ["is undecided: no number; no pair of finished runs; a verdict needs 3."]),
        ((1.0,), (1.0,), ["is undecided: 1.0 points more test accuracy (n = 1); 1 pair of runs; a verdict needs 3."]),
        ((1.0, 2.0), (1.0, 2.0), ["interval -4.9 to +7.9, n = 2); 2 pairs of runs; a verdict needs 3."]),
        ((0.7,) * 5, (0.0,) * 5, ["all 5 differences are exactly the same", "no interval, adjusted p = 1.000"]),
    ],
)  # fmt: skip
def test_sentences(accuracy, gap, said):
    text = sentence(accuracy, gap)
    for part in said:
        assert part in text


def test_a_smaller_gap_without_accuracy_may_come_from_learning_less():
    less = sentence(SAME, WORSE, EqualFit(7, -0.2, -1.0, 0.6))
    assert "This may be because it learns less: when both fit the training images equally well, its gap is 0.2" in less
    more = sentence(SAME, WORSE, EqualFit(7, -2.0, -3.0, -1.0))
    assert "This is not only because it learns less" in more
    assert "its training accuracy is 5.0 points lower, and the two never reach the same" in sentence(SAME, WORSE)
    assert "learns less" not in sentence(BETTER, WORSE, EqualFit(7, -0.2, -1.0, 0.6), train=-0.8)


def test_a_larger_gap_may_come_from_fitting_better():
    better = sentence(BETTER, BETTER, EqualFit(7, -2.0, -3.0, -1.0), train=5.0)
    assert (
        "This is because it fits the training images better: when both fit them equally well, its gap is 2.0" in better
    )
    assert "because" not in sentence(BETTER, BETTER, EqualFit(7, 2.0, 1.0, 3.0), train=5.0)
    assert "because" not in sentence(BETTER, BETTER, EqualFit(7, -2.0, -3.0, -1.0), train=0.0)  # it fits no better
    assert (
        "because it fits the training images better: its training accuracy is 5.0 points higher, and the two"
        in sentence(BETTER, BETTER, train=5.0)
    )


def test_other_images_have_an_interval_of_their_own():
    """Shown where their noise matters, beside the interval of the word; never instead of it."""
    noisy = sentence(BETTER, WORSE, crossed=Crossed(2.1, -0.3, 4.5, 0.1, 1.0))
    assert (
        "dropout generalizes better than none on these test images: 2.1 points more test accuracy (95 % interval +1.9 "
        "to +2.4, for other images -0.3 to +4.5, adjusted p < 0.001, n = 7)."
    ) in noisy
    sure = sentence(BETTER, WORSE, crossed=Crossed(2.1, 1.3, 2.9, 0.1, 0.2))
    assert "better than none: 2.1 points more test accuracy (95 % interval +1.9 to +2.4, for other images +1.3" in sure
    little = sentence(BETTER, WORSE, crossed=Crossed(2.1, -0.3, 4.5, 0.1, 0.03))
    assert "image" not in little
    same = sentence(SAME, SAME, crossed=Crossed(0.0, -1.9, 2.1, 0.1, 1.0))
    assert "generalizes as well as none, to within 0.5 points on these test images: " in same


def test_labels_follow_the_level():
    judged = contrast("dropout", found(BETTER, alpha=0.025), found(WORSE, 1.0, smaller_is_better=True, alpha=0.025))
    verdict = verdict_of([judged], alpha=0.025)
    assert "(97.5 % interval" in answer(verdict)
    assert "95" not in answer(verdict)
    assert "97.5 %" in contrast_table(verdict).header
    assert "97.5 %" in onset_table(verdict).header


@pytest.mark.parametrize(
    ("alpha", "said"), [(0.05, "95"), (0.025, "97.5"), (0.05 / 3, "98.3"), (0.001, "99.9"), (1e-6, "99.9999")]
)
def test_a_level_is_never_rounded_to_certainty(alpha, said):
    assert level(1 - alpha) == said


def test_where_nothing_varies_there_is_no_interval():
    assert "(no interval, n = 5); all 5 differences are exactly the same" in sentence((0.7,) * 5, (0.0,) * 5)
    same = contrast("dropout", found((0.0,) * 5, unit=0.3), found((0.0,) * 5, 1.0, unit=0.2))
    assert contrast_table(verdict_of([same])).rows[0].count("no interval") == 2


def test_equivalence_beside_an_interval_that_leaves_the_margin():
    wide = (0.9, -0.4, 0.5, -0.7, 0.6, -0.5, 0.4)
    finding = found(wide, 0.6)
    assert finding.verdict == "equivalent"
    assert finding.high > 0.6 > finding.equivalence_high
    text = answer(verdict_of([contrast("dropout", finding, found(SAME, 1.0))], margin=0.6))
    low, high = finding.equivalence_low, finding.equivalence_high
    assert f" Equivalence is judged by the 90 % interval, {low:+.2f} to {high:+.2f}." in text
    assert "90 %" not in sentence(SAME, SAME)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p_adjusted": 0.041}, " Close: adjusted p is 0.041, and the limit is 0.05."),
        ({"p_adjusted": 0.02}, ""),
        ({"p_adjusted": 0.02, "mean": 0.7, "deviation": 0.6},
         " Close: the estimate lies beyond the margin of 0.5 points by 0.2, less than its standard error."),
        ({"p_adjusted": 0.061, "verdict": "undecided"}, " Close: adjusted p is 0.061, and the limit is 0.05."),
        ({"p_adjusted": 0.128, "verdict": "undecided"}, ""),
        ({"p_adjusted": 0.01, "mean": 0.45, "verdict": "undecided"},
         " Close: the estimate lies within the margin of 0.5 points by 0.0, less than its standard error."),
        ({"p_adjusted": 0.9, "p_equivalence_adjusted": 0.06, "mean": 0.1, "verdict": "undecided"},
         " Close to equivalent: its adjusted p is 0.060, and the limit is 0.05."),
        ({"p_equivalence_adjusted": 0.03, "mean": 0.1, "verdict": "equivalent"},
         " Close: adjusted p of equivalence is 0.030, and the limit is 0.05."),
    ],
)  # fmt: skip
def test_how_near_to_its_threshold_a_word_is(changes, said):
    finding = replace(found(BETTER), **changes)
    assert closeness(finding, 0.5, verdict_of([]), ENGLISH) == said
    assert closeness(finding, 0.5, verdict_of([], provisional=True), ENGLISH) == ""


def test_no_words_p_or_intervals_while_it_is_provisional():
    bare = without_words(found(BETTER))
    judged = contrast("dropout", bare, without_words(found(WORSE, 1.0)), against_label="none")
    verdict = verdict_of([judged], provisional=True)
    assert answer(verdict) == "dropout minus none, so far: test accuracy +2.1, gap -2.1; n = 7"
    assert contrast_table(verdict).header == (
        "contrast", "test accuracy", "verdict", "gap", "verdict", "n", "time",
    )  # fmt: skip
    assert contrast_table(verdict).rows[0][2] == "provisional"
    assert onset_table(verdict).header == ("at the onset", "test accuracy", "gap", "n")
    assert not has_sign_flips(verdict)


def test_every_p_says_what_it_is():
    verdict = verdict_of([contrast(name, found(BETTER), found(WORSE, 1.0)) for name in "ab"])
    assert contrast_table(verdict).header == (
        "contrast", "test accuracy", "95 %", "p adjusted", "verdict", "gap", "95 %", "p adjusted", "verdict", "n",
        "time",
    )  # fmt: skip
    every = p_table(verdict)
    assert every.header == (
        "contrast", "axis", "difference: p raw", "p adjusted", "equivalence: p raw", "p adjusted",
        "sign-flip: p raw", "p adjusted", "least p raw", "n",
    )  # fmt: skip
    assert [row[:2] for row in every.rows] == [
        ("a - base", "test accuracy"), ("a - base", "gap"), ("b - base", "test accuracy"), ("b - base", "gap"),
    ]  # fmt: skip
    finding = verdict.contrasts[0].metric
    assert every.rows[0][6:] == (p_value(finding.p_sign_flip_raw), p_value(finding.p_sign_flip_adjusted), "0.016", "7")
    assert sign_flip_table(verdict).header == (
        "exact sign-flip test", "test accuracy: p raw", "p adjusted", "gap: p raw", "p adjusted", "least p raw", "n",
    )  # fmt: skip


def test_divergence_is_said():
    text = sentence(BETTER, WORSE, diverged=Diverged(method=2))
    assert "2 runs of the method diverged, and the others alone do not show how good it is" in text
    assert "generalizes better than none:" not in text


def headline_of(accuracy, gap):
    """Return the headline of methods a, b, ... against the baseline, given differences on both axes."""
    return headline(verdict_of(
        contrast(name, found(one), found(other, 1.0, smaller_is_better=True))
        for name, one, other in zip("abcdefgh", accuracy, gap, strict=False)
    ))  # fmt: skip


def test_the_headline_says_what_was_shown_and_what_was_not():
    assert headline_of([BETTER, NOISY, tuple(2 * each for each in BETTER)], [WORSE, NOISY, NOISY]) == (
        "Compared with base, at 7 paired seeds: c (+4.3 points of test accuracy) and a (+2.1) generalize better; "
        "whether b generalizes better is undecided; a (-2.1 points of gap) overfits less; "
        "whether b and c overfit less is undecided."
    )
    assert headline_of([SAME] + [NOISY] * 5, [NOISY] * 6) == (
        "Compared with base, at 7 paired seeds: a (+0.0 points of test accuracy) generalizes as well; "
        "whether 5 methods generalize better is undecided; whether 6 methods overfit less is undecided."
    )
    assert headline_of([NOISY, ()], [NOISY, ()]) == (
        "Compared with base, at 0 to 7 paired seeds, no method was shown to be better or worse."
    )
    assert headline_of([BETTER, BETTER[:5]], [NOISY, NOISY]).startswith("Compared with base, at 5 to 7 paired seeds: a")


@pytest.mark.parametrize(
    ("train", "said"), [(0.0, ""), (-0.8, ""), (-5.0, " This is not only because it learns less: when bo")]
)
def test_a_method_that_helps_may_still_learn_less(train, said):
    fit = EqualFit(n=7, mean=-1.5, low=-2.0, high=-1.0)
    assert sentence(BETTER, WORSE, fit=fit, train=train).partition("n = 7).")[2].partition("n = 7).")[2][:49] == said


def test_tables_of_a_real_study(small_study):
    verdict = overfitlab.load_study(small_study).judged()
    methods, contrasts = laid_out(method_table(verdict)), laid_out(contrast_table(verdict))
    assert [line.split()[0] for line in methods.splitlines()[2:]] == ["none", "dropout", "early_stopping:patience=1"]
    assert len(contrasts.splitlines()) == 2 + 3
    accuracy = verdict.contrasts[0].metric
    assert f"{accuracy.mean:+.2f}" in contrasts.splitlines()[2]
    assert f"{accuracy.low:+.2f} to {accuracy.high:+.2f}" in contrasts.splitlines()[2]
    assert ("for other images" in contrasts) == any(other_images(each.metric) for each in verdict.contrasts)
    second = laid_out(onset_table(verdict)).splitlines()
    onset = verdict.contrasts[0].onset_gap
    cells = second[2].split()
    assert f"{onset.mean:+.2f}" in cells
    assert f"{onset.low:+.2f} to {onset.high:+.2f}".split() == cells[-4:-1]
    assert laid_out(sign_flip_table(verdict)).splitlines()[2].split()[-2:] == ["0.125", "4"]  # 2 / 2^4
    none = verdict.methods[0].accuracy
    assert f"{none.mean:.1f} ±{none.deviation:.1f}" in methods
    assert recommendation(verdict) == "" or recommendation(verdict).startswith("Recommended: ")
    assert "stopped early" in methods or not verdict.methods[2].stopped_early


def test_caveats(small_study):
    study = overfitlab.load_study(small_study)
    verdict = study.judged()
    memory = Reason("words_of_others", {"text": "out of memory"})
    failure = Failure(verdict.methods[1].method, 0, memory, 1, "2026-11-28T12:00:00")
    gave_up = (Reason("words_of_others", {"text": "epochs: 6 instead of 12"}),)
    record = msgspec.structs.replace(
        study.record, failures={"dropout-seed0-123456": failure},
        notes=[Reason("words_of_others", {"text": "The study x asked the same."})],
        plan=msgspec.structs.replace(study.record.plan, gave_up=gave_up),
    )  # fmt: skip
    said = "\n".join(caveats(verdict, record))
    assert "Reduced to fit the budget: epochs: 6 instead of 12." in said
    assert "The study x asked the same." in said
    assert "The run dropout-seed0-123456 failed: out of memory." in said
    waits = failed_note(replace(verdict, provisional=True), record)
    assert waits.startswith(
        "There is no verdict because runs failed. Run the same command to try them again, or add --give"
    )
    assert failed_note(verdict, record) == failed_note(replace(verdict, provisional=True), study.record) == ""
    given_up = msgspec.structs.replace(record, failures={"x": msgspec.structs.replace(failure, given_up=True)})
    assert "It was given up, and the verdict does not include it." in "\n".join(caveats(verdict, given_up))
    assert failed_note(replace(verdict, provisional=True), given_up) == ""


def test_a_table_of_hangul_is_aligned():
    lines = table(["기법", "격차"], [["드롭아웃", "1"], ["x", "222"]]).splitlines()
    assert lines == ["기법      격차", "--------------", "드롭아웃     1", "x          222"]


def test_a_table_is_aligned():
    assert table(["a", "bb"], [["long", "1"], ["x", "222"]]).splitlines() == [
        "a      bb", "---------", "long    1", "x     222",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("p", "shown", "floor"), [(0.0412, "0.041", "0.041"), (0.001, "0.001", "0.001"), (0.00049, "<0.001", "0.0005")]
)
def test_a_small_p_is_not_more_exact_than_its_model(p, shown, floor):
    assert p_value(p) == shown
    assert p_value(0.0503, 0.05) == "0.0503"
    assert p_value(0.05, 0.05) == p_value(0.0496, 0.05) == "0.050"
    assert least_p(p) == floor
