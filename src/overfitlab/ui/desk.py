"""What the pages work with: the folder of runs, the studies that are watched, and who is told of a change."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from overfitlab.api import reporting
from overfitlab.api.listing import Listed, listed
from overfitlab.data.loading import brightest
from overfitlab.files import read_whole, stamp_of
from overfitlab.records.record_file import LARGEST_RECORD
from overfitlab.records.run_folder import HISTORY, RunFolder, StoredRun, stored_run
from overfitlab.records.run_folder import RECORD as RUN_RECORD
from overfitlab.records.study_folder import RECORD as STUDY_RECORD
from overfitlab.records.study_folder import VERDICT
from overfitlab.records.study_record import FINISHED
from overfitlab.stats.verdict import Verdict
from overfitlab.study.evidence import Evidence
from overfitlab.study.study import studies
from overfitlab.study.watching import Watched
from overfitlab.ui.keeping import Kept
from overfitlab.ui.processes import Processes
from overfitlab.words.language import Language

Found = TypeVar("Found")
MOST_WATCHED = 50
AGAIN = 10.0  # seconds after which the list is read anew in any case
MOST_VERDICTS = 1000
MOST_PAGES = 24
MOST_KEPT = 8  # of what takes long to make: whole evidence, pictures


@dataclass
class Desk:
    """One server's state; whatever is lost with it can be read again from the folders."""

    runs: Path
    processes: Processes
    data: tuple[str, ...] = ()  # folders and files of images that whoever started the server named
    closing: threading.Event = field(default_factory=threading.Event)
    _watched: OrderedDict[str, tuple[Watched, threading.Lock]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    evidences: Kept[Evidence] = field(default_factory=lambda: Kept(MOST_KEPT))
    lists: Kept[list[Listed]] = field(default_factory=lambda: Kept(MOST_KEPT))
    verdicts: Kept[Verdict | None] = field(default_factory=lambda: Kept(MOST_VERDICTS))
    pictures: Kept[dict[int, bytes]] = field(default_factory=lambda: Kept(MOST_KEPT))
    singles: Kept[StoredRun] = field(default_factory=lambda: Kept(MOST_KEPT))
    pages: Kept[Any] = field(default_factory=lambda: Kept(MOST_PAGES))  # for all tabs that show the same

    def study_path(self, name: str) -> Path | None:
        """Return the folder of the study of that name, which is looked for among those that there are."""
        return studies(self.runs).get(name)

    def look(self, name: str, look: Callable[[Watched], Found]) -> Found | None:
        """Return what `look` sees of the study of that name as it is now, None where there is no such study.

        One at a time looks at a study. Raises what reading its record raises.
        """
        with self._lock:
            there = self._watched.get(name)
        if there is None or stamp_of(there[0].path / STUDY_RECORD) is None:
            path = self.study_path(name)
            if path is None:
                return None
            there = Watched(path), threading.Lock()
        with self._lock:
            watched, lock = self._watched.setdefault(name, there)
            self._watched.move_to_end(name)
            while len(self._watched) > MOST_WATCHED:
                self._watched.popitem(last=False)
        with lock:
            watched.refresh()
            return look(watched)

    def evidence(self, watched: Watched) -> Evidence:
        """Return all that is known of a study: of a finished one what its networks say of single images, too."""
        if watched.status != FINISHED:
            return watched.evidence()
        return self.evidences.get((watched.path, watched.version), watched.study().evidence)

    def disputed(self, watched: Watched, evidence: Evidence) -> dict[int, bytes]:
        """Return the pictures of images on which methods disagree, as PNG by their rows."""
        from overfitlab.api.studies import shown

        def drawn() -> dict[int, bytes]:
            found = reporting.disputed_pictures(shown(watched.study()), evidence)
            white = brightest(evidence.data.source)
            return {row: reporting.picture_png(picture, white) for row, picture in found.items()}

        return self.pictures.get((watched.path, watched.version), drawn)

    def listed(self, say: Language) -> list[Listed]:
        """Return the list of studies and runs, read anew where a record was written, and every few seconds.

        The latter because a process that was killed writes nothing any more.
        """
        stamps = tuple(
            (path.parent.name, found)
            for name in (STUDY_RECORD, RUN_RECORD, HISTORY)
            for path in self.runs.glob(f"*/{name}")
            if (found := stamp_of(path)) is not None
        )
        return self.lists.get((say.code, stamps, int(time.monotonic() / AGAIN)), lambda: listed(self.runs, say))

    def verdict(self, name: str) -> Verdict | None:
        """Return the verdict that a finished study wrote, without reading its runs; None where it cannot be read."""
        path = self.runs / name / VERDICT
        stamp = stamp_of(path)
        if name not in studies(self.runs) or stamp is None:
            return None

        def read() -> Verdict | None:
            try:
                return msgspec.json.decode(read_whole(path, LARGEST_RECORD), type=Verdict)
            except (OSError, msgspec.DecodeError):  # of another version
                return None

        return self.verdicts.get((name, stamp), read)

    def single_run(self, name: str) -> tuple[RunFolder, StoredRun] | None:
        """Return a run that is not one of a study, None where there is none of that name."""
        if name not in self.single_runs():
            return None
        folder = RunFolder(self.runs / name)
        return folder, self.singles.get((name, folder.stamps()), lambda: stored_run(folder, live=True))

    def single_runs(self) -> list[str]:
        """Return the names of the runs that are not those of a study."""
        return sorted(path.parent.name for path in self.runs.glob(f"*/{RUN_RECORD}"))


def desk_of(request: Request) -> Desk:
    """Return the desk of the server that was asked."""
    found: Desk = request.app.state.desk
    return found
