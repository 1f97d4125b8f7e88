"""Folders of studies and runs that are damaged, or that somebody else wrote: one line, and never a traceback."""

import copy
import json
import math
import re
import shutil
from dataclasses import fields, replace

import pytest

import overfitlab
from overfitlab.api import listing
from overfitlab.errors import OverfitlabError
from overfitlab.records import probabilities
from overfitlab.records.record_file import sealed
from overfitlab.records.run_folder import RunFolder
from overfitlab.report.content import sections
from overfitlab.words.language import ENGLISH

pytestmark = pytest.mark.slow

STRANGE = [None, "x", -1, 10**30, 1e300, 10**400, [1], {}]
GONE = object()
FREE = ("environment", "sessions", "command", "weights")  # texts for people, and what only a training reads


def places(value, place=()):
    """Yield the keys that lead to every entry, of lists the first one."""
    if place:
        yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*place, 0))


def changed(document, place, value):
    found = copy.deepcopy(document)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found


def write(path, document):
    """Write a record with the checksum that fits; without one where it holds a number that JSON does not have."""
    try:
        path.write_bytes(sealed(document))
    except ValueError:
        path.write_text(json.dumps(document))


@pytest.fixture
def study(small_study, tmp_path):
    return shutil.copytree(small_study, tmp_path / "study")


def test_a_strange_study_is_shown_or_refused(study):
    original = json.loads((study / "study.json").read_text())
    refused = 0
    tried = [place for place in places(original) if place[0] not in FREE]
    for place in tried:
        for value in (GONE, *STRANGE):
            write(study / "study.json", changed(original, place, value))
            try:
                json.dumps(listing.show(study)[0])
            except OverfitlabError as error:
                refused += "\n" not in str(error)
    assert refused > 3 * len(tried)
    write(study / "study.json", original)
    assert "finished" in listing.show(study)[1]


def test_a_strange_run_is_shown_or_refused(study):
    path = next((study / "runs").glob("dropout*")) / "run.json"
    original = json.loads(path.read_text())
    refused = 0
    tried = [place for place in places(original) if place[0] in ("result", "config", "status", "network", "times")]
    for place in tried:
        for value in (GONE, *STRANGE):
            write(path, changed(original, place, value))
            try:
                json.dumps(listing.show(study)[0])
            except OverfitlabError as error:
                refused += "\n" not in str(error)
    assert refused > len(tried)


def test_a_strange_run_by_itself_is_shown_or_refused_and_hides_no_other(study, tmp_path):
    runs = tmp_path / "runs"
    whole = shutil.copytree(next((study / "runs").glob("none*")), runs / "a")
    path = shutil.copytree(next((study / "runs").glob("dropout*")), runs / "b") / "run.json"
    original = json.loads(path.read_text())
    refused = 0
    for place in places(original):
        for value in (GONE, *STRANGE):
            write(path, changed(original, place, value))
            try:
                json.dumps(listing.show(path.parent)[0], allow_nan=False)
            except OverfitlabError as error:
                refused += "\n" not in str(error)
            assert listing.listed(runs)[0].name == whole.name
    assert refused > 100
    write(path, original)
    assert [each.status for each in listing.listed(runs)] == ["finished"] * 2


def test_a_part_that_was_measured_as_no_number_is_shown_without(study):
    path = next((study / "runs").glob("dropout*")) / "run.json"
    record = json.loads(path.read_text())
    record["result"]["measured"]["end"]["validation"]["loss"] = None  # infinite, which JSON does not have
    path.write_bytes(sealed(record))
    table = overfitlab.load_run(path.parent).table().partition("onset")[0]
    assert re.search(r"validation +- +\d\.\d{4}", table)
    assert "gap" not in table


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 99}', "null", "[" * 100_000])
def test_damaged_documents(study, content):
    (study / "study.json").write_text(content)
    for look in (overfitlab.load_study, listing.show):
        with pytest.raises(OverfitlabError, match="damaged"):
            look(study)
    [listed] = listing.listed(study.parent)
    assert (listed.kind, listed.status) == ("study", "damaged")


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_damaged_predictions(study, content):
    (next((study / "runs").glob("dropout*")) / "probabilities.safetensors").write_bytes(content)
    with pytest.raises(OverfitlabError, match=r"is damaged \(its checksum differs\); move the folder of its run away"):
        listing.show(study)


@pytest.mark.parametrize("file", ["study.json", "runs/dropout*/run.json"])
def test_a_strange_record_is_reported_or_refused(study, file):
    """What a report says besides what is shown: how the study was made, and how to make it again."""
    path = next(study.glob(file))
    original = json.loads(path.read_text())
    refused = 0
    tried = [place for place in places(original) if place[0] != "environment"]
    for place in tried:
        for value in (GONE, None, -1, [1]):
            write(path, changed(original, place, value))
            try:
                sections(overfitlab.load_study(study).evidence(), ENGLISH)
            except OverfitlabError as error:
                refused += "\n" not in str(error)
    assert refused > len(tried)
    write(path, original)
    assert sections(overfitlab.load_study(study).evidence(), ENGLISH)


@pytest.mark.parametrize("seconds", ["0", "1e-320"])
def test_a_history_in_which_no_time_passed_has_no_ratio_of_times(study, seconds):
    for path in study.glob("runs/none-*"):
        header, *rows = (path / "history.csv").read_text().splitlines()
        column = header.split(",").index("seconds")
        cells = [row.split(",") for row in rows]
        text = [",".join([*row[:column], seconds, *row[column + 1 :]]) for row in cells]
        (path / "history.csv").write_text("\n".join([header, *text]) + "\n")
        record = json.loads((path / "run.json").read_text())
        record["files"] |= RunFolder(path).checksums(["history.csv"])
        (path / "run.json").write_bytes(sealed(record))
    with_none, *_ = overfitlab.load_study(study).judged().contrasts
    assert with_none.time_ratio is None
    assert with_none.time_quartiles is None


def test_missing_predictions_cost_the_second_interval_alone(study):
    before = overfitlab.load_study(study).judged()
    assert before.contrasts[0].metric.crossed is not None
    (next((study / "runs").glob("dropout*")) / "probabilities.safetensors").unlink()
    after = overfitlab.load_study(study).judged()
    assert after.contrasts[0].metric.crossed is None
    assert after.contrasts[0].metric.mean == before.contrasts[0].metric.mean


def with_predictions(study, runs, change):
    """Write other predictions of the test images into those runs, with the checksum that fits."""
    for path in study.glob(f"runs/{runs}"):
        found = probabilities.read(path / "probabilities.safetensors")
        found["test"] = change(found["test"])
        (path / "probabilities.safetensors").write_bytes(probabilities.to_bytes(found, "x"))
        record = json.loads((path / "run.json").read_text())
        record["files"] |= RunFolder(path).checksums(["probabilities.safetensors"])
        (path / "run.json").write_bytes(sealed(record))


def cut(found, images=100):
    return replace(found, **{field.name: getattr(found, field.name)[:images] for field in fields(found)})


@pytest.mark.parametrize("runs", ["*seed1*", "dropout-seed0*"], ids=["of one seed", "of one run"])
def test_predictions_of_other_images_are_one_line(study, tmp_path, runs):
    """Those of a seed fit to each other, and not to those of the other seeds."""
    with_predictions(study, runs, cut)
    shown = overfitlab.load_study(study)
    assert shown.judged().contrasts[0].metric.crossed is None
    with pytest.raises(OverfitlabError, match="not all of the same images"):
        shown.report(tmp_path / "report")


@pytest.mark.parametrize("value", [math.nan, -0.5, 1.5, math.inf])
def test_predictions_that_are_no_probabilities_are_damaged(study, value):
    def change(found):
        found.probabilities[3, 1] = value
        return found

    with_predictions(study, "dropout-seed0*", change)
    with pytest.raises(OverfitlabError, match="is damaged"):
        listing.show(study)


def test_no_predictions_at_all_are_damaged(study):
    with_predictions(study, "dropout-seed0*", lambda found: cut(found, 0))
    with pytest.raises(OverfitlabError, match="is damaged"):
        listing.show(study)
