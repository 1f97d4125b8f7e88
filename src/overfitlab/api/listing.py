"""What lies below `runs/`: studies and single runs."""

import contextlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import display_name
from overfitlab.records.claim import LOCK
from overfitlab.records.record_file import read_json
from overfitlab.records.run_folder import HISTORY, RUNNING, RunFolder
from overfitlab.records.run_folder import RECORD as RUN_RECORD
from overfitlab.records.study_folder import FINISHED, VERDICT
from overfitlab.report.study_text import whole
from overfitlab.runs.run import Run, find_run, load_run
from overfitlab.study.study import Study, find_study, load_study, studies

DAMAGED = "damaged"
KILLED = "interrupted"  # it says that it runs, but nobody holds its folder


@dataclass(frozen=True)
class Listed:
    """One study or run."""

    name: str
    id: str
    kind: str  # "study" or "run"
    status: str
    what: str  # that was compared or trained
    outcome: str


def listed(runs: str | Path = "runs") -> list[Listed]:
    """Return the studies and the single runs below `runs`, by name; what is damaged says so."""
    folder = Path(runs)
    found = [_study(name, path) for name, path in studies(folder).items()]
    found += [_run(path.parent) for path in sorted(folder.glob(f"*/{RUN_RECORD}"))]
    return sorted(found, key=lambda each: each.name)


def show(named: str | Path) -> tuple[dict[str, Any], str]:
    """Return what is known of the study or run that `named` names, as a document and as text.

    Raises `UsageError` where there is no such study or run, and `OverfitlabError` where it is damaged.
    """
    try:
        study = find_study(named)
    except UsageError as no_study:
        try:
            run = find_run(named)
        except UsageError:
            raise no_study from None
        return _run_document(run), _run_text(run)
    verdict = study.judged()
    status = _status(study.folder, study.status)
    document = {"folder": str(study.folder), **study.record, "status": status, "verdict": verdict.as_dict()}
    return document, f"{_about(study, status)}\n\n{whole(document['verdict'], study.record)}"


def _about(study: Study, status: str) -> str:
    plan, record = study.plan, study.record
    ended = sum(entry.record["status"] != RUNNING and bool(entry.record["files"]) for entry in study.entries)
    lines = [
        f"Study {study.folder} ({display_name(record['id'])}): {status}, {ended} of "
        f"{len(study.config.methods) * plan.looks[study.look - 1]} runs have ended",
        f"Data: {display_name(record['data']['name'])}, {plan.parts.training:,} training, "
        f"{plan.parts.validation:,} validation, {plan.parts.test:,} test images; "
        f"protocol {display_name(plan.protocol.name)}, {plan.protocol.epochs} epochs",
    ]
    if record["command"]:
        lines.append(f"Command: {display_name(record['command'])}")
    return "\n".join(lines)


def _study(name: str, path: Path) -> Listed:
    try:
        study = load_study(path)
        status = _status(path, study.status)
        what = f"{', '.join(study.labels.values())} on {study.record['data']['name']}, {study.plan.seeds} seeds"
        outcome = _recommendation(study)
        return Listed(name, study.record["id"], "study", status, what, outcome)
    except OverfitlabError as error:
        return Listed(name, "", "study", DAMAGED, "", str(error))


def _recommendation(study: Study) -> str:
    """Return what a finished study recommends, from the verdict that it wrote: quicker than reading every run."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        verdict = read_json(study.folder / VERDICT)
        if study.status == FINISHED and verdict["recommended"] is not None:
            return f"recommends {study.labels[verdict['recommended']]}"
    return "provisional"


def _run(path: Path) -> Listed:
    try:
        record = RunFolder(path).record()
        if record["status"] == RUNNING and not (path / HISTORY).exists():
            config = record["config"]
            what = f"{record['method']} on {config['data']}, seed {config['seed']}"
            return Listed(path.name, record["id"], "run", _status(path, RUNNING), what, "in its first epoch")
        run = load_run(path)
        test = run.measured.get("end", {}).get("test")
        val_acc = f"val_acc {run.rows[-1].val_acc:.4f}" if run.rows else ""
        outcome = f"test accuracy {test['acc']:.4f}" if test and test["acc"] is not None else val_acc
        return Listed(path.name, run.record["id"], "run", _status(path, run.record["status"]), run.title, outcome)
    except OverfitlabError as error:
        return Listed(path.name, "", "run", DAMAGED, "", str(error))


def _status(folder: Path, status: str) -> str:
    """Return the status, and of one that says that it runs, whether anybody is at it."""
    if status != RUNNING:
        return status
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            return KILLED
    except filelock.Timeout:
        return RUNNING
    except (OSError, NotImplementedError):  # a folder that may only be read: nobody can tell
        return status


def _run_document(run: Run) -> dict[str, Any]:
    history = {name: [value if math.isfinite(value) else None for value in of] for name, of in run.history.items()}
    return {"folder": str(run.folder), **run.record, "history": history}


def _run_text(run: Run) -> str:
    record = run.record
    what = display_name(f"({record['id']}): {_status(run.folder, record['status'])}, {run.title}")
    return "\n\n".join(filter(None, (f"Run {run.folder} {what}", run.table(), display_name(run.summary()))))


def as_documents(found: list[Listed]) -> list[dict[str, str]]:
    """Return the list as plain JSON values."""
    return [asdict(each) for each in found]
