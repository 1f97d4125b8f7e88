"""Reads logs of any origin: files, and folders of them, each recognized by what is in it."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from overfitlab.errors import DataError, UsageError
from overfitlab.files import found_path, read_whole, refusal, user_path
from overfitlab.interop import keras, lightning, others, tensorboard, trackers
from overfitlab.interop.cells import Row
from overfitlab.interop.columns import OUR_RUNS, OURS
from overfitlab.interop.logged import MOST_TEXT, Logged, checked, unreadable
from overfitlab.interop.places import beyond_common, of_place
from overfitlab.interop.tables import delimited, json_document, json_lines, of_objects, parquet, unique

MOST_FILES = 20_000
TABLE, OWN_HISTORY, OWN_RUNS = "table", "overfitlab history.csv", "overfitlab runs.csv"
TEXT, JSON, JSON_LINES, PARQUET = (
    (".csv", ".tsv", ".txt", ".tab"),
    (".json",),
    (".jsonl", ".ndjson"),
    (".parquet", ".pq"),
)
ENDINGS = (*TEXT, *JSON, *JSON_LINES, *PARQUET)
NOT_LOGS = frozenset(("verdict.json", "contrasts.csv", "run.json", "study.json", "config.json", "hparams.yaml",
                      "requirements.txt", "methods.txt"))  # fmt: skip
Named = tuple[str | None, str]  # a method, where the user named it, and a path


def named_source(text: str) -> Named:
    """Return method and path of a source as it was typed: `runs/` or `dropout=runs/with_dropout`."""
    name, equals, path = text.partition("=")
    if equals and name.strip() and path.strip() and not Path(text).exists():
        return name.strip(), path.strip()
    return None, text


def read_sources(sources: Sequence[str]) -> list[Logged]:
    """Return the logs of files and folders, in the order given; within a folder by name.

    Raises `UsageError` where there is nothing, `DataError` for a file that cannot be read.
    """
    found: list[Logged] = []
    for method, text in map(named_source, sources):
        path = found_path(user_path(text, "source"))
        if not path.exists():
            raise UsageError("no_such_log", "there is no file or folder {path}", path=path)
        logs = _folder(path) if path.is_dir() else _file(path, (path.parent.name, path.name))
        found += [replace(log, method=method) for log in logs] if method else logs
    return [checked(log) for log in found]


def _folder(folder: Path) -> list[Logged]:
    stored = trackers.mlflow_folder(folder)
    if stored is not None:
        return stored
    paths = []
    for path in sorted(folder.rglob("*")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and _is_log(path):
            paths.append(path)
        if len(paths) > MOST_FILES:
            raise DataError("too_many_logs", "{folder} holds more than {most:,} logs; name only some of them",
                            folder=folder, most=MOST_FILES)  # fmt: skip
    if not paths:
        raise UsageError(
            "folder_without_logs",
            "{folder} holds no logs: CSV, TSV, JSON, JSON lines, Parquet, TensorBoard event files, or stores of MLflow "
            "and Trackio", folder=folder,
        )  # fmt: skip
    events = [path for path in paths if tensorboard.is_event_file(path)]
    runs = tensorboard.runs_of(events, folder)
    files = [path for path in paths if path not in events]
    places = [(*run.parts, "events") for run in runs] + [path.relative_to(folder).parts for path in files]
    known = beyond_common([(folder.name, *place) for place in places])
    found = [
        _placed(tensorboard.read(run.files, run.folder), place, default=folder.name)
        for run, place in zip(runs, known, strict=False)
    ]
    for path, place in zip(files, known[len(runs) :], strict=True):
        found += _file(path, place, folder.name)
    return found


def _is_log(path: Path) -> bool:
    known = path.suffix.lower() in ENDINGS or tensorboard.is_event_file(path) or trackers.is_database(path)
    return known and path.name not in NOT_LOGS and path.is_file()


def _file(path: Path, parts: tuple[str, ...], default: str | None = None) -> list[Logged]:
    if tensorboard.is_event_file(path):
        return [_placed(tensorboard.read([path], path.parent), (*parts[:-1], "events"))]
    if trackers.is_database(path):
        return trackers.database(path)
    try:
        content = read_whole(path, MOST_TEXT)
    except OSError as error:
        raise DataError("log_not_opened", "{reason}", reason=refusal(error)) from None
    sha256 = hashlib.sha256(content).hexdigest()
    return [_placed(log, parts, path.parent, default) for log in _logs(path, content, sha256)]


def _placed(log: Logged, parts: tuple[str, ...], folder: Path | None = None, default: str | None = None) -> Logged:
    """Return a history with method and seed from the place where it lies, and from what lies beside it."""
    if not log.history or (log.method and log.seed):
        return log
    method, seed = of_place(parts)
    if folder is not None and log.kind == lightning.KIND:
        named, numbered = lightning.hparams(folder)
        method, seed = named or method, numbered or seed
    return replace(log, method=log.method or method or default, seed=log.seed or seed)


def _logs(path: Path, content: bytes, sha256: str) -> list[Logged]:
    source, ending = str(path), path.suffix.lower()
    if content[:4] == b"PAR1" or ending in PARQUET:
        return [Logged(source, TABLE, sha256, *parquet(path, content))]
    if ending in JSON_LINES:
        return [Logged(source, TABLE, sha256, *json_lines(path, content))]
    if ending in JSON:
        document = json_document(path, content, "JSON")
        if others.is_trainer_state(document):
            names, rows = others.trainer_state(path, document)
            return [Logged(source, others.HUGGING_FACE, sha256, names, rows, history=True)]
        if keras.is_history(document):
            return [Logged(source, keras.JSON_KIND, sha256, *keras.history(path, document), history=True)]
        if isinstance(document, list):
            return [Logged(source, TABLE, sha256, *of_objects(path, document, "JSON"))]
        raise unreadable(path, "JSON", DataError(
            "neither_rows_nor_history", "it is neither a list of objects nor the history of a training"
        ))  # fmt: skip
    return _delimited(path, content, sha256)


def _delimited(path: Path, content: bytes, sha256: str) -> list[Logged]:
    names, rows = delimited(path, content)
    return from_rows(str(path), sha256, names, rows)


def from_rows(source: str, sha256: str, names: tuple[str, ...], rows: list[Row]) -> list[Logged]:
    """Return the logs in a table, recognized by its columns."""
    made = _of_ours(source, sha256, names, rows) or _of_others(source, sha256, names, rows)
    return made or [Logged(source, TABLE, sha256, names, rows)]


def _of_ours(source: str, sha256: str, names: tuple[str, ...], rows: list[Row]) -> list[Logged]:
    columns = {*names}
    if columns >= OURS:
        alone = not columns & {"method", "seed"}
        kind = OWN_HISTORY if {"epoch", "seconds"} <= columns else TABLE
        evaluated = frozenset(("train_loss", "train_acc")) if kind == OWN_HISTORY else frozenset()
        return [Logged(source, kind, sha256, names, rows, history=alone, evaluated=evaluated)]
    if columns >= OUR_RUNS:
        return [Logged(source, OWN_RUNS, sha256, names, rows, evaluated=frozenset(("train_acc",)))]
    return []


def _of_others(source: str, sha256: str, names: tuple[str, ...], rows: list[Row]) -> list[Logged]:
    if others.is_fastai(names):
        metrics = names[names.index("valid_loss") + 1 : names.index("time")]
        return [Logged(source, others.FASTAI, sha256, names, others.fastai(rows), history=True,
                       of_validation=frozenset(metrics))]  # fmt: skip
    if others.is_wandb(names):
        found = []
        for run, (metrics, kept) in others.wandb(names, rows).items():
            method, seed = of_place((run, "events"))
            found.append(Logged(f"{source}: {run}", others.WANDB, sha256, unique([*metrics]), kept, history=True,
                                method=method or run, seed=seed))  # fmt: skip
        return found
    if "method" not in names and "seed" not in names:
        if lightning.is_csv(names):
            return [Logged(source, lightning.KIND, sha256, names, lightning.merged(rows), history=True)]
        if keras.is_csv(names):
            return [Logged(source, keras.CSV_KIND, sha256, names, keras.numbered_from_one(rows), history=True)]
    return []
