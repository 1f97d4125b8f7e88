"""Cells that no spreadsheet computes, and tables that any program reads."""

import csv
import io

import pytest

from overfitlab.report.spreadsheets import file_cell, text_cell, to_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_looks_like_a_formula_is_text(start):
    assert text_cell(f"{start}1") == f"'{start}1"
    assert file_cell(f"{start}1.png") == f"./{start}1.png", "the same file under a name that is no formula"


def test_everything_else_stays():
    for text in ("cat", "a=b", "a,b", 'a"b', "a\nb", "한글", "", "'x"):
        assert text_cell(text) == text
        assert file_cell(f"/photos/{text}") == f"/photos/{text}"


def test_bytes_that_are_no_text_are_escaped():
    assert text_cell("a\udcff") == "a\\xff"
    assert file_cell("-\udcff") == "./-\\xff"


def test_it_is_read_as_it_was_written():
    rows = [["a,b", 'c"d', "e\nf", 1, 0.1], ["", "한", "x", -1, 1e-300]]
    found = list(csv.reader(io.StringIO(to_csv(rows), newline="")))
    assert found == [[str(cell) for cell in row] for row in rows]
