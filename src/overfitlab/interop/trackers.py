"""Stores of MLflow (SQLite, and folders of files) and of Trackio (SQLite), opened to read and nothing else."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from overfitlab.display import display_name
from overfitlab.errors import DataError
from overfitlab.files import read_whole, refusal
from overfitlab.interop.cells import Row, as_text, cell, of_value
from overfitlab.interop.logged import MOST_BYTES, MOST_ROWS, Logged, unreadable
from overfitlab.interop.places import of_place

MLFLOW, TRACKIO = "MLflow", "Trackio"
DATABASES = (".db", ".sqlite", ".sqlite3")
HEADER = b"SQLite format 3\0"
METHODS = ("method", "regularization", "variant", "arm", "model")
SEEDS = ("seed", "random_seed", "random_state")
RUN_NAME = "mlflow.runName"
LARGEST_METRIC = 2**24  # bytes of one file
Points = dict[str, list[tuple[int, float]]]  # step and value, by metric, in the order of their time


def is_database(path: Path) -> bool:
    """Return whether a file is named as databases are, and begins as one."""
    if path.suffix.lower() not in DATABASES or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(HEADER)) == HEADER


def database(path: Path) -> list[Logged]:
    """Return the runs of a database of MLflow or Trackio; raises `DataError` for any other, and a damaged one."""
    try:
        digest = hashlib.sha256(read_whole(path, MOST_BYTES)).hexdigest()
    except OSError as error:
        raise DataError("log_not_opened", "{reason}", reason=refusal(error)) from None
    try:
        with _opened(path) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
            if {"runs", "metrics", "params"} <= tables:
                return _mlflow(path, digest, connection)
            if "metrics" in tables:
                return _trackio(path, digest, connection, has_configs="configs" in tables)
    except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
        raise unreadable(
            path, "SQLite", DataError("database_damaged", "it is damaged ({reason})", reason=error)
        ) from None
    raise unreadable(path, "SQLite", DataError("store_of_nobody", "it is a store of neither MLflow nor Trackio"))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database so that nothing is written into it."""
    log = path.with_name(f"{path.name}-wal")  # what another process has written and not yet moved into the file
    alone = not (log.is_file() and log.stat().st_size)
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        yield connection


def _mlflow(path: Path, digest: str, connection: sqlite3.Connection) -> list[Logged]:
    runs = list(connection.execute(
        "SELECT run_uuid, name FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
    ))  # fmt: skip
    values = connection.execute("SELECT run_uuid, key, value, step, is_nan FROM metrics ORDER BY step, timestamp")
    points: dict[str, Points] = {}
    for run, key, value, step, is_nan in values.fetchmany(MOST_ROWS):
        number = float("nan") if is_nan else float(value)
        points.setdefault(run, {}).setdefault(key, []).append((int(step), number))
    settings: dict[str, dict[str, str]] = {}
    for run, key, value in connection.execute("SELECT run_uuid, key, value FROM params").fetchmany(MOST_ROWS):
        settings.setdefault(run, {})[str(key)] = str(value)
    found = [_logged(path, MLFLOW, digest, name or run, points[run], settings.get(run, {}))
             for run, name in runs if run in points]  # fmt: skip
    return _some(found, path, MLFLOW)


def _trackio(path: Path, digest: str, connection: sqlite3.Connection, *, has_configs: bool) -> list[Logged]:
    points: dict[str, Points] = {}
    rows = connection.execute("SELECT run_name, step, metrics FROM metrics ORDER BY id")
    for run, step, text in rows.fetchmany(MOST_ROWS):
        document = json.loads(text)
        for key, value in document.items() if isinstance(document, dict) else ():
            number = of_value(value)
            if isinstance(number, float):
                points.setdefault(run, {}).setdefault(key, []).append((int(step), number))
    settings: dict[str, dict[str, str]] = {}
    if has_configs:
        for run, text in connection.execute("SELECT run_name, config FROM configs").fetchmany(MOST_ROWS):
            document = json.loads(text)
            settings[run] = (
                {str(key): str(value) for key, value in document.items()} if isinstance(document, dict) else {}
            )
    found = [_logged(path, TRACKIO, digest, run, each, settings.get(run, {})) for run, each in points.items()]
    return _some(found, path, TRACKIO)


def mlflow_folder(folder: Path) -> list[Logged] | None:
    """Return the runs of MLflow's store of files; None where the folder is none.

    It has a folder an experiment, below it one a run, with `meta.yaml`, `metrics/NAME` (time, value and step in each
    line) and `params/NAME`.
    """
    metas = [*folder.glob("*/*/meta.yaml"), *folder.glob("*/meta.yaml")]
    runs = sorted({meta.parent for meta in metas if (meta.parent / "metrics").is_dir()})
    if not runs:
        return None
    found = []
    for run in runs:
        digest, points = hashlib.sha256(), {}
        for metric in sorted((run / "metrics").rglob("*")):
            if metric.is_file():
                content = _content(metric)
                digest.update(content)
                points[metric.relative_to(run / "metrics").as_posix()] = _lines(metric, content)
        settings = {entry.name: _content(entry).decode("utf-8", "replace").strip()
                    for entry in sorted((run / "params").glob("*")) if entry.is_file()}  # fmt: skip
        name = run / "tags" / RUN_NAME
        called = _content(name).decode("utf-8", "replace").strip() if name.is_file() else run.name
        if points:
            found.append(_logged(run, MLFLOW, digest.hexdigest(), called, points, settings))
    return _some(found, folder, MLFLOW)


def _content(path: Path) -> bytes:
    try:
        return read_whole(path, LARGEST_METRIC)
    except OSError as error:
        raise DataError("log_not_opened", "{reason}", reason=refusal(error)) from None


def _lines(path: Path, content: bytes) -> list[tuple[int, float]]:
    found = []
    for line in content.decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) < 2:
            raise unreadable(path, MLFLOW, DataError("line_without_a_value", "a line has no value"))
        value, step = cell(words[1]), cell(words[2]) if len(words) > 2 else 0.0
        if not isinstance(value, float) or not isinstance(step, float) or not step.is_integer():
            raise unreadable(path, MLFLOW, DataError("line_of_no_metric", "a line is not a metric"))
        found.append((int(step), value))
    return sorted(found, key=lambda point: point[0])


def _some(found: list[Logged], path: Path, kind: str) -> list[Logged]:
    if not found:
        raise unreadable(path, kind, DataError("no_run_with_metrics", "it has no run with metrics"))
    return found


def _logged(
    path: Path, kind: str, sha256: str, name: str, points: Points, settings: Mapping[str, str]
) -> Logged:  # fmt: skip
    """Return one run: a row a step where it has several, its method and seed from its settings, else its name."""
    placed, numbered = of_place((name, "events"))
    method = next((settings[key] for key in METHODS if settings.get(key)), None) or placed or name
    seed = next((as_text(cell(settings[key])) for key in SEEDS if settings.get(key)), None) or numbered
    source = f"{path}: {display_name(name)}"
    return Logged(source, kind, sha256, ("epoch", *map(display_name, points)), _by_step(points), history=True,
                  method=display_name(method), seed=seed)  # fmt: skip


def _by_step(points: Points) -> list[Row]:
    """Return a row a step at which something was evaluated; a metric that was logged once stands in the last one."""
    often = {name: values for name, values in points.items() if len({step for step, _ in values}) > 1}
    evaluated = {name: values for name, values in often.items() if name.lower().startswith(("val", "eval", "test"))}
    steps = sorted({step for values in (evaluated or often).values() for step, _ in values}) or [0]
    rows: list[Row] = []
    before = -(2**63)
    for number, step in enumerate(steps, 1):
        row: Row = {"epoch": float(number)}
        for name, values in often.items():
            known = [value for at, value in values if before < at <= step]
            if known:
                row[display_name(name)] = known[-1]
        rows.append(row)
        before = step
    for name, values in points.items():
        if name not in often:
            rows[-1][display_name(name)] = values[-1][1]
    return rows
