"""An evaluation in words."""

import re

from rich.cells import cell_len

from overfitlab.report.evaluation_text import evaluation_text
from overfitlab.words.languages import language_named


def document(classes=3, **changes):
    rows = [
        {"class": f"class {k}", "images": 10, "predicted": 9, "precision": None if k == 0 else 0.5, "recall": 0.4,
         "f1": k / classes}
        for k in range(classes)
    ]  # fmt: skip
    return {
        "run": "1a2b", "method": "none", "data": {"name": "photos"}, "part": "test", "precision": "float32",
        "unreadable": 0, "images": 1234, "accuracy": 0.5,
        "accuracy_interval": [0.4, 0.6], "balanced_accuracy": 0.45, "loss": 1.25,
        "brier": 0.7, "ece": 0.2, "mean_confidence": 0.7, "classes": rows,
        "confusions": [{"true": "class 1", "predicted": "class 2", "images": 6, "share": 0.6}],
    } | changes  # fmt: skip


def test_it_says_what_was_measured_on_what():
    text = evaluation_text(document())
    assert "none, run 1a2b, on photos" in text
    assert "1,234 images: its test images (float32)" in text
    assert "0.5000   95 % interval 0.4000 to 0.6000" in text
    assert "6 of class 1 predicted as class 2 (60.0%)" in text
    assert "class 0       10          -  0.4000  0.0000" in text


def test_only_test_images_come_with_the_warning():
    assert "A method or a setting that is chosen by them" in evaluation_text(document())
    for part in ("validation", "training", "all"):
        assert "chosen by them" not in evaluation_text(document(part=part))


def test_confidence_is_judged_only_as_far_as_the_images_can_tell():
    assert "overconfident" in evaluation_text(document(mean_confidence=0.61))
    assert "underconfident" in evaluation_text(document(mean_confidence=0.39))
    assert "not clearly different from the accuracy" in evaluation_text(document(mean_confidence=0.55))


def test_of_many_classes_the_worst_are_shown():
    text = evaluation_text(document(classes=100))
    assert "The 20 classes with the lowest F1, of 100" in text
    assert "class 19 " in text
    assert "class 20 " not in text


def test_korean_stands_in_columns_too():
    text = evaluation_text(document(classes=3), language_named("ko"))
    lines = text.splitlines()
    measures = [line for line in lines if re.match(r"\S+( \S+)?  +\d\.\d{4}   ", line)]
    assert len(measures) == 5
    assert len({cell_len(line[: re.search(r"\d\.\d{4}   ", line).start()]) for line in measures}) == 1
    assert len({cell_len(line) for line in lines[-4:]}) == 1, "header and rows of the table of classes"
    assert not re.search(r"\b(images|accuracy|taken|mean)\b", text)


def test_without_mistakes_it_says_so():
    assert "No image is misclassified." in evaluation_text(document(confusions=[]))


def test_any_name_keeps_to_its_line_and_column():
    rows = [
        row | {"class": name} for row, name in zip(document()["classes"], ("한글", "a\nb\x1b", "x" * 99), strict=True)
    ]
    lines = evaluation_text(document(classes=3) | {"classes": rows}).splitlines()[-3:]
    assert all(line.isprintable() for line in lines)
    assert len({cell_len(line) for line in lines}) == 1


def test_files_that_are_left_out_are_counted():
    assert "1,500 files are left out" in evaluation_text(document(unreadable=1500))
    assert "left out" not in evaluation_text(document())


def test_a_strangers_record_cannot_steer_the_terminal():
    escape = "\x1b]0;title\x07\x1b[2J"
    text = evaluation_text(document(run=escape, method=escape, data={"name": escape}))
    assert all(line.isprintable() for line in text.splitlines())
