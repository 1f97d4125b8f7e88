"""The index of a study: quick to read, never believed against the folders, made anew where it is lost."""

import contextlib
import json
import math
import shutil
import sqlite3
import tracemalloc

import pytest
from overfitlab.records.index import Index

from overfitlab.errors import OverfitlabError
from overfitlab.records import index
from overfitlab.records.study_folder import INDEX, StudyFolder


@pytest.fixture
def study(tmp_path, digits_run):
    """A study folder with three runs, all the same."""
    folder = StudyFolder(tmp_path / "study")
    for name in ("a", "b", "c"):
        shutil.copytree(digits_run, folder / "runs" / name)
    return folder


def indexed(study):
    writer = Index(study)
    for folder in study.runs():
        writer.put(folder)
    writer.close()


def read_folders(study, monkeypatch):
    """Return the entries, and the names of the folders that were read for them."""
    read = []
    original = index.read_entry
    with monkeypatch.context() as patch:
        patch.setattr(index, "read_entry", lambda folder: read.append(folder.path.name) or original(folder))
        return index.entries(study), read


def test_it_says_what_the_folders_say(study, monkeypatch):
    from_folders, read = read_folders(study, monkeypatch)
    assert read == ["a", "b", "c"]
    indexed(study)
    from_index, read = read_folders(study, monkeypatch)
    assert read == []
    assert from_index == from_folders
    assert [entry.name for entry in from_index] == ["a", "b", "c"]


def test_what_changed_is_read_anew(study, monkeypatch):
    indexed(study)
    record = study.run("b").record()
    study.run("b").write_record(record | {"method": "another"})
    found, read = read_folders(study, monkeypatch)
    assert read == ["b"]
    assert [entry.record.method for entry in found] == ["batch_norm", "another", "batch_norm"]


def test_a_run_that_is_gone_is_gone(study):
    indexed(study)
    shutil.rmtree(study / "runs" / "c")
    assert [entry.name for entry in index.entries(study)] == ["a", "b"]


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_index_costs_nothing_but_time(study, monkeypatch, damage):
    before = index.entries(study)
    indexed(study)
    content = (study / INDEX).read_bytes()
    (study / INDEX).write_bytes(content[: len(content) // 2] if damage is None else damage)
    assert index.entries(study) == before
    indexed(study)  # the writer makes it anew
    found, read = read_folders(study, monkeypatch)
    assert (found, read) == (before, [])


def test_an_index_of_another_version_is_made_anew(study, monkeypatch):
    connection = sqlite3.connect(study / INDEX)
    connection.execute("CREATE TABLE run (something TEXT)")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert len(index.entries(study)) == 3
    indexed(study)
    assert read_folders(study, monkeypatch)[1] == []


COLUMNS = ", ".join(f"x AS {name}" for name in ("name", "stamp", "method", "seed", "status", "record", "checksum"))
ENDLESS = f"CREATE VIEW run AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT {COLUMNS} FROM n"


@pytest.mark.parametrize(
    "attack",
    [
        f"DROP TABLE run; {ENDLESS}",
        "CREATE TRIGGER more AFTER INSERT ON run BEGIN DELETE FROM epoch; END",
        "UPDATE run SET record = '[]'",
        "UPDATE run SET record = '" + "[" * 100_000 + "'",
        "UPDATE run SET record = X'00ff'",
        "UPDATE epoch SET epoch = 9e999 WHERE epoch = 1",
        "UPDATE run SET checksum = 1",
    ],
)
def test_an_index_of_a_stranger_says_what_the_folders_say(study, attack):
    before = index.entries(study)
    indexed(study)
    with contextlib.closing(sqlite3.connect(study / INDEX)) as connection:
        connection.executescript(attack)
        connection.commit()
    assert repr(index.entries(study)) == repr(before)
    indexed(study)
    assert repr(index.entries(study)) == repr(before)


@pytest.mark.parametrize("private", ["CREATE TABLE mine (something TEXT)", "", index.TABLES])
def test_an_index_that_is_a_link_leads_nowhere(study, tmp_path, private):
    """To another database, to an empty file, to the index of another study."""
    (tmp_path / "private").touch()
    with contextlib.closing(sqlite3.connect(tmp_path / "private")) as connection:
        connection.executescript(private)
    content = (tmp_path / "private").read_bytes()
    (study / INDEX).symlink_to(tmp_path / "private")
    before = index.entries(study)
    indexed(study)
    assert (tmp_path / "private").read_bytes() == content
    assert repr(index.entries(study)) == repr(before)


def test_rows_of_runs_that_do_not_exist_take_no_memory(study):
    """SQLite hands them over one by one, and none of them is kept."""
    indexed(study)
    with contextlib.closing(sqlite3.connect(study / INDEX)) as connection, connection:
        columns = len(index.ALL_COLUMNS)
        connection.executemany(
            f"INSERT INTO epoch VALUES ({', '.join('?' * (columns + 1))})",
            (("x", number, *[0.5] * (columns - 1)) for number in range(200_000)),
        )
    tracemalloc.start()
    found = index.entries(study)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [entry.name for entry in found] == ["a", "b", "c"]
    assert most < 2**23


def test_a_name_that_sqlite_does_not_hold_stops_nothing(study, monkeypatch):
    """A lone surrogate is no text; the folders know it all."""
    record = study.run("b").record()
    study.run("b").write_record(record | {"config": record["config"] | {"method": "\ud800"}})
    indexed(study)
    found, read = read_folders(study, monkeypatch)
    assert read == ["b"]
    assert [entry.record.config.method for entry in found][1] == "\ud800"


def test_losses_that_are_no_numbers_come_back(study):
    lines = (study / "runs" / "a" / "history.csv").read_text().splitlines()
    cells = lines[-1].split(",")
    cells[2], cells[4], cells[6] = "nan", "inf", "nan"
    folder = study.run("a")
    folder.write("history.csv", "\n".join([*lines[:-1], ",".join(cells), ""]).encode())
    record = folder.record()
    folder.write_record(record | {"files": record["files"] | folder.checksums(["history.csv"])})
    indexed(study)
    row = index.entries(study)[0].rows[-1]
    assert math.isnan(row.loss)
    assert row.val_loss == math.inf
    assert math.isnan(row.train_loss)


def test_a_reader_is_not_held_up_by_the_writer(study):
    indexed(study)
    writer = sqlite3.connect(study / INDEX, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE run SET method = 'half'")
    assert [entry.record.method for entry in index.entries(study)] == ["batch_norm"] * 3
    writer.execute("ROLLBACK")
    writer.close()


def test_a_study_goes_on_where_the_index_cannot_be_written(study):
    (study / INDEX).mkdir()
    writer = Index(study)
    assert writer.put(study.run("a")).record.method == "batch_norm"
    writer.close()
    assert len(index.entries(study)) == 3


def test_a_missing_history_is_one_line(study):
    (study / "runs" / "a" / "history.csv").unlink()
    with pytest.raises(OverfitlabError, match=r"history\.csv is missing; move the folder of that run away"):
        index.entries(study)


def test_a_run_without_an_epoch_yet(study):
    record = study.run("a").record()
    (study / "runs" / "a" / "history.csv").unlink()
    study.run("a").write_record(json.loads(json.dumps(record)) | {"files": {}, "status": "running"})
    assert index.entries(study)[0].rows == []
