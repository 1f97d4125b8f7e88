"""Run folders: claimed by one, never mixed up, damage said in words."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import write_atomically
from overfitlab.records import history
from overfitlab.records.record_file import sealed
from overfitlab.records.run_folder import FORMAT, RunFolder
from overfitlab.results.history import EpochRow

CONFIG = {"method": "none", "data": "digits", "seed": 1, "protocol": {"name": "notebook", "epochs": 3}}
RECORD = {
    "format": FORMAT,
    "id": "abc",
    "status": "running",
    "config": CONFIG,
    "method": "none",
    "resumed": [],
    "resolved": {"precision": "float32", "threads": 1, "device": "cpu"},
    "data": {"classes": ["a", "b"]},
    "files": {},
    "environment": {},
    "times": {},
}


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def test_a_claim_makes_the_folder_and_lets_the_same_run_in_again(folder):
    with folder.claimed("abc", CONFIG):
        folder.write_record(RECORD)
    with folder.claimed("abc", CONFIG):
        assert folder.record() == RECORD


def test_a_claim_that_came_to_nothing_leaves_nothing(folder):
    with pytest.raises(ZeroDivisionError), folder.claimed("abc", CONFIG):
        raise ZeroDivisionError
    assert not folder.path.exists()


def test_an_empty_folder_that_was_there_before_stays(folder):
    folder.path.mkdir()
    with pytest.raises(ZeroDivisionError), folder.claimed("abc", CONFIG):
        raise ZeroDivisionError
    assert folder.path.exists()


def test_another_run_is_refused(folder):
    with folder.claimed("abc", CONFIG):
        folder.write_record(RECORD)
    with (
        pytest.raises(UsageError, match=r"holds another run \(seed 1 there, 2 here\)"),
        folder.claimed("xyz", CONFIG | {"seed": 2}),
    ):
        pass


def test_a_folder_with_other_files_is_refused(folder):
    folder.path.mkdir()
    (folder / "thesis.doc").touch()
    with pytest.raises(UsageError, match="not empty and not a run"), folder.claimed("abc", CONFIG):
        pass
    assert os.listdir(folder.path) == ["thesis.doc"]  # noqa: PTH208


def test_what_a_kill_left_behind_is_no_stranger(folder):
    """A kill in the middle of the very first write leaves a lock and a temporary file."""
    folder.path.mkdir()
    (folder / ".lock").touch()
    (folder / ".run.json.abc.overfitlab-tmp").write_text("{")
    with folder.claimed("abc", CONFIG):
        folder.write_record(RECORD)
    assert {path.name for path in folder.path.iterdir()} == {".lock", "run.json"}


def test_a_file_instead_of_a_folder_is_refused(folder):
    folder.path.write_text("")
    with pytest.raises(UsageError, match="is a file"), folder.claimed("abc", CONFIG):
        pass


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    run_folder = RunFolder(tmp_path / "file" / "run")
    with (
        pytest.raises(OverfitlabError, match=r"cannot write to .* choose another folder"),
        run_folder.claimed("abc", CONFIG),
    ):
        pass


def test_two_processes_cannot_claim_one_folder(folder):
    other = (
        "import sys; from pathlib import Path; from overfitlab.records.run_folder import RunFolder\n"
        "from overfitlab.errors import OverfitlabError\n"
        "try:\n"
        "    with RunFolder(Path(sys.argv[1])).claimed('abc', {}): pass\n"
        "except OverfitlabError as error: print(error)"
    )
    with folder.claimed("abc", CONFIG):
        folder.write_record(RECORD)
        command = [sys.executable, "-c", other, str(folder.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "another process is training in" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "entries are missing"),
        ("{}", "entries are missing"),
        (json.dumps(sealed(RECORD | {"config": {}})), "entries are missing"),
        (json.dumps(sealed(RECORD | {"resolved": {}})), "entries are missing"),
        (json.dumps(sealed(RECORD | {"status": "happy"})), "entries are missing"),
        (json.dumps(sealed(RECORD) | {"status": "finished"}), "its checksum differs"),
        (json.dumps(sealed(RECORD) | {"format": 2}), "its checksum differs"),
        (json.dumps(RECORD), "its checksum differs"),
        (json.dumps(RECORD | {"format": 99}), "has format 99"),
    ],
)
def test_a_damaged_record_is_one_line(folder, text, message):
    folder.path.mkdir()
    (folder / "run.json").write_text(text)
    with pytest.raises(OverfitlabError, match=message):
        folder.record()


def test_a_folder_without_a_record_is_not_a_run(folder):
    with pytest.raises(OverfitlabError, match="is not a run"):
        folder.record()


def test_damaged_files_are_found(folder):
    with folder.claimed("abc", CONFIG):
        names = ["model.txt", "history.csv", "curves.png"]
        for name in names:
            folder.write(name, name.encode())
        folder.write_record(RECORD | {"files": folder.checksums(names)})
        assert folder.damaged_files() == []
        (folder / "model.txt").write_text("A")
        (folder / "curves.png").unlink()
        assert folder.damaged_files() == ["model.txt", "curves.png"]


def test_a_write_that_fails_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fails(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert {entry.name for entry in tmp_path.iterdir()} == {"file", "home", "work"}


ROWS = [EpochRow(1, 0.1 + 0.2, 1 / 3, 0.5, 2e-300, 0.0), EpochRow(2, 1.0, float("nan"), 0.5, float("inf"), 1.0)]


def test_a_history_survives_to_the_bit(tmp_path):
    path = tmp_path / "history.csv"
    for rows in (ROWS, [replace(row, train_loss=row.loss / 3, train_acc=0.1) for row in ROWS]):
        path.write_text(history.to_csv(rows))
        assert repr(history.read_csv(path)) == repr(rows)
    assert path.read_text().splitlines()[0] == "epoch,seconds,loss,acc,val_loss,val_acc,train_loss,train_acc"
    assert history.to_csv(ROWS).splitlines()[0] == "epoch,seconds,loss,acc,val_loss,val_acc"


@pytest.mark.parametrize(
    "text", ["", "epoch,loss\n1,2\n", history.to_csv(ROWS).replace("2,1.0", "3,1.0"), "\x00", "epoch\nx\n"]
)
def test_a_damaged_history_is_one_line(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(OverfitlabError, match=r"history.csv is (not a history|damaged)"):
        history.read_csv(path)


def test_a_history_longer_than_any_is_refused(tmp_path, monkeypatch):
    rows = [EpochRow(epoch, 1.0, 1.0, 0.5, 1.0, 0.5) for epoch in range(1, 7)]
    path = tmp_path / "history.csv"
    path.write_text(history.to_csv(rows))
    monkeypatch.setattr(history, "MOST_EPOCHS", 6)
    assert history.read_csv(path) == rows
    monkeypatch.setattr(history, "MOST_EPOCHS", 5)
    with pytest.raises(OverfitlabError, match="is not a history"):
        history.read_csv(path)
    monkeypatch.setattr(history, "LARGEST_HISTORY", 100)
    with pytest.raises(OverfitlabError, match="too large"):
        history.read_csv(path)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" + "0" * 400, str(2**63)])
def test_numbers_that_no_record_has_are_refused_in_old_formats_too(folder, number):
    folder.path.mkdir()
    old = json.dumps(RECORD | {"format": FORMAT - 1, "times": {"seconds": "NUMBER"}})
    (folder / "run.json").write_text(old.replace('"NUMBER"', "1.5"))
    assert folder.record().times == {"seconds": 1.5}
    (folder / "run.json").write_text(old.replace('"NUMBER"', number))
    with pytest.raises(OverfitlabError, match="is damaged"):
        folder.record()


def test_a_record_of_too_many_pieces_is_refused(folder):
    """Eleven megabytes of empty lists would take a gigabyte."""
    folder.path.mkdir()
    record = RECORD | {"resumed": [[]] * 300_000}
    (folder / "run.json").write_bytes(sealed(record))
    with pytest.raises(OverfitlabError, match="too much of it"):
        folder.record()
