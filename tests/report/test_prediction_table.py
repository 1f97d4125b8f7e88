"""Predictions as a table, as CSV, and as JSON."""

import csv
import io
import json

import pytest
from rich.cells import cell_len

from overfitlab.report.prediction_table import Csv, Json, Table, ranking

CLASSES = ("cat", "dog", "frog")
ROWS = [("a.png", [0.2, 0.7, 0.1]), ("b/c.png", [0.5, 0.5, 0.0])]
ODD = ["new\nline.png", "-dash.png", "=cmd.png", "bytes\udcff.png", 'comma,quote".png', "한글.png", "\x1b[31mred.png"]


def text(kind, rows=ROWS, unreadable=()):
    return kind.begin() + "".join(kind.row(*row) for row in rows) + kind.end(unreadable)


def test_the_most_probable_class_comes_first_and_of_equals_the_first():
    assert ranking([0.2, 0.7, 0.1]) == [1, 0, 2]
    assert ranking([0.5, 0.5, 0.0]) == [0, 1, 2]


def test_the_table_names_the_top_classes_in_columns():
    lines = text(Table(CLASSES, 2, [file for file, _ in ROWS])).splitlines()
    assert lines == ["a.png    dog  0.700  cat  0.200", "b/c.png  cat  0.500  dog  0.500"]
    assert text(Table(CLASSES, 9, ["a.png"]), ROWS[:1]).count("0.") == 3, "there are no more than three classes"


def test_the_table_keeps_one_line_for_any_name():
    files = [*ODD, "x" * 200]
    lines = text(Table(["c\nat", "d\x1bog"], 1, files), [(file, [0.9, 0.1]) for file in files]).splitlines()
    assert len(lines) == len(files)
    assert all(line.isprintable() for line in lines)
    assert len({cell_len(line) for line in lines}) == 1, "all columns begin at the same place"
    assert lines[-1].startswith("…xxx")


def test_csv_has_a_column_for_every_class():
    header, *rows = csv.reader(io.StringIO(text(Csv(CLASSES)), newline=""))
    assert header == ["file", "class", "probability", "cat", "dog", "frog"]
    assert rows[0] == ["a.png", "dog", "0.7", "0.2", "0.7", "0.1"]


def test_csv_takes_any_name():
    content = text(Csv(["=1+1", "class", "a,b"]), [(file, [0.9, 0.1, 0.0]) for file in ODD])
    content.encode()
    header, *rows = csv.reader(io.StringIO(content, newline=""))
    assert header == ["file", "class", "probability", "'=1+1", "class (class)", "a,b"]
    assert [row[0] for row in rows] == ["new\nline.png", "./-dash.png", "./=cmd.png", "bytes\\xff.png", *ODD[4:]]
    assert {row[1] for row in rows} == {"'=1+1"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_one_document(count):
    document = json.loads(text(Json(CLASSES, 2, {"run": "1a"}), ROWS[:count], [("x\n", "why")]))
    assert document["run"] == "1a"
    assert document["classes"] == list(CLASSES)
    assert document["unreadable"] == [{"file": "x\n", "reason": "why"}]
    assert [entry["file"] for entry in document["predictions"]] == [file for file, _ in ROWS[:count]]
    if count:
        assert document["predictions"][0] == {
            "file": "a.png",
            "class": "dog",
            "probability": 0.7,
            "top": [{"class": "dog", "probability": 0.7}, {"class": "cat", "probability": 0.2}],
            "probabilities": [0.2, 0.7, 0.1],
        }


def test_json_gives_back_any_name():
    content = text(Json(CLASSES, 1, {}), [(file, [0.9, 0.1, 0.0]) for file in ODD])
    content.encode("ascii")
    assert [entry["file"] for entry in json.loads(content)["predictions"]] == ODD
