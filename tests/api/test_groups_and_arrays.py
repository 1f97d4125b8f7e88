"""Runs and studies of grouped images, and of images without a path: trained, resumed, read back and evaluated."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_evidence import STORED
from refusals import refused

import overfitlab
from overfitlab.data.prepare.splits import split
from overfitlab.data.recorded import recorded
from overfitlab.errors import CancelledError, DataError, OverfitlabError
from overfitlab.events import EpochEnded
from overfitlab.records.data_record import GroupPart, GroupsRecord
from overfitlab.report.content import sections
from overfitlab.report.group_text import group_lines, group_notes
from overfitlab.report.methods_text import methods_text
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

RNG = np.random.default_rng(0)
GROUPS = np.arange(120) // 4
Y = GROUPS % 3
X = (RNG.integers(0, 150, (120, 8, 8)) + 30 * Y[:, None, None]).astype(np.uint8)
USUAL = {"protocol": "clean", "epochs": 2, "threads": 1, "verbose": False}


def train(**changes):
    return overfitlab.train("none", **{"data": (X, Y), "groups": GROUPS, **USUAL, **changes})


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """A run of grouped arrays, in a cache of its own; tests must not change either."""
    place = tmp_path_factory.mktemp("grouped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERFITLAB_CACHE", str(place / "cache"))
        train(out=place / "run")
    return place


def parts_of(run):
    own = run.own
    dataset = recorded(own.data, own.config.image_size)
    found = split(dataset, own.config.protocol, own.config.seed)
    return [set(GROUPS[rows]) for rows in (found.training, found.validation, found.test)]


def test_a_run_records_its_groups_and_finds_its_parts_again(grouped):
    run = overfitlab.load_run(grouped / "run")
    groups = run.own.data.groups
    assert (groups.groups, groups.largest, groups.shared) == (30, 4, {})
    assert groups.sha256 == run.own.config.groups
    training, validation, test = parts_of(run)
    assert not training & validation
    assert not (training | validation) & test
    counts = {part: found.groups for part, found in groups.parts.items()}
    assert counts == {"training": len(training), "validation": len(validation), "test": len(test)}
    assert "groups" in json.loads((grouped / "run/run.json").read_text())["config"]
    for part, rows in (("validation", validation), ("training", training)):
        assert overfitlab.evaluate(run, part).images.rows.size == 4 * len(rows)


def test_the_same_call_is_the_same_run_and_other_groups_are_another(grouped, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(grouped / "cache"))
    before = (grouped / "run/run.json").read_bytes()
    assert train(out=grouped / "run").record.status == "finished"
    assert train(out=grouped / "run", groups=[f"plant {group}" for group in GROUPS]).record.status == "finished"
    assert (grouped / "run/run.json").read_bytes() == before
    for changes in ({"groups": GROUPS // 2}, {"groups": None}):
        with pytest.raises(OverfitlabError, match="other"):
            train(out=grouped / "run", **changes)


def test_without_the_cache_the_arrays_are_handed_in_again(grouped, tmp_path, monkeypatch):
    expected = overfitlab.evaluate(grouped / "run")
    (grouped / "cache").rename(grouped / "gone")
    try:
        with refused(DataError, "arrays_no_longer_kept", name="test"):
            overfitlab.evaluate(grouped / "run")
        monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "cache"))
        found = overfitlab.evaluate(grouped / "run", "test", data=(X, Y), groups=GROUPS)
    finally:
        (grouped / "gone").rename(grouped / "cache")
    np.testing.assert_allclose(found.probabilities, expected.probabilities)


def test_a_list_that_was_moved_is_named_anew():
    Path("list.csv").write_text("\n".join(f"{row},{group}" for row, group in enumerate(GROUPS)))
    np.savez("data.npz", x=X, y=Y)
    run = train(data="data.npz", groups=Path("list.csv"), epochs=1, out="run")
    expected = overfitlab.evaluate(run)
    Path("list.csv").rename("moved.csv")
    with refused(DataError, "groups_not_where_they_were", place=str(Path("list.csv").absolute())):
        overfitlab.evaluate(run)
    np.testing.assert_array_equal(overfitlab.evaluate(run, groups="moved.csv").images.rows, expected.images.rows)


def test_other_groups_do_not_find_the_parts_again():
    data = {"x_train": X[:90], "y_train": Y[:90], "x_test": X[90:], "y_test": Y[90:]}
    run = train(data=data, epochs=1, out="run")
    assert overfitlab.evaluate(run, "validation", data=data, groups=GROUPS).images.rows.size
    with refused(DataError, "groups_are_others_now"):
        overfitlab.evaluate(run, "validation", data=data, groups=GROUPS // 2)


@pytest.mark.slow
def test_an_interrupted_run_of_arrays_goes_on_to_the_same_bits(grouped, tmp_path, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "cache"))

    def stop_after_one(event):
        if isinstance(event, EpochEnded) and event.row.epoch == 1:
            raise CancelledError("cancelled", "stopped, as the listener asked; the same call continues")

    with pytest.raises(CancelledError):
        train(out="run", listener=stop_after_one)
    train(out="run")
    assert Path("run/weights.safetensors").read_bytes() == (grouped / "run/weights.safetensors").read_bytes()


@pytest.mark.slow
def test_a_study_of_arrays_reaches_its_workers_and_stands_in_list_and_report():
    study = overfitlab.compare(
        ["dropout"], (X, Y), groups=GROUPS, protocol="quick", epochs=1, seeds=np.int64(3), threads=1, jobs=2, name="s",
        verbose=False,
    )  # fmt: skip
    assert study.status == "finished"
    assert study.record.config.groups == study.record.data.groups.sha256
    validation = set()
    for run in study.runs:
        parts = parts_of(run)
        assert sum(map(len, parts)) == 30
        validation.add(frozenset(parts[1]))
    assert len(validation) == 3, "each seed has its own"
    assert len({frozenset(parts_of(run)[2]) for run in study.runs}) == 1
    assert "--data arrays-" in study.record.command
    assert "--groups groups-" in study.record.command
    text = study.report().with_name("report.md").read_text(encoding="utf-8")
    assert "Groups: 30, none of them in two parts. At seed 0 " in text
    document = json.loads(study.report().with_name("verdict.json").read_text())
    assert document["data"]["groups"]["source"] == ""
    for command in (["list"], ["show", "s"], ["evaluate", f"s/runs/{study.runs[0].folder.name}"]):
        where = [*command[:1], *(f"runs/{word}" if "/" in word else word for word in command[1:])]
        done = subprocess.run([sys.executable, "-m", "overfitlab", *where], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    again = overfitlab.train(like=study, method="none", threads=1, verbose=False, out="again")
    assert again.own.config.groups == study.record.config.groups


def part(groups, images, asked=None, farthest=None, share=0.0, expected=0.0, lacking=()):
    return GroupPart(groups, images, asked, farthest, share, expected, list(lacking))


RECORD = GroupsRecord(
    source="/home/me/list.csv", sha256="0" * 64, groups=1200, largest=30,
    parts={
        "training": part(800, 4000, 4100, "nev", 0.5, 0.5), "validation": part(250, 1310, 1300, "mel", 0.121, 0.098),
        "test": part(150, 900, lacking=["a", "b", "c", "d"]),
    },
    shared={"training/test": 12},
)  # fmt: skip


def test_what_is_said_of_groups():
    whole = msgspec.structs.replace(RECORD, shared={})
    assert group_lines(whole, ENGLISH, seed=3) == [
        "Groups: 1,200, none of them in two parts. At seed 3 800 in training, 250 in validation, 150 in test.",
        "Balance of validation: 1,310 images, 1,300 were asked for; class mel makes up 12.1 % of them, 9.8 % were "
        "asked for (no class is farther off).",
    ]
    assert group_lines(RECORD, ENGLISH)[0] == "Groups: 1,200. 800 in training, 250 in validation, 150 in test."
    assert list(group_notes(RECORD, 6210, ENGLISH)) == [
        "Groups in two parts: 12 are both in training and in test, as the data comes with these parts; results there "
        "may partly be memory.",
        "No image in test is of a, b, c, ...: a class needs a group for each part.",
    ]
    large = msgspec.structs.replace(whole, largest=5000)
    assert "One group has 5,000 of the 6,210 images" in list(group_notes(large, 6210, ENGLISH))[-1]


@pytest.mark.parametrize("code", ["en", "ko"])
def test_a_report_says_it(code):
    say, made = language_named(code), overfitlab.load_study(STORED).evidence()
    made.data.groups = RECORD
    [of_images] = [section for section in sections(made, say) if section.anchor == "images"]
    said = of_images.blocks[0].items
    assert {*group_lines(RECORD, say, made.asked.first_seed), *group_notes(RECORD, made.data.images, say)} <= set(said)
    paragraph = methods_text(made, say)
    assert "1,200" in paragraph
