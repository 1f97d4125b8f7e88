"""Folders that older versions wrote, kept as they were: read, taken up again, and brought to the format of today."""

import json
import shutil
from pathlib import Path

import pytest

import overfitlab
from overfitlab.store.record_file import CHECKSUM

THERE = Path(__file__).parent
OLD = sorted(path.name for path in THERE.glob("format-*"))
METHODS = {"methods": ["smaller_network:width=0.1+dropout"], "baseline": "smaller_network:width=0.1"}
SETTINGS = {
    "data": "digits", "protocol": "quick", "training_images": 60, "precision": "float32", "threads": 1,
    "verbose": False,
}  # fmt: skip


@pytest.fixture(params=OLD)
def old(request, tmp_path):
    return Path(shutil.copytree(THERE / request.param, tmp_path / "old"))


def test_there_is_one():
    assert OLD == ["format-2"]


def test_an_old_study_is_read(old):
    study = overfitlab.load_study(old / "study")
    assert study.status == "finished"
    assert len(study.runs) == 4
    written = json.loads((old / "study" / "verdict.json").read_text())["contrasts"][0]
    verdict = study.verdict()
    assert verdict["accuracy_difference"].tolist() == pytest.approx([written["accuracy"]["mean"]])
    assert (old / "study" / "study.db").exists()
    assert study.report(old / "report").exists()


def test_an_old_study_goes_on(old):
    """One of its runs is lost, and trained again; the records that are written then have checksums."""
    before = {run.record["id"]: run.rows[-1].val_loss for run in overfitlab.load_study(old / "study").runs}
    shutil.rmtree(sorted((old / "study" / "runs").iterdir())[0])
    study = overfitlab.compare(out=old / "study", epochs=2, seeds=2, **METHODS, **SETTINGS)
    # other machines and versions of PyTorch round otherwise
    after = {run.record["id"]: run.rows[-1].val_loss for run in study.runs}
    assert after == pytest.approx(before, rel=1e-3)
    assert CHECKSUM in json.loads((old / "study" / "study.json").read_text())
    assert sum(CHECKSUM in json.loads((run.folder / "run.json").read_text()) for run in study.runs) == 1


def test_an_old_run_goes_on_after_its_last_epoch(old):
    rows = overfitlab.load_run(old / "interrupted").rows
    assert len(rows) == 2
    run = overfitlab.train("smaller_network:width=0.1+batch_norm", epochs=4, out=old / "interrupted", **SETTINGS)
    assert run.rows[:2] == rows
    assert len(run.rows) == 4
    assert run.record["status"] == "finished"
    assert "note" not in run.record["resumed"][-1]
    assert CHECKSUM in json.loads((old / "interrupted" / "run.json").read_text())
