"""A finished (or interrupted) run, read from its folder."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import text_of
from overfitlab.models.handed import Handed
from overfitlab.records.lookup import by_name_or_id
from overfitlab.records.run_folder import HISTORY, RECORD, RunFolder, stored_run
from overfitlab.records.run_record import FINISHED, INTERRUPTED, RUNNING, OwnRunRecord, RunRecord
from overfitlab.records.study_folder import RUNS
from overfitlab.results.history import EpochRow, columns
from overfitlab.results.onset import onset


@dataclass(frozen=True, repr=False)
class Run:
    """One training: `folder` is where it lies, `record` what its `run.json` says."""

    folder: Path
    record: RunRecord
    rows: list[EpochRow]
    handed: Handed | None = None  # its network, where this process was given it

    @property
    def own(self) -> OwnRunRecord:
        """The record of a run that this program trained; raises `UsageError` for one of another program."""
        return self.record.own()

    @property
    def history(self) -> dict[str, list[float]]:
        """Lists over the epochs, as Keras's `History.history`: seconds, loss, acc, val_loss, val_acc.

        Under a protocol with clean metrics also train_loss and train_acc, on training images in evaluation mode.
        """
        return {name: [getattr(row, name) for row in self.rows] for name in columns(self.rows)[1:]}

    @property
    def handed_over(self) -> int:
        """The epoch whose weights were handed over: the last one, unless the method goes back to another."""
        result = self.record.result
        return len(self.rows) if result is None or result.handed_over is None else result.handed_over

    @property
    def stopped_early(self) -> bool:
        """Whether the method ended the training before the last epoch of the protocol."""
        return self.record.status == FINISHED and len(self.rows) < self.planned_epochs

    @property
    def planned_epochs(self) -> int:
        """As many as the protocol has; as many as there are where nobody knows."""
        planned = self.record.planned_epochs
        return len(self.rows) if planned is None else planned

    @property
    def onset(self) -> int | None:
        """The epoch with the lowest validation loss; what comes after it is overfitting."""
        lowest = onset(self.rows)
        return None if lowest is None else lowest.epoch

    @property
    def title(self) -> str:
        """What was trained, in a few words."""
        record = self.record
        parts = (record.method, record.data_name and f"on {record.data_name}")
        seed = None if record.run_seed is None else f"seed {record.run_seed}"
        return ", ".join(filter(None, (" ".join(filter(None, parts)), seed)))

    def __repr__(self) -> str:
        return f"<Run {self.title}: {self.record.status}, {len(self.rows)} epochs, in {self.folder}>"


def load_run(folder: str | Path) -> Run:
    """Return the run in `folder`.

    Raises `OverfitlabError` where there is none, or none of its epochs has finished, and `DamagedError`.
    """
    run_folder = RunFolder(Path(text_of("run", folder)))
    if not (run_folder / HISTORY).exists() and run_folder.record().status in (RUNNING, INTERRUPTED):
        raise OverfitlabError(
            "no_epoch_yet", "{folder} has no finished epoch yet; run its command again", folder=folder
        )
    found = stored_run(run_folder)
    return Run(run_folder.path, found.record, found.rows)


def find_run(text: str | Path, runs: Path = Path("runs")) -> Run:
    """Return the run that `text` names: a folder, the name of a folder below `runs`, or the beginning of a run's id.

    Raises `UsageError` where there is no such run, or more than one, and `DamagedError` where it is damaged.
    """
    given, runs = Path(text_of("run", text)), Path(text_of("runs", runs))
    with contextlib.suppress(RuntimeError):  # ~somebody who does not exist: then it is a name
        given = given.expanduser()
    try:
        folders = [folder for folder in (given, runs / given) if folder.is_dir()]
        is_file = given.is_file()
    except (OSError, ValueError) as error:  # no folder can have that name, or it may not be looked at
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            "run_cannot_be_looked_at", "{run!r} cannot be examined ({reason}); name a run's folder",
            run=str(text), reason=reason
        ) from None  # fmt: skip
    if folders:
        return load_run(folders[0])
    if is_file:
        raise UsageError("run_is_a_file", "{file} is a file; name the run's folder", file=given)
    # single ones, and those of studies
    records = sorted([*runs.glob(f"*/{RECORD}"), *runs.glob(f"*/{RUNS}/*/{RECORD}")])
    there = {record.parent.name: record.parent for record in records}
    hint = "name a run's folder, or a folder or an id below runs/"
    return load_run(
        by_name_or_id(str(text), there, lambda folder: RunFolder(folder).record().id, ("run", "runs"), hint)
    )
