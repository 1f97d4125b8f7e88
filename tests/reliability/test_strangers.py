"""Folders that a stranger made, given to every command that opens them: one line, in little time, and nothing else."""

import json
import os
import shutil
from pathlib import Path

import pytest
from outcomes import error_line

from overfitlab.records.record_file import sealed

TEXTS = ("report.html", "report.md", "runs.csv", "history.csv")  # of a report
ESCAPE = "\x1b]0;owned\x07\x1b[2J"  # renames a terminal's window, and empties it


@pytest.fixture
def overfitlab(breakable):
    return breakable.run


def one_line(ended):
    assert ended.code in (1, 2), ended.said
    return error_line(ended.said)


@pytest.fixture
def study(small_study):
    """A copy of a study below `runs/`, as a stranger would send it."""
    Path("runs").mkdir()
    return shutil.copytree(small_study, Path("runs/gift"))


def arguments(asked):
    """Return what to type for what was asked for from Python."""
    settings = {name: value for name, value in asked.items() if name not in ("methods", "contrasts", "verbose")}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    return [*asked["methods"], *(f"--contrast={each}" for each in asked["contrasts"]), *options, "--no-report"]


def rewrite(path, change):
    record = json.loads(path.read_text())
    change(record)
    path.write_bytes(sealed(record))


@pytest.mark.slow
def test_what_a_record_says_is_shown_escaped(overfitlab, study):
    def change(record):
        record["command"] = f"overfitlab compare {ESCAPE}"
        record["notes"].append({"code": "words_of_others", "values": {"text": f"see {ESCAPE}"}})
        record["labels"]["none"] = f"none{ESCAPE}"
        method, reason = record["config"]["methods"][0], {"code": ESCAPE, "message": ESCAPE}
        failure = {"method": method, "seed": 0, "reason": reason, "attempts": 2, "at": "2026-11-28"}
        record["failures"]["x"] = failure

    rewrite(study / "study.json", change)
    for command in (["show", "gift"], ["list"], ["report", "gift"]):
        done = overfitlab(*command)
        assert done.code == 0, done.said
        assert "\x1b" not in done.said, command
        assert "\x07" not in done.said, command
    assert "\\x1b" in overfitlab("show", "gift").said
    report = study / "report"
    for name in TEXTS:
        assert "\x1b" not in (report / name).read_text(), name


def test_an_error_is_shown_escaped(overfitlab):
    folder = Path("runs", f"gift{ESCAPE}")
    folder.mkdir(parents=True)
    (folder / "study.json").write_text("{")
    line = one_line(overfitlab("show", folder))
    assert "\x1b" not in line
    assert "\\x1b" in line


PIPES = ["study.json", "runs/dropout/run.json", "runs/dropout/history.csv", "runs/dropout/weights.safetensors"]


@pytest.mark.parametrize("name", PIPES)
def test_a_pipe_keeps_nobody_waiting(overfitlab, study, name):
    """Whoever opens a pipe to read waits for somebody who writes."""
    folder, _, file = name.rpartition("/")
    place = next(study.glob(f"{folder}*")) if folder else study
    (place / file).unlink()
    os.mkfifo(place / file)
    done = [overfitlab("list"), overfitlab("show", "gift")]
    done.append(overfitlab("evaluate", place if folder else study))
    for each in done[1:]:
        assert each.code == 0 or one_line(each)
    assert done[0].code == 0


@pytest.mark.slow
def test_links_in_a_study_lead_nowhere(overfitlab, study, tmp_path):
    """Whatever the commands write there, a file of the user's stays what it is."""
    private = tmp_path / "private"
    names = ["verdict.json", "workers.log", "report/report.html", "report/runs.csv", "report/verdict.json",
             "report/figures/learning_curves.png"]  # fmt: skip
    (study / "report" / "figures").mkdir(parents=True, exist_ok=True)
    for name in names:
        (study / name).unlink(missing_ok=True)
        (study / name).symlink_to(private)
    private.write_text("mine")
    for each in (["list"], ["show", "gift"], ["report", "gift"], ["evaluate", next(study.glob("runs/dropout*"))]):
        overfitlab(*each)
    assert private.read_text() == "mine"
    assert not (study / "report" / "report.html").is_symlink()


@pytest.mark.slow
def test_a_link_in_the_place_of_a_folder_leads_to_no_report_of_the_users(overfitlab, study, tmp_path):
    """Where it is the folder of the report, or that of its figures."""
    mine = tmp_path / "mine"
    for name in ("report", "report/figures"):
        shutil.rmtree(mine, ignore_errors=True)
        assert overfitlab("report", "gift", "--out", mine).code == 0
        before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
        shutil.rmtree(study / "report", ignore_errors=True)
        (study / name).parent.mkdir(exist_ok=True)
        (study / name).symlink_to(mine / name.partition("/")[2], target_is_directory=True)
        assert "is a link; remove it" in one_line(overfitlab("report", "gift"))
        assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before
        (study / name).unlink()


@pytest.mark.parametrize("place", ["runs", "runs/dropout"])
def test_a_study_whose_runs_lie_behind_a_link_is_not_trained_on(overfitlab, study, small_settings, tmp_path, place):
    folder = study / "runs" if place == "runs" else next(study.glob("runs/dropout*"))
    elsewhere = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(elsewhere, target_is_directory=True)
    before = {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()}
    said = one_line(overfitlab("compare", *arguments(small_settings | {"out": study})))
    assert "is a link; put the folder itself there" in said
    assert {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("size", [[1000, 1000], "ab", 5, [None, None], {"a": 1}, [-1, -1]])
def test_a_size_that_images_cannot_have_is_refused(overfitlab, study, size):
    rewrite(study / "study.json", lambda record: record.update({"image_size": size}))
    assert "damaged" in one_line(overfitlab("report", "gift"))


FORGED = "x\nmine  study  finished  everything helps\nRecommended: EVIL"


@pytest.mark.slow
def test_a_name_of_two_lines_forges_no_line(overfitlab, study):
    rewrite(study / "study.json", lambda record: record["data"].update({"name": FORGED}))
    for run in study.glob("runs/*/run.json"):
        rewrite(run, lambda record: record["environment"].update({"processor": f"{FORGED}{ESCAPE}"}))
    shown = [overfitlab(*command) for command in (["list"], ["show", "gift"], ["report", "gift"])]
    assert [each.code for each in shown] == [0, 0, 0]
    for text in (*(each.said for each in shown), *((study / "report" / name).read_text() for name in TEXTS)):
        assert "\x1b" not in text
        assert not [line for line in text.splitlines() if line.startswith(("mine", "Recommended: E"))]


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update({"id": FORGED}),
        lambda record: record["sessions"][0].update({"started": FORGED}),
        lambda record: record["plan"]["protocol"].update({"name": FORGED}),
        lambda record: record["config"].update({"model": FORGED}),
    ],
    ids=["id", "started", "protocol", "model"],
)
def test_what_no_study_calls_so_is_refused(overfitlab, study, change):
    rewrite(study / "study.json", change)
    for command in (["show", "gift"], ["report", "gift"]):
        assert "damaged" in one_line(overfitlab(*command))
    listed = overfitlab("list").said
    assert "damaged" in listed
    assert not [line for line in listed.splitlines() if line.startswith(("mine", "Recommended: E"))]


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["config"].update({"method": "\ud800"}),  # which JSON can spell and no file can hold
        lambda record: record["resolved"].update({"precision": f"{FORGED}{ESCAPE}"}),
    ],
    ids=["method", "precision"],
)
def test_a_run_whose_settings_are_no_text_is_refused(overfitlab, study, change):
    extra = shutil.copytree(next(study.glob("runs/dropout*")), study / "runs" / "extra")
    rewrite(extra / "run.json", change)
    assert "damaged" in one_line(overfitlab("report", "gift"))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["workers.log", "runs/dropout/duplicates.png"])
def test_a_pipe_in_a_study_that_goes_on_keeps_nobody_waiting(overfitlab, study, small_settings, file):
    """It is trained on, as its folder says what is left to do."""
    folder, _, name = file.rpartition("/")
    place = next(study.glob(f"{folder}*")) if folder else study
    (place / name).unlink(missing_ok=True)
    os.mkfifo(place / name)
    run = next(study.glob("runs/dropout*"))
    rewrite(run / "run.json", lambda record: record.update({"status": "interrupted", "files": {}}))
    done = overfitlab("compare", *arguments(small_settings | {"out": study}))
    assert done.code == 0, done.said
    assert json.loads((run / "run.json").read_text())["status"] == "finished"


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"recommended": ' + "[" * 100_000,
        '{"recommended": {}}',
        "[]",
        '"' + "x" * 10**7 + '"',
        "9" * 10_000,
    ],
)
def test_a_strange_verdict_is_only_not_shown(overfitlab, study, content):
    (study / "verdict.json").write_text(content)
    done = overfitlab("list")
    assert done.code == 0
    assert "gift" in done.said


@pytest.mark.parametrize("epochs", [10**9, 10**30, -1, 1.5, "9" * 5000])
def test_a_configuration_that_would_fill_the_memory_is_refused(overfitlab, study, epochs):
    def change(record):
        record["plan"]["protocol"]["epochs"] = epochs

    rewrite(study / "study.json", change)
    for command in (["show", "gift"], ["report", "gift"]):
        one_line(overfitlab(*command))
    assert "damaged" in overfitlab("list").said


def test_names_of_files_in_a_record_lead_nowhere(overfitlab, own_digits_run, tmp_path):
    """A record that names files elsewhere is none of ours: whoever opened that one would wait for ever."""
    outside = tmp_path / "outside"
    os.mkfifo(outside)
    for name in (str(outside), os.path.relpath(outside, own_digits_run)):
        rewrite(own_digits_run / "run.json", lambda record, name=name: record["files"].update({name: "0" * 64}))
        config = json.loads((own_digits_run / "run.json").read_text())["config"]
        again = ["train", "--method", config["method"], "--data", "digits", "--out", own_digits_run]
        for command in (["show", own_digits_run], ["evaluate", own_digits_run], again):
            assert "damaged" in one_line(overfitlab(*command))
