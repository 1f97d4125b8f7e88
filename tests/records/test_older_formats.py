"""Folders that older versions wrote, kept as they were: read, taken up again, and brought to the format of today."""

import json
import math
import shutil
from pathlib import Path

import pytest

import overfitlab
from overfitlab.records.record_file import CHECKSUM

THERE = Path(__file__).parent
OLD = sorted(path.name for path in THERE.glob("format-*"))
METHODS = {"methods": ["smaller_network:width=0.1+dropout"], "baseline": "smaller_network:width=0.1"}
SETTINGS = {
    "data": "digits", "protocol": "quick", "training_images": 60, "precision": "float32", "threads": 1,
    "verbose": False,
}  # fmt: skip
STUDIES = {"study": "finished", "failed": "finished", "noted": "finished", "study-interrupted": "interrupted"}
RUNS = {"finished": "finished", "stopped": "finished", "diverged": "diverged", "interrupted": "interrupted"}


@pytest.fixture(params=OLD)
def old(request, tmp_path):
    return Path(shutil.copytree(THERE / request.param, tmp_path / "old"))


@pytest.fixture
def before(tmp_path):
    """Folders of every state, as the version before typed records left them."""
    return Path(shutil.copytree(THERE / "format-3", tmp_path / "before"))


def test_there_are_two():
    assert OLD == ["format-2", "format-3"]


@pytest.mark.slow
def test_an_old_study_is_read(old):
    study = overfitlab.load_study(old / "study")
    assert study.status == "finished"
    written = json.loads((old / "study" / "verdict.json").read_text())["contrasts"]
    verdict = study.verdict()
    for axis, before in (("metric", "accuracy"), ("gap", "gap")):
        assert verdict[f"{axis}_difference"].tolist() == pytest.approx([each[before]["mean"] for each in written])
        assert verdict[f"{axis}_low"].tolist() == pytest.approx([each[before]["low"] for each in written])
        p = [math.nan if each[before]["p"] is None else each[before]["p"] for each in written]
        assert verdict[f"{axis}_p_raw"].tolist() == pytest.approx(p, nan_ok=True)  # they are adjusted otherwise today
    assert study.report(old / "report").exists()


@pytest.mark.slow
def test_an_old_study_goes_on(tmp_path):
    """One of its runs is lost, and trained again; the records that are written then have checksums."""
    old = Path(shutil.copytree(THERE / "format-2", tmp_path / "old"))
    before = {run.record.id: run.rows[-1].val_loss for run in overfitlab.load_study(old / "study").runs}
    shutil.rmtree(sorted((old / "study" / "runs").iterdir())[0])
    study = overfitlab.compare(out=old / "study", epochs=2, seeds=2, **METHODS, **SETTINGS)
    # other machines and versions of PyTorch round otherwise
    after = {run.record.id: run.rows[-1].val_loss for run in study.runs}
    assert after == pytest.approx(before, rel=1e-3)
    assert CHECKSUM in json.loads((old / "study" / "study.json").read_text())
    assert sum(CHECKSUM in json.loads((run.folder / "run.json").read_text()) for run in study.runs) == 1


@pytest.mark.slow
def test_an_old_run_goes_on_after_its_last_epoch(old):
    rows = overfitlab.load_run(old / "interrupted").rows
    assert rows  # format-3 was interrupted between a checkpoint and its history
    run = overfitlab.train("smaller_network:width=0.1+batch_norm", epochs=4, out=old / "interrupted", **SETTINGS)
    assert run.rows[: len(rows)] == rows
    assert len(run.rows) == 4
    assert run.record.status == "finished"
    assert not run.record.resumed[-1].notes
    assert CHECKSUM in json.loads((old / "interrupted" / "run.json").read_text())


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_of_every_state_is_read(before, name):
    run = overfitlab.load_run(before / name)
    assert run.record.status == RUNS[name]
    assert run.record.id == json.loads((before / name / "run.json").read_text())["id"]
    assert run.summary()
    assert run.stopped_early == (name == "stopped")
    assert run.figure()


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_an_old_study_of_every_state_is_read_and_reported(before, name):
    study = overfitlab.load_study(before / name)
    assert study.status == STUDIES[name]
    page = study.report(before / f"report of {name}")
    said = page.read_text(encoding="utf-8")
    # a run that failed may still come, so its study has no words: an older version had given some
    assert ("no verdict yet" in said) == (STUDIES[name] != "finished" or name == "failed")
    if name in ("study", "study-interrupted"):  # the next test has the others in Korean
        assert study.report(before / f"report of {name}, in Korean", "ko").exists()


def test_an_old_run_that_finished_is_not_trained_again(before):
    written = (before / "stopped" / "weights.safetensors").read_bytes()
    run = overfitlab.train(
        "smaller_network:width=0.1+early_stopping:patience=1", epochs=6, learning_rate=0.1, out=before / "stopped",
        **SETTINGS,
    )  # fmt: skip
    assert run.record.resumed == []
    assert (before / "stopped" / "weights.safetensors").read_bytes() == written


def test_an_old_run_that_diverged_stays_so(before):
    with pytest.raises(overfitlab.OverfitlabError, match="diverged in epoch 1"):
        overfitlab.train("smaller_network:width=0.1", epochs=6, learning_rate=1e30, out=before / "diverged", **SETTINGS)


@pytest.mark.slow
def test_old_runs_that_failed_are_tried_again(before):
    settings = SETTINGS | {"training_images": None}
    assert len(overfitlab.load_study(before / "failed").record.failures) == 3
    study = overfitlab.compare(
        ["dropout:rate=0.5+smaller_network:width=0.1"], baseline="smaller_network:width=0.1", seeds=3, epochs=3,
        budget="2s", out=before / "failed", **settings,
    )  # fmt: skip
    assert study.record.failures == {}
    assert len(study.runs) == 6


@pytest.mark.slow
def test_an_old_study_that_was_interrupted_goes_on(before):
    kept = {run.record.id for run in overfitlab.load_study(before / "study-interrupted").runs}
    study = overfitlab.compare(
        ["dropout:rate=0.5+smaller_network:width=0.1"], baseline="smaller_network:width=0.1", seeds=3, epochs=30,
        out=before / "study-interrupted", **SETTINGS,
    )  # fmt: skip
    assert study.status == "finished"
    assert kept < {run.record.id for run in study.runs}
    assert len(study.runs) == 6


@pytest.mark.slow
def test_a_report_says_what_an_old_study_recorded_in_words(before):
    """In Korean too, though it was written down in English prose."""
    said = {}
    for language in ("en", "ko"):
        for name in ("failed", "noted"):
            study = overfitlab.load_study(before / name)
            page = study.report(before / f"{name} {language}", language).read_text(encoding="utf-8")
            said[name, language] = page.replace("\N{NO-BREAK SPACE}", " ")  # which keeps numbers together
    assert "training images: 20 instead of 200" in said["noted", "en"]
    assert "훈련 이미지: 200장 대신 20장" in said["noted", "ko"]
    assert "made the same comparison with seeds 0 to 2" in said["noted", "en"]
    assert "시드 0부터 2까지" in said["noted", "ko"]
    assert "nonsense" in said["failed", "en"]
    assert "nonsense" in said["failed", "ko"]
