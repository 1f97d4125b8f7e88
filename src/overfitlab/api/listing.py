"""What lies below `runs/`: studies and single runs."""

import contextlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from overfitlab.api.runs import Run, find_run, load_run
from overfitlab.api.studies import Study, find_study
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import read_whole
from overfitlab.records.claim import is_held
from overfitlab.records.record_file import LARGEST_RECORD
from overfitlab.records.run_folder import HISTORY, RunFolder
from overfitlab.records.run_folder import RECORD as RUN_RECORD
from overfitlab.records.run_record import DIVERGED, RUNNING
from overfitlab.records.run_record import FINISHED as RUN_FINISHED
from overfitlab.records.study_folder import VERDICT, StudyFolder
from overfitlab.records.study_record import FINISHED, StudyRecord
from overfitlab.report.run_text import run_oddities, run_summary, run_table, run_title
from overfitlab.report.study_text import command_lines, short, whole
from overfitlab.study.calling import as_called
from overfitlab.study.study import studies
from overfitlab.words.columns import flowing
from overfitlab.words.language import ENGLISH, Language

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


def listed(runs: str | Path = "runs", say: Language = ENGLISH) -> list[Listed]:
    """Return the studies and the single runs below `runs`, by name; a record that is damaged says so.

    Of a study its own record is read, not those of its runs, so that a list of hundreds is there at once.
    """
    folder = Path(runs)
    found = [_study(name, path, say) for name, path in studies(folder).items()]
    found += [_run(path.parent, say) for path in sorted(folder.glob(f"*/{RUN_RECORD}"))]
    return sorted(found, key=lambda each: each.name)


def show(
    named: str | Path, say: Language = ENGLISH, *, full: bool = False, width: int | None = None
) -> tuple[dict[str, Any], str]:
    """Return what is known of the study or run that `named` names, as a document and as text.

    Of a study its answer, with `full` every table too; lines have at most `width` columns, None leaves them whole.

    Raises `UsageError` where there is no such study or run, and `DamagedError` where it is damaged.
    """
    study = study_or_run(named)
    if isinstance(study, Run):
        return _run_document(study), _run_text(study, say, width)
    status = status_of(study.folder, study.status)
    document = study.document() | {"status": status}
    about = flowing(_about(study, status, say), width)
    if not study.outcomes:
        return document, "\n".join([about, "", *_nothing_yet(study, say, width)])
    told = whole if full else short
    answer = told(study.judged(), study.record, str(study.folder), say, width)
    if full and study.record.command:
        about = "\n".join([about, *command_lines(as_called(study.record.command), width)])
    return document, f"{about}\n\n{answer}"


def study_or_run(named: str | Path) -> Study | Run:
    """Return the study or the run that `named` names.

    Raises `UsageError` where there is none, and `DamagedError` where it is damaged.
    """
    try:
        return find_study(named)
    except UsageError as no_study:
        try:
            return find_run(named)
        except UsageError:
            raise no_study from None


def _nothing_yet(study: Study, say: Language, width: int | None) -> list[str]:
    """Return what to say of a study of which no run has ended."""
    said = [say("No run of this study has finished yet, so there is nothing to compare.")]
    said += [
        say("{method}, seed {seed}: {reason}", method=say.method(study.labels.get(each.method, each.method)),
            seed=each.seed, reason=say.reason(each.reason))
        for each in study.record.failures.values()
    ]  # fmt: skip
    lines = [flowing(line, width) for line in said]
    if study.record.command:
        again = say("Next: unless it is still running, run the same command again to continue.")
        lines += [flowing(again, width), *command_lines(as_called(study.record.command), width)]
    return lines


def _about(study: Study, status: str, say: Language) -> str:
    plan, record = study.plan, study.record
    ended = sum(run.record.status in (RUN_FINISHED, DIVERGED) for run in study.stored)
    fields = {"folder": study.folder, "id": record.id, "status": say(status), "ended": ended}
    if study.config.until_decided is None:
        planned = len(study.config.methods) * plan.looks[record.look - 1]
        head = say("Study {folder} ({id}): {status}, {ended} of {all} runs have ended", all=planned, **fields)
    else:
        head = say("Study {folder} ({id}): {status}, until everything is decided, {ended} runs have ended", **fields)
    lines = [
        head,
        say(
            "Data: {name}, {training:,} training, {validation:,} validation, {test:,} test images; protocol "
            "{protocol}, {epochs} epochs",
            name=record.data.name, training=plan.parts.training, validation=plan.parts.validation,
            test=plan.parts.test, protocol=plan.protocol.name, epochs=plan.protocol.epochs,
        ),
    ]  # fmt: skip
    return "\n".join(lines)


def _study(name: str, path: Path, say: Language) -> Listed:
    try:
        record = StudyFolder(path).record()
    except OverfitlabError as error:
        return Listed(name, "", "study", DAMAGED, "", say.error(error))
    names = ", ".join(map(say.method, record.labels.values()))
    if record.config.until_decided is None:
        what = say("{names} on {data}, {seeds} seeds", names=names, data=record.data.name, seeds=record.plan.seeds)
    else:
        what = say("{names} on {data}, until everything is decided", names=names, data=record.data.name)
    return Listed(name, record.id, "study", status_of(path, record.status), what, _recommendation(path, record, say))


class _Recommended(msgspec.Struct):
    """What the list wants to know of a verdict."""

    recommended: str | None


def _recommendation(path: Path, record: StudyRecord, say: Language) -> str:
    """Return what a finished study recommends, from the verdict that it wrote: quicker than reading every run."""
    with contextlib.suppress(OSError, msgspec.DecodeError, KeyError):
        if record.status == FINISHED:
            verdict = msgspec.json.decode(read_whole(path / VERDICT, LARGEST_RECORD), type=_Recommended)
            if verdict.recommended is None:
                return say("nothing shown")
            return say("recommends {name}", name=say.method(record.labels[verdict.recommended]))
    return say("provisional")


def _run(path: Path, say: Language) -> Listed:
    try:
        record = RunFolder(path).record()
        begun = (path / HISTORY).exists() or record.status != RUNNING
        run = load_run(path) if begun else Run(path, record, [])
    except OverfitlabError as error:
        return Listed(path.name, "", "run", DAMAGED, "", say.error(error))
    end = record.measured.end
    outcome = f"val_acc {run.rows[-1].val_acc:.4f}" if run.rows else say("in its first epoch") if not begun else ""
    if end is not None and end.test is not None:
        outcome = say("test accuracy {accuracy:.4f}", accuracy=end.test.acc)
    return Listed(path.name, record.id, "run", status_of(path, record.status), run_title(run, say), outcome)


def status_of(folder: Path, status: str) -> str:
    """Return the status, and of one that says that it runs, whether anybody is at it."""
    return KILLED if status == RUNNING and is_held(folder) is False else status


def _run_document(run: Run) -> dict[str, Any]:
    history = {name: [value if math.isfinite(value) else None for value in of] for name, of in run.history.items()}
    return run.document() | {"history": history}


def _run_text(run: Run, say: Language, width: int | None) -> str:
    status = say(status_of(run.folder, run.record.status))
    about = say("Run {folder} ({id}): {status}, {title}", folder=run.folder, id=run.record.id, status=status,
                title=run_title(run, say))  # fmt: skip
    said = "\n".join([run_summary(run, say), *run_oddities(run, say)])
    parts = (flowing(about, width), run_table(run, say), flowing(said, width))
    return "\n\n".join(filter(None, parts))


def as_documents(found: list[Listed]) -> list[dict[str, str]]:
    """Return the list as plain JSON values."""
    return [asdict(each) for each in found]
