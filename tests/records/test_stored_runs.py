"""What the folders of a study's runs say: they are the truth, and there is no index of them."""

import json
import math
import shutil

import pytest

from overfitlab.errors import DamagedError
from overfitlab.records.record_file import sealed
from overfitlab.records.study_folder import StudyFolder


@pytest.fixture
def study(tmp_path, digits_run):
    """A study folder with three runs, all the same."""
    folder = StudyFolder(tmp_path / "study")
    for name in ("a", "b", "c"):
        shutil.copytree(digits_run, folder / "runs" / name)
    return folder


def altered(folder, **changes):
    """Write a record in which entries are others."""
    values = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_bytes(sealed(values | changes))


def test_they_are_read_in_the_order_of_their_names(study):
    stored = study.stored()
    assert [run.name for run in stored] == ["a", "b", "c"]
    assert len({repr((run.record, run.rows)) for run in stored}) == 1
    assert len(stored[0].rows) == 6


def test_what_changed_is_seen_and_what_is_gone_is_gone(study):
    altered(study.run("b"), method="another")
    shutil.rmtree(study / "runs" / "c")
    assert [run.record.method for run in study.stored()] == ["batch_norm", "another"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"SQLite format 3\x00"])
def test_an_index_of_an_older_version_is_passed_over(study, content):
    before = repr(study.stored())
    (study / "study.db").write_bytes(content)
    assert repr(study.stored()) == before
    assert (study / "study.db").read_bytes() == content


def test_losses_that_are_no_numbers_come_back(study):
    folder = study.run("a")
    lines = (folder / "history.csv").read_text().splitlines()
    cells = lines[-1].split(",")
    cells[2], cells[4], cells[6] = "nan", "inf", "nan"
    folder.write("history.csv", "\n".join([*lines[:-1], ",".join(cells), ""]).encode())
    altered(folder, files=folder.record().files | folder.checksums(["history.csv"]))
    row = study.stored()[0].rows[-1]
    assert math.isnan(row.loss)
    assert row.val_loss == math.inf
    assert math.isnan(row.train_loss)


def test_a_missing_history_is_one_line(study):
    (study / "runs" / "a" / "history.csv").unlink()
    with pytest.raises(DamagedError, match=r"history\.csv is missing; move the folder of that run away"):
        study.stored()


def test_a_run_without_an_epoch_yet(study):
    (study / "runs" / "a" / "history.csv").unlink()
    altered(study.run("a"), files={}, status="running")
    assert study.stored()[0].rows == []
