"""Confusion matrices as plain data."""

from dataclasses import replace

import msgspec
import pytest

from overfitlab.report.image_figures import confusion, frequent_mistakes
from overfitlab.words.language import ENGLISH


def with_classes(evidence, names):
    images = {part: [1] * len(names) for part in evidence.data.class_images}
    return replace(evidence, data=msgspec.structs.replace(evidence.data, classes=names, class_images=images))


def test_cells_are_shares_of_the_true_class(evidence):
    for panel, each in zip(confusion(evidence), evidence.methods, strict=True):
        [matrix] = panel.marks
        counts = evidence.predictions[each.method].confusion
        for shares, texts, row in zip(matrix.values, matrix.texts, counts, strict=True):
            assert shares == pytest.approx([count / sum(row) for count in row])
            for share, text in zip(shares, texts, strict=True):
                assert text == (f"{100 * share:.0f}" if share >= 0.005 else "")
        assert panel.y.low > panel.y.high  # the first class is above the others
        assert [tick.label for tick in panel.x.ticks] == [tick.label for tick in panel.y.ticks] == list("0123456789")


def test_what_is_confused_is_said_in_words(evidence):
    for panel, each in zip(confusion(evidence), evidence.methods, strict=True):
        top = frequent_mistakes(evidence.predictions[each.method], evidence.data.classes, ENGLISH)
        assert "predicted as" in top
        assert panel.alternative == f"Confusion matrices of {panel.title}: {top}."


def test_classes_that_differ_in_the_middle_stay_apart(evidence):
    changed = with_classes(evidence, [f"birds-eagle-{letter}-north-1990" for letter in "ABCDEFGHIJ"])
    assert len({tick.label for tick in confusion(changed)[0].y.ticks}) == 10


def test_many_classes_have_numbers(evidence):
    many = 100
    method = evidence.methods[0].method
    counts = tuple(tuple(int(row == column) for column in range(many)) for row in range(many))
    said = replace(evidence.predictions[method], confusion=counts, top_confusions=())
    changed = replace(
        with_classes(evidence, [f"class {number}" for number in range(many)]),
        predictions={each.method: said for each in evidence.methods},
    )
    panel = confusion(changed)[0]
    assert all(tick.label.isdigit() for tick in (*panel.x.ticks, *panel.y.ticks))
    assert {text for row in panel.marks[0].texts for text in row} == {""}
    assert panel.alternative == "Confusion matrices of none: -."


def test_without_predictions_there_is_no_matrix(evidence):
    lost = {method: replace(said, confusion=None) for method, said in evidence.predictions.items()}
    assert confusion(replace(evidence, predictions=lost)) == []
