"""Run folders: claimed by one, never mixed up, damage said in words."""

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import made_records
import pytest
from made_records import CONFIG

from overfitlab.errors import DamagedError, OverfitlabError, UsageError
from overfitlab.files import write_atomically
from overfitlab.records import history
from overfitlab.records.record_file import LARGEST_RECORD, sealed
from overfitlab.records.run_folder import RunFolder
from overfitlab.records.run_record import FORMAT
from overfitlab.results.history import EpochRow

RECORD = made_records.record()


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
        folder.claimed("xyz", replace(CONFIG, seed=2)),
    ):
        pass


def test_a_folder_with_other_files_is_refused(folder):
    folder.path.mkdir()
    (folder / "thesis.doc").touch()
    with pytest.raises(UsageError, match="is neither empty nor a run"), folder.claimed("abc", CONFIG):
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
        "from overfitlab.config import NOTEBOOK, RunConfig\n"
        "from overfitlab.errors import OverfitlabError\n"
        "try:\n"
        "    with RunFolder(Path(sys.argv[1])).claimed('abc', RunConfig(NOTEBOOK, 'none', 'x')): pass\n"
        "except OverfitlabError as error: print(error)"
    )
    with folder.claimed("abc", CONFIG):
        folder.write_record(RECORD)
        command = [sys.executable, "-c", other, str(folder.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "another process is training in" in done.stdout


def altered(**changes):
    """Return the content of a whole record file in which entries were changed afterwards."""
    return json.dumps(json.loads(sealed(made_records.values())) | changes, indent=2).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "entries are missing"),
        (b"[]", "entries are missing"),
        (b"{}", "entries are missing"),
        (sealed(made_records.values(config={})), "entries are missing"),
        (sealed(made_records.values(resolved={})), "entries are missing"),
        (sealed(made_records.values(status="happy")), "entries are missing"),
        (altered(status="finished"), "its checksum differs"),
        (altered(format=2), "its checksum differs"),
        (json.dumps(made_records.values()).encode(), "its checksum differs"),
        (json.dumps(made_records.values(format=99)).encode(), "has format 99"),
    ],
)
def test_a_damaged_record_is_one_line(folder, content, message):
    folder.path.mkdir()
    (folder / "run.json").write_bytes(content)
    with pytest.raises(DamagedError, match=message):
        folder.record()


def test_a_folder_without_a_record_is_not_a_run(folder):
    with pytest.raises(OverfitlabError, match="is not a run"):
        folder.record()


def test_damaged_files_are_found(folder):
    with folder.claimed("abc", CONFIG):
        names = ["model.txt", "history.csv", "weights.safetensors", "curves.png"]
        for name in names:
            folder.write(name, name.encode())
        folder.write_record(made_records.record(files=folder.checksums(names)))
        assert folder.damaged_files() == []
        (folder / "model.txt").write_text("A")
        (folder / "weights.safetensors").unlink()
        (folder / "curves.png").unlink()  # which can be drawn anew from the history
        assert folder.damaged_files() == ["model.txt", "weights.safetensors"]


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
@pytest.mark.parametrize("format_", [FORMAT, FORMAT - 2])
def test_numbers_that_no_record_has_are_refused_in_every_format(folder, number, format_):
    """Format 2 had no checksum."""
    folder.path.mkdir()
    times = made_records.VALUES["times"]

    def write(digits):
        text = json.dumps(made_records.values(format=format_, times=times | {"training_seconds": "NUMBER"}), indent=2)
        body = text.replace('"NUMBER"', digits).removesuffix("\n}").encode()
        seal = hashlib.sha256(body).hexdigest().encode()
        ending = b',\n  "checksum": "' + seal + b'"' if format_ == FORMAT else b""
        (folder / "run.json").write_bytes(body + ending + b"\n}\n")

    write("1.5")
    assert folder.record().times.training_seconds == 1.5
    write(number)
    with pytest.raises(DamagedError, match="is damaged"):
        folder.record()


@pytest.mark.slow
def test_a_record_of_too_many_pieces_takes_little_memory(folder):
    """Ten megabytes of empty lists would take a hundred as Python's values: what nobody knows is passed over."""
    folder.path.mkdir()
    (folder / "run.json").write_bytes(sealed(made_records.values(unknown=[[]] * 1_200_000)))
    tracemalloc.start()
    assert folder.record() == RECORD
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**25
    old = made_records.values(unknown=[[]] * 1_200_000, format=FORMAT - 1)
    (folder / "run.json").write_bytes(sealed(old))
    with pytest.raises(DamagedError, match="too large"):
        folder.record()
    (folder / "run.json").write_bytes(sealed(made_records.values(unknown="x" * LARGEST_RECORD)))
    with pytest.raises(DamagedError, match="too large"):
        folder.record()


def test_a_path_that_is_no_utf8_survives(folder):
    """Python writes its bytes as lone surrogates, which msgspec does not take."""
    odd = os.fsdecode(b"photos-\xff")
    folder.path.mkdir()
    folder.write_record(made_records.record(data=made_records.VALUES["data"] | {"source": odd, "name": odd}))
    data = folder.record().data
    assert os.fsencode(data.source) == b"photos-\xff"
    assert data.name == "photos-\\udcff"  # which can be shown


def test_names_are_cleaned_at_the_door(folder):
    """Behind it nobody has to think of a terminal that obeys what a stranger called a class."""
    folder.path.mkdir()
    odd = "a\x1b[2J\nb"
    data = made_records.VALUES["data"] | {"classes": [odd, "c"], "name": odd}
    content = sealed(made_records.values(method=odd, data=data, environment={odd: odd}))
    (folder / "run.json").write_bytes(content)
    record = folder.record()
    shown = [record.method, record.data.name, *record.data.classes, *record.environment, *record.environment.values()]
    assert all(text.isprintable() for text in shown)
    assert record.data.classes == ["a\\x1b[2J\\nb", "c"]


def test_a_run_of_another_program_can_be_read_and_is_no_run_of_ours(folder):
    folder.path.mkdir()
    kept = ("format", "id", "environment", "times", "resumed", "files")
    written = {name: made_records.VALUES[name] for name in kept}
    written |= {"producer": {"name": "keras", "version": "3.15"}, "status": "finished", "method": "cnn", "epochs": 9,
                "data": "flowers"}  # fmt: skip
    (folder / "run.json").write_bytes(sealed(written))
    record = folder.record()
    assert (record.producer.name, record.data_name, record.run_seed, record.planned_epochs) == (
        "keras", "flowers", None, 9,
    )  # fmt: skip
    with pytest.raises(UsageError) as caught:
        record.own()
    assert caught.value.code == "run_of_another_program"
    folder.write_record(record)
    assert folder.record() == record
