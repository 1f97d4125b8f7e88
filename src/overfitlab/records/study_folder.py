"""A study's folder: `study.json` says what was asked for and planned; its runs lie below `runs/`.

study.json     what was asked for, the plan that it led to, data, environment, sessions, failures
runs/          a folder a run (run_folder.py): the truth
verdict.json   the verdict, once it has been read, with every number behind it
report/        the report, once it has been asked for
workers.log    what the processes that trained had to say, most of all when one died
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from overfitlab.errors import BusyError, UsageError
from overfitlab.files import TEMPORARY, write_atomically
from overfitlab.records import claim
from overfitlab.records.older import upgraded_study
from overfitlab.records.record_file import Format, read_record, write_record
from overfitlab.records.run_folder import DUPLICATES, RunFolder, StoredRun, stored_run
from overfitlab.records.run_folder import RECORD as RUN_RECORD
from overfitlab.records.study_record import FORMAT, StudyRecord

RECORD = "study.json"
RUNS = "runs"
VERDICT = "verdict.json"
LOG = "workers.log"
REPORT, PAGE = "report", "report.html"
READ = Format("a study", newest=FORMAT, oldest=1, kind=lambda _: StudyRecord, upgraded=upgraded_study, sealed_from=2)


class StudyFolder:
    """Reads and writes a study's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        """Return the path of the file `name` in the folder."""
        return self.path / name

    def claimed(self, study_id: str) -> AbstractContextManager[None]:
        """Make the folder where there is none, and keep other processes out of it.

        Raises `UsageError` where it holds another study or other files, `BusyError` where another process works on the
        study, `OverfitlabError` where it cannot be written.
        """
        busy = BusyError(
            "study_is_worked_on",
            "another process is running the study in {folder}; wait for it, or give this one another --name",
            folder=self.path,
        )
        return claim.claimed(self.path, lambda: self._refuse_strangers(study_id), busy, "--out")

    def _refuse_strangers(self, study_id: str) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UsageError(
                "study_is_a_file", "{folder} is a file, not a folder; choose another --name or --out", folder=self.path
            )
        for place in (self / RUNS, *(self / RUNS).glob("*")):
            if place.is_symlink():  # a study can come from a stranger, and what is trained be written anywhere
                raise UsageError(
                    "study_holds_a_link",
                    "{place} is a link; put the folder itself there, or choose another --name or --out",
                    place=place,
                )
        if (self / RECORD).exists():
            if self.record().id != study_id:
                raise UsageError(
                    "another_study_is_there",
                    "{folder} holds a study with other settings (see overfitlab show {folder}); choose another "
                    "--name. Seeds are added only by looks that were planned beforehand (--seeds 6,12), or in a "
                    "new study with fresh ones (--first-seed)",
                    folder=self.path,
                )
        elif any(not self._left_by_planning(entry.name) for entry in self.path.iterdir()):
            raise UsageError(
                "folder_is_no_study", "{folder} is neither empty nor a study; choose another --name or --out",
                folder=self.path
            )  # fmt: skip

    @staticmethod
    def _left_by_planning(name: str) -> bool:
        """Return whether a study that was killed before its plan stood can have left that."""
        return name in (*claim.OURS, LOG, DUPLICATES) or name.endswith(TEMPORARY)

    def exists(self) -> bool:
        """Return whether a study lies here."""
        return (self / RECORD).is_file()

    def record(self) -> StudyRecord:
        """Return the content of `study.json`; raises `OverfitlabError` if it is missing, `DamagedError` if damaged."""
        return read_record(self / RECORD, READ)

    def write_record(self, record: StudyRecord) -> None:
        """Replace `study.json`."""
        write_record(self / RECORD, record)

    def write(self, name: str, content: bytes) -> None:
        """Replace the file `name`, atomically."""
        write_atomically(self / name, content)

    def run(self, name: str) -> RunFolder:
        """Return the folder of the run of that name."""
        return RunFolder(self / RUNS / name)

    def runs(self) -> Iterator[RunFolder]:
        """Yield the folders of all runs that have begun, by name."""
        for path in sorted((self / RUNS).glob(f"*/{RUN_RECORD}")):
            yield RunFolder(path.parent)

    def stored(self) -> list[StoredRun]:
        """Return what the folders of all runs that have begun say, by name; raises `DamagedError` where one is damaged.

        The folders are the truth, and reading them is quick (docs/performance.md), so there is no index of them.
        """
        return [stored_run(folder) for folder in self.runs()]
