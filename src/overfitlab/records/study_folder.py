"""A study's folder: `study.json` says what was asked for and planned; its runs lie below `runs/`.

study.json     what was asked for, the plan that it led to, data, environment, sessions, failures
runs/          a folder a run (run_folder.py): the truth
study.db       an index of them for fast reading, which can be rebuilt (index.py)
verdict.json   the verdict, once it has been read, with every number behind it
report/        the report, once it has been asked for
workers.log    what the processes that trained had to say, most of all when one died
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from overfitlab.errors import UsageError
from overfitlab.files import TEMPORARY, write_atomically
from overfitlab.records import claim
from overfitlab.records.record_file import read_record, write_record
from overfitlab.records.run_folder import DUPLICATES, RunFolder
from overfitlab.records.run_folder import RECORD as RUN_RECORD

FORMAT = 2
FORMATS = range(1, FORMAT + 1)  # that are read: 1 is the same without the checksum of the record
RECORD = "study.json"
RUNS = "runs"
INDEX = "study.db"
VERDICT = "verdict.json"
LOG = "workers.log"
REPORT, PAGE = "report", "report.html"
RUNNING, INTERRUPTED, FINISHED = STATUSES = ("running", "interrupted", "finished")
SHAPE = {
    "format": int, "id": str, "status": str, "config": dict, "plan": dict, "labels": dict, "data": dict,
    "environment": dict, "sessions": list, "failures": dict, "notes": list, "look": int, "command": str,
}  # fmt: skip


class StudyFolder:
    """Reads and writes a study's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        """Return the path of the file `name` in the folder."""
        return self.path / name

    def claimed(self, study_id: str) -> AbstractContextManager[None]:
        """Make the folder where there is none, and keep other processes out of it.

        Raises `UsageError` where it holds another study or other files, `OverfitlabError` where it cannot be written or
        another process works on the study.
        """
        busy = f"another process works on the study in {self.path}; wait for it, or give this one another --name"
        return claim.claimed(self.path, lambda: self._refuse_strangers(study_id), busy, "--out")

    def _refuse_strangers(self, study_id: str) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UsageError(f"{self.path} is a file, not a folder; choose another --name or --out")
        for place in (self / RUNS, *(self / RUNS).glob("*")):
            if place.is_symlink():  # a study can come from a stranger, and what is trained be written anywhere
                raise UsageError(f"{place} is a link; put the folder itself there, or choose another --name or --out")
        if (self / RECORD).exists():
            if self.record()["id"] != study_id:
                raise UsageError(
                    f"{self.path} holds a study that was asked for otherwise (overfitlab show {self.path} says how); "
                    "choose another --name. More seeds are added only by looks that were planned beforehand "
                    "(--seeds 6,12), or in a new study with fresh ones (--first-seed)"
                )
        elif any(not self._left_by_planning(entry.name) for entry in self.path.iterdir()):
            raise UsageError(f"{self.path} is not empty and not a study; choose another --name or --out")

    @staticmethod
    def _left_by_planning(name: str) -> bool:
        """Return whether a study that was killed before its plan stood can have left that."""
        return name in (claim.LOCK, LOG, DUPLICATES) or name.endswith(TEMPORARY)

    def exists(self) -> bool:
        """Return whether a study lies here."""
        return (self / RECORD).is_file()

    def record(self) -> dict[str, Any]:
        """Return the content of `study.json`; raises `OverfitlabError` where it is missing or damaged."""
        return read_record(self / RECORD, "a study", FORMATS, _shaped_like_a_record)

    def write_record(self, record: dict[str, Any]) -> None:
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


def _shaped_like_a_record(record: dict[str, Any]) -> bool:
    return all(isinstance(record.get(name), kind) for name, kind in SHAPE.items())
