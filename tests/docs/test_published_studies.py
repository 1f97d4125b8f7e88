"""What docs/studies publishes follows from the runs beside it: what was said then, and what is said today.

`verdict.json` is left as it was when a study was published. Its numbers at the end are those of today but for adjusted
p-values of contrasts that hang together (Shaffer instead of Holm), which are smaller or equal now.
"""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "docs" / "studies"
PUBLISHED = sorted((STUDIES / "data").iterdir())
AXES = ["metric", "gap"]
NUMBERS = {  # what it is called, and what it was called in files of format 1
    "mean": "mean",
    "low": "low",
    "high": "high",
    "p_raw": "p",
    "p_equivalence_adjusted": "p_equivalence_adjusted",
    "p_sign_flip_raw": "p_sign_flip",
}
THREE_PAIRS = "batch-norm-and-dropout-30-epochs"  # of three methods: once one differs, only one other can be none


@pytest.fixture(scope="module")
def published():
    """The modules that write the page."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import published_evidence
    import published_study

    yield published_evidence, published_study
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(params=PUBLISHED, ids=lambda folder: folder.name)
def study(request, published):
    """The module, what one study said then, contrast by contrast, and what it says now."""
    reading, _ = published
    then, now = reading.document(request.param), reading.judged_again(request.param)
    return reading, then, now


def test_the_words_of_then_are_those_of_now(study):
    reading, then, now = study
    assert now.recommended == then["recommended"]
    for before, contrast in zip(then["contrasts"], now.contrasts, strict=True):
        for axis in AXES:
            assert contrast.axis(axis).verdict == reading.word_then(before, axis), (contrast.label, axis)


def test_the_numbers_follow_from_the_runs(study):
    reading, then, now = study
    for before, contrast in zip(then["contrasts"], now.contrasts, strict=True):
        for axis in AXES:
            found, published = contrast.axis(axis), reading.axis_then(before, axis)
            assert found.n == published["n"]
            for name, older in NUMBERS.items():
                value = published.get(older, published.get(name))
                assert getattr(found, name) == pytest.approx(value, rel=1e-9), (contrast.label, axis, name)
        assert contrast.time_ratio == pytest.approx(before["time_ratio"], rel=1e-9)
        if before["equal_fit"] is not None:
            assert contrast.equal_fit.mean == pytest.approx(before["equal_fit"]["mean"], rel=1e-9)
    for before, method in zip(then["methods"], now.methods, strict=True):
        assert method.accuracy.mean == pytest.approx(before["accuracy"]["mean"], rel=1e-9)
        assert method.gap.mean == pytest.approx(before["gap"]["mean"], rel=1e-9)


def test_adjusted_p_values_are_smaller_only_where_contrasts_hang_together(study):
    reading, then, now = study
    for axis in AXES:
        before = [reading.axis_then(contrast, axis)["p_adjusted"] for contrast in then["contrasts"]]
        found = [contrast.axis(axis).p_adjusted for contrast in now.contrasts]
        if now.study == THREE_PAIRS:
            assert all(new <= old * (1 + 1e-9) for new, old in zip(found, before, strict=True))
            assert sum(new < 0.9 * old for new, old in zip(found, before, strict=True)) == 1
        else:
            assert found == pytest.approx(before, rel=1e-9)


def test_nothing_is_said_at_the_onset_any_more(study):
    *_, now = study
    for contrast in now.contrasts:
        assert not hasattr(contrast.onset_metric, "verdict")
        assert contrast.onset_metric.mean is not None


def test_the_page_has_the_words_of_then_and_now(published):
    reading, writing = published
    there = {name: reading.evidence(STUDIES / "data" / name) for name in writing.ASKED if name in names()}
    page = (STUDIES / "batch-norm-and-dropout.md").read_text(encoding="utf-8")
    assert set(there) == names()
    assert writing.then_and_now(there) in page
    assert writing.crossed(there) in page


def names():
    return {folder.name for folder in PUBLISHED}
