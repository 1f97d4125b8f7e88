"""Runs that were not computed alike are compared, and it is said that they were not."""

import json
import shutil

import made_records
import pytest

import overfitlab
from overfitlab.api import listing
from overfitlab.records.record_file import sealed
from overfitlab.study.outcomes import conditions


def test_what_changed_between_two_sittings_counts_with_both_values():
    changed = {"torch": "2.14.0", "cores": 4}
    record = made_records.record(resumed=[{"at": "2026-11-28T12:00:00", "changed": changed}])
    assert conditions(record)["torch"] == {"2.13.0", "2.14.0"}
    assert "cores" not in conditions(record)  # how many there are changes nothing; how many threads compute does


def test_older_records_know_no_kernels():
    resolved = {"precision": "float32", "threads": 1, "device": "cpu"}
    assert conditions(made_records.record(resolved=resolved))["kernels"] == {"off"}


def of_a_run(study, change):
    path = sorted((study / "runs").glob("dropout*"))[0] / "run.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_bytes(sealed(record))


def test_a_study_of_one_machine_has_nothing_to_say(small_study):
    assert overfitlab.load_study(small_study).judged().differing == ()
    assert "Not all runs" not in listing.show(small_study)[1]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda record: record["resolved"].update(threads=2), "threads"),
        (lambda record: record["resolved"].update(kernels="scalar"), "kernels"),
        (lambda record: record["resolved"].update(precision="bfloat16"), "precision"),
        (lambda record: record["environment"].update(torch="2.10.0"), "torch"),
        (lambda record: record["environment"].update(processor="another one"), "processor"),
        (
            lambda record: record["resumed"].append({"at": "2026-11-28T12:00:00", "changed": {"numpy": "2.0.0"}}),
            "numpy",
        ),
    ],
)
def test_what_differs_is_named(small_study, tmp_path, change, name):
    study = shutil.copytree(small_study, tmp_path / "study")
    of_a_run(study, change)
    assert overfitlab.load_study(study).judged().differing == (name,)


@pytest.mark.slow
def test_it_is_said_wherever_the_verdict_stands(small_study, tmp_path):
    study = shutil.copytree(small_study, tmp_path / "study")
    of_a_run(study, lambda record: record["resolved"].update(threads=2))
    said = "Not all runs were trained with the same threads, so they may differ by more than the method."
    assert said in " ".join(listing.show(study)[1].split())
    report = overfitlab.load_study(study).report(tmp_path / "report")
    assert said in report.with_name("report.md").read_text()
