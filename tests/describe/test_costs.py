"""The table of measured costs, which may be missing."""

import json

import pytest

from overfitlab.describe.costs import measured
from overfitlab.errors import OverfitlabError

TABLE = {
    "machine": "a machine",
    "precision": "float32",
    "threads": 2,
    "n": 7,
    "versions": {"torch": "2.0"},
    "date": "2026-01-02",
    "step_ms": {"none": 33.1, "dropout": 34.0},
    "ratio": {"dropout": [1.03, 1.01, 1.05]},
}


def test_a_missing_table_is_an_empty_one(tmp_path):
    assert measured(tmp_path / "costs.json") == {}


def test_what_the_table_says(tmp_path):
    (tmp_path / "costs.json").write_text(json.dumps(TABLE))
    found = measured(tmp_path / "costs.json")
    setting = "notebook_cnn, batch 32, float32, 2 threads; a machine"
    assert found["dropout"].text() == f"a step takes 1.03 times that of none (1.01 to 1.05, n = 7 rounds; {setting})"
    assert found["none"].text() == f"a step takes 33.1 ms (n = 7 rounds; {setting})"
    assert found["dropout"].as_dict()["ratio"] == [1.03, 1.01, 1.05]
    assert found["none"].as_dict()["ratio"] is None
    assert found.keys() == {"none", "dropout"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(TABLE | {"ratio": {"dropout": [1]}}), json.dumps(TABLE | {"n": "x"})]
)
def test_a_damaged_table_is_one_line(tmp_path, text):
    (tmp_path / "costs.json").write_text(text)
    with pytest.raises(OverfitlabError, match=r"is not a table of costs .*make bench writes it again"):
        measured(tmp_path / "costs.json")


def test_the_table_of_the_package_can_be_read_where_there_is_one():
    assert all(cost.step_ms for cost in measured().values())
