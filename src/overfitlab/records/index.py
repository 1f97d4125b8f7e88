"""The index of a study: what its run folders say, in one SQLite file that is quick to read while others write.

The run folders are the truth. An entry counts only while the files that it was read from are as they were; what is
missing or has changed is read from its folder, so that a lost or damaged index costs time and nothing else. The one
writer is the process that trains the study.
"""

import contextlib
import functools
import hashlib
import json
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overfitlab.config import MOST_EPOCHS
from overfitlab.errors import OverfitlabError
from overfitlab.records import history
from overfitlab.records.record_file import LARGEST_RECORD
from overfitlab.records.run_folder import HISTORY, RECORD, RunFolder, shaped_like_a_record
from overfitlab.records.study_folder import INDEX, StudyFolder
from overfitlab.results.history import ALL_COLUMNS, EpochRow

BUSY_SECONDS = 5.0
LARGEST_INDEX = 2**28  # bytes: a thousand runs take 30 MB
LAYOUT = 2  # of the tables; an index with another one is made anew
TABLES = f"""
CREATE TABLE IF NOT EXISTS run (
    name TEXT PRIMARY KEY, stamp TEXT NOT NULL, method TEXT NOT NULL, seed INTEGER NOT NULL, status TEXT NOT NULL,
    record TEXT NOT NULL, checksum TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS epoch (
    run TEXT NOT NULL REFERENCES run(name), {", ".join(f"{name} REAL" for name in ALL_COLUMNS)},
    PRIMARY KEY (run, epoch)
);
PRAGMA user_version = {LAYOUT};
"""


@dataclass(frozen=True)
class Entry:
    """One run of a study: what its record and its history say; `name` is that of its folder."""

    name: str
    record: dict[str, Any]
    rows: list[EpochRow]


class Index:
    """Writes the index; what goes wrong with it is no reason to stop a study, so it then does nothing."""

    def __init__(self, study: StudyFolder) -> None:
        self._study = study
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error, OSError):
            self._connection = self._opened(study / INDEX)

    @staticmethod
    def _opened(path: Path) -> sqlite3.Connection:
        if path.is_symlink():  # whatever it leads to is no index of ours
            path.unlink()
        for _ in range(2):
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                known = _schema(connection)
                if known in (set(), _our_schema()):
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.execute("PRAGMA synchronous = NORMAL")
                    connection.executescript(TABLES)
                    return connection
            except sqlite3.OperationalError:  # it is locked, or the disk refuses: no reason to remove it
                connection.close()
                raise
            except sqlite3.DatabaseError:
                pass
            connection.close()
            for ending in ("", "-wal", "-shm"):  # damaged, or of another version: the folders know it all
                path.with_name(path.name + ending).unlink(missing_ok=True)
        raise sqlite3.DatabaseError("cannot be made anew")

    def put(self, folder: RunFolder) -> Entry:
        """Read a run's folder, note what it says, and return that; raises `OverfitlabError` where it is damaged."""
        stamp = _stamp(folder)
        entry = read_entry(folder)
        if self._connection is None:
            return entry
        config = entry.record["config"]
        text = json.dumps(entry.record)
        about = (config["method"], config["seed"], entry.record["status"])
        values = (entry.name, stamp, *about, text, _checksum(text, entry.rows))
        places = ", ".join("?" * (len(ALL_COLUMNS) + 1))
        # ValueError: a name that is no text, which SQLite does not keep
        with contextlib.suppress(sqlite3.Error, ValueError), self._transaction(self._connection) as connection:
            connection.execute("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            connection.execute("DELETE FROM epoch WHERE run = ?", (entry.name,))
            connection.executemany(
                f"INSERT INTO epoch VALUES ({places})",  # noqa: S608 - question marks
                [(entry.name, *(getattr(row, column) for column in ALL_COLUMNS)) for row in entry.rows],
            )
        return entry

    @staticmethod
    @contextlib.contextmanager
    def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # what went wrong before matters more
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file; what the write-ahead log holds is then in it."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()


def entries(study: StudyFolder) -> list[Entry]:
    """Return all runs of a study that have begun, by name, from its index where that is up to date.

    Raises `OverfitlabError` where a run's folder is damaged.
    """
    folders = list(study.runs())
    indexed = _indexed(study / INDEX, {folder.path.name for folder in folders})
    found = []
    for folder in folders:
        stamp, entry = indexed.get(folder.path.name, ("", None))
        found.append(entry if entry is not None and stamp == _stamp(folder) else read_entry(folder))
    return found


def _indexed(path: Path, names: set[str]) -> dict[str, tuple[str, Entry]]:
    """Return stamp and entry of each run of these that the index knows; nothing where it cannot be read.

    The file may come from a stranger, and SQL is a language: only tables are read, and only those that we make.
    """
    if not path.is_file() or path.is_symlink():
        return {}
    try:
        if path.stat().st_size > LARGEST_INDEX:
            return {}
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as reading:
            reading.execute("PRAGMA trusted_schema = OFF")
            reading.execute("BEGIN")  # both tables as they are at one moment, or entries would not fit together
            if _schema(reading) != _our_schema():
                return {}
            rows: dict[str, list[tuple[float | None, ...]]] = {}
            for name, *values in reading.execute(
                f"SELECT run, {', '.join(ALL_COLUMNS)} FROM epoch ORDER BY run, epoch"  # noqa: S608 - our own names
            ):
                of_run = rows.setdefault(name, []) if name in names else None
                if of_run is not None and len(of_run) < MOST_EPOCHS:
                    of_run.append(tuple(values))
            found = {}
            for name, stamp, text, checksum in reading.execute("SELECT name, stamp, record, checksum FROM run"):
                if name not in names or len(text) > LARGEST_RECORD:
                    continue
                with contextlib.suppress(Exception):  # whatever is wrong with it, its folder knows better
                    record = json.loads(text)
                    entry = Entry(name, record, [_row(values, record) for values in rows.get(name, [])])
                    if checksum == _checksum(text, entry.rows) and shaped_like_a_record(record):
                        found[name] = (stamp, entry)
            return found
    except (sqlite3.Error, OSError):
        return {}


def _schema(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Return all that is declared in a database."""
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    declared = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return {(str(layout), *map(str, each)) for each in declared}


@functools.cache
def _our_schema() -> set[tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(TABLES)
        return _schema(empty)


def _row(values: tuple[Any, ...], record: dict[str, Any]) -> EpochRow:
    """Return an epoch from its columns; SQLite knows no NaN, which the loss of a diverged run is, and keeps NULL."""
    clean = record["config"]["protocol"]["clean_metrics"]
    kept = (
        math.nan if value is None and (clean or not column.startswith("train_")) else value
        for column, value in zip(ALL_COLUMNS[1:], values[1:], strict=True)
    )
    return EpochRow(int(values[0]), *kept)


def _checksum(record: str, rows: list[EpochRow]) -> str:
    """Return the SHA-256 of an entry: SQLite does not notice where a bit of what it keeps falls over."""
    return hashlib.sha256(f"{record}{rows}".encode("utf-8", "surrogatepass")).hexdigest()


def read_entry(folder: RunFolder) -> Entry:
    """Return what a run's folder says; raises `OverfitlabError` where it is damaged."""
    record = folder.record()
    path = folder / HISTORY
    if not path.exists() and record["files"]:
        raise OverfitlabError(f"{path} is missing; move the folder of that run away, and it is trained again")
    known = record["files"].get(HISTORY)
    return Entry(folder.path.name, record, history.read_csv(path, known) if path.exists() else [])


def _stamp(folder: RunFolder) -> str:
    """Return what changes when the files that an entry is read from are replaced."""
    parts = []
    for name in (RECORD, HISTORY):
        with contextlib.suppress(OSError):
            status = (folder / name).stat()
            parts.append(f"{status.st_mtime_ns}.{status.st_size}.{status.st_ino}")
    return "-".join(parts)
