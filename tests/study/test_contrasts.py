"""The rows of contrasts: every number under its name, in contrasts.csv as in the data frame."""

import csv
import io
from dataclasses import fields, replace

import made_evidence as made
import pandas
import pytest

from overfitlab.api.frames import verdict_frame
from overfitlab.report.paper_files import CONTRASTS, paper_files
from overfitlab.stats.findings import Finding
from overfitlab.stats.multiplicity import shaffer
from overfitlab.study.contrasts import CONTRAST_COLUMNS, contrast_rows
from overfitlab.study.evidence import FORMAT, document
from overfitlab.words.language import ENGLISH

ELSEWHERE = {
    "n",
    "n_against",
    "error",
    "seeds",
    "differences",
    "mean",
    "crossed",
}  # of a finding: once for both axes, or under another name


def test_every_number_of_a_finding_has_a_column():
    names = {each.name for each in fields(Finding)} - ELSEWHERE
    for axis in ("metric", "gap"):
        assert {f"{axis}_{name}" for name in names} <= set(CONTRAST_COLUMNS)
    assert len(set(CONTRAST_COLUMNS)) == len(CONTRAST_COLUMNS)


def test_rows_are_the_contrasts():
    found = made.evidence(margins=(0.25, 2.0))
    for row, each in zip(contrast_rows(found), found.contrasts, strict=True):
        assert tuple(row) == CONTRAST_COLUMNS
        assert (row["method"], row["against"], row["n"]) == (each.label, each.against_label, each.metric.n)
        assert (row["metric"], row["unit"], row["interval"], row["level"]) == ("accuracy", "points", "student_t", 0.05)
        assert (row["metric_margin"], row["gap_margin"]) == (0.25, 2.0)
        for axis, finding in (("metric", each.metric), ("gap", each.gap)):
            assert row[f"{axis}_difference"] == finding.mean
            assert row[f"{axis}_verdict"] == finding.verdict
            assert row[f"{axis}_p_raw"] == finding.p_raw <= row[f"{axis}_p_adjusted"]
            assert row[f"{axis}_decided_at"] is None
    smallest = min(contrast_rows(found), key=lambda row: row["gap_p_raw"])
    first = shaffer(made.PAIRS)[0]
    assert smallest["gap_p_adjusted"] == pytest.approx(min(1, first * smallest["gap_p_raw"]))


def test_of_a_verdict_in_rounds():
    rows = contrast_rows(made.evidence(seeds=12, until=12))
    assert {row["interval"] for row in rows} == {"always_valid"}
    assert rows[0]["metric_decided_at"] >= 4
    assert rows[0]["metric_plain_low"] > rows[0]["metric_low"]


def test_an_unfinished_study_has_estimates_alone():
    frame = verdict_frame(made.evidence(missing={("l2:rate=0.001", 3)}))
    assert frame["metric_difference"].notna().all()
    for name in ("verdict", "p_raw", "p_adjusted", "p_equivalence_raw", "p_sign_flip_raw", "low", "high"):
        assert frame[[f"metric_{name}", f"gap_{name}"]].isna().all(axis=None), name


def test_hostile_names_are_cells():
    names = ["=1+1", 'a"b,c', "x\ny", "@sum", "\ud800", "bell\x07"]
    found = made.evidence()
    for label in names:
        contrasts = tuple(replace(each, label=label) for each in found.contrasts)
        text = paper_files(replace(found, contrasts=contrasts), ENGLISH)[CONTRASTS]
        rows = list(csv.reader(io.StringIO(text)))
        assert {len(row) for row in rows} == {len(CONTRAST_COLUMNS)}
        assert not rows[1][0].startswith(("=", "@"))
        text.encode()
    read = pandas.read_csv(io.StringIO(paper_files(found, ENGLISH)[CONTRASTS]))
    assert read["metric_difference"].tolist() == [each.metric.mean for each in found.contrasts]


def test_verdict_json_says_which_format_it_is():
    found = document(made.evidence())
    assert list(found)[:2] == ["format", "made_with"]
    assert found["format"] == FORMAT == 3
    assert {"metric", "gap", "onset_metric", "onset_gap"} <= found["contrasts"][0].keys()
    assert {"verdict", "p_raw", "p_adjusted", "p_sign_flip_adjusted"} <= found["contrasts"][0]["metric"].keys()
    assert {"margin", "gap_margin"} <= found.keys()
    assert {"accuracy_zone", "gap_zone", "word"} & {*found, *found["contrasts"][0]["metric"]} == set()
