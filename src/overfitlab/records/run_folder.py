"""One run's folder: `run.json` says what it is; history, figures, weights and checkpoints lie beside it.

run.json                      configuration, data, environment, status, result, checksums of itself and the other files
history.csv                   a row an epoch
epochs.csv                    the same up to the last epoch, while one of many runs is trained: for those who look on
curves.png, curves.svg        loss and accuracy over the epochs
duplicates.png                near-duplicates across the parts, where there are any
model.txt                     the network, layer by layer
weights.safetensors           the trained weights
inserted.safetensors          those of the layers that a method inserted into a network of somebody else, where it did
probabilities.safetensors     what they say of each validation and test image: probabilities as float16, loss as float32
checkpoint.safetensors        the state after the last finished epoch; gone once the run has finished
checkpoint.previous.safetensors
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from overfitlab.config import RunConfig
from overfitlab.errors import BusyError, DamagedError, OverfitlabError, UsageError
from overfitlab.files import TEMPORARY, Stamp, read_whole, stamp_of, write_anew, write_atomically
from overfitlab.records import history
from overfitlab.records.claim import OURS, claimed
from overfitlab.records.older import upgraded_run
from overfitlab.records.record_file import Format, read_record, write_record
from overfitlab.records.run_record import (
    DIVERGED,
    FINISHED,
    FORMAT,
    OURSELVES,
    ForeignRunRecord,
    OwnRunRecord,
    RunRecord,
)
from overfitlab.results.history import EpochRow

RECORD = "run.json"
HISTORY = "history.csv"
LIVE = "epochs.csv"
SUMMARY = "model.txt"
WEIGHTS = "weights.safetensors"
INSERTED = "inserted.safetensors"
PROBABILITIES = "probabilities.safetensors"
FIGURES = ("curves.png", "curves.svg")
DUPLICATES = "duplicates.png"
DRAWN = {*FIGURES, DUPLICATES}  # anew from the others at any time, so no checksum is kept of them
CHECKPOINT = "checkpoint.safetensors"
PREVIOUS_CHECKPOINT = "checkpoint.previous.safetensors"
TELLING = ("method", "data", "seed", "protocol", "model", "epochs")  # what people tell runs apart by
SHOWN_DIFFERENCES = 3
SAVE_SECONDS = 10.0  # at least, between two checkpoints of a run that is one of many: there they add up


def _kind(producer: str) -> type[RunRecord]:
    return OwnRunRecord if producer in ("", OURSELVES) else ForeignRunRecord


READ = Format("a run", newest=FORMAT, oldest=2, kind=_kind, upgraded=upgraded_run, sealed_from=3)


class RunFolder:
    """Reads and writes a run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        """Return the path of the file `name` in the folder."""
        return self.path / name

    @contextlib.contextmanager
    def claimed(self, run_id: str, config: RunConfig, patience: float = 0) -> Iterator[None]:
        """Make the folder where there is none, and keep other processes out of it.

        Another process may take `patience` seconds to leave it. Raises `UsageError` where the folder holds another run
        or other files, `BusyError` where another process trains in it, and `OverfitlabError` where it cannot be
        written.
        """
        busy = BusyError(
            "run_is_trained", "another process is training in {folder}; wait for it, or choose another --out",
            folder=self.path,
        )  # fmt: skip
        with claimed(self.path, lambda: self._refuse_strangers(run_id, config), busy, "--out", patience):
            yield

    def _refuse_strangers(self, run_id: str, config: RunConfig) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UsageError(
                "out_is_a_file", "{folder} is a file, not a folder; choose another --out", folder=self.path
            )
        if (self / RECORD).exists():
            record = self.record()
            if record.id != run_id:
                raise UsageError(
                    "another_run_is_there",
                    "{folder} holds another run ({differences}); choose another --out, or run its command again to "
                    "resume it",
                    folder=self.path, differences=_differences(record.own().config, config)
                )  # fmt: skip
        elif any(entry.name not in OURS and not entry.name.endswith(TEMPORARY) for entry in self.path.iterdir()):
            raise UsageError(
                "folder_is_no_run", "{folder} is neither empty nor a run; choose another --out", folder=self.path
            )

    def record(self) -> RunRecord:
        """Return the content of `run.json`; raises `OverfitlabError` where it is missing, `DamagedError` if damaged."""
        return read_record(self / RECORD, READ)

    def stamps(self) -> tuple[Stamp, Stamp, Stamp]:
        """Return the stamps of the record, of the live history, and of the history: what is read changes with them."""
        return stamp_of(self / RECORD), stamp_of(self / LIVE), stamp_of(self / HISTORY)

    def write_record(self, record: RunRecord) -> None:
        """Replace `run.json`."""
        write_record(self / RECORD, record)

    def write(self, name: str, content: bytes) -> None:
        """Replace the file `name`, atomically."""
        write_atomically(self / name, content)

    def checksums(self, names: list[str]) -> dict[str, str]:
        """Return the SHA-256 of those files."""
        found = {}
        for name in names:
            with (self / name).open("rb") as stream:
                found[name] = hashlib.file_digest(stream, "sha256").hexdigest()
        return found

    def damaged_files(self) -> list[str]:
        """Return the files of a finished run that are missing or not as they were written."""
        damaged = []
        for name, checksum in self.record().files.items():
            path = self / name
            if name not in DRAWN and (not path.is_file() or self.checksums([name])[name] != checksum):
                damaged.append(name)
        return damaged


class LiveHistory:
    """The epochs of a run as they end, for those who look on: a run that is one of many saves its history seldom.

    Nothing is resumed from it, so it costs one write an epoch, and a disk that refuses it refuses nothing that matters.
    """

    def __init__(self, folder: RunFolder, rows: list[EpochRow]) -> None:
        self._path = folder / LIVE
        with contextlib.suppress(OSError):
            write_anew(self._path, history.to_csv(rows).encode() if rows else b"")

    def append(self, rows: list[EpochRow]) -> None:
        """Add the last of the rows."""
        text = history.to_csv(rows[-1:])
        if len(rows) > 1:
            text = text.partition("\n")[2]
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(self._path, flags), "ab") as stream:
                stream.write(text.encode())

    def remove(self) -> None:
        """Remove it: the history is whole."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def live_rows(folder: RunFolder) -> list[EpochRow]:
    """Return the epochs of a run that is being trained, as far as they are known; none where nothing can be read."""
    for name in (LIVE, HISTORY):
        with contextlib.suppress(OSError, OverfitlabError):
            content = read_whole(folder / name, history.LARGEST_HISTORY)
            rows = history.parsed(content[: content.rfind(b"\n") + 1], folder / name)  # the last line may be half there
            if rows:
                return rows
    return []


@dataclass(frozen=True)
class StoredRun:
    """What a run's folder says: its record and its history; `name` is that of the folder."""

    name: str
    record: RunRecord
    rows: list[EpochRow]


def stored_run(folder: RunFolder, *, live: bool = False) -> StoredRun:
    """Return what a run's folder says; no rows before its first epoch. Raises `DamagedError` where it is damaged.

    `live` reads of a run that has not ended what `live_rows` does: up to its last epoch, not the last saved one.
    """
    record = folder.record()
    if live and record.status not in (FINISHED, DIVERGED):
        return StoredRun(folder.path.name, record, live_rows(folder))
    path = folder / HISTORY
    if path.exists():
        return StoredRun(folder.path.name, record, history.read_csv(path, record.files.get(HISTORY)))
    if record.files:
        raise DamagedError(
            "history_is_missing", "{file} is missing; move the folder of that run away, and it is trained again",
            file=path,
        )  # fmt: skip
    return StoredRun(folder.path.name, record, [])


def _differences(there: RunConfig, here: RunConfig) -> str:
    """Return in which settings two configurations differ."""
    one, other = (
        {**asdict(config), **asdict(config.protocol), "protocol": config.protocol.name} for config in (there, here)
    )
    differing = [name for name in other if name != "name" and one[name] != other[name]]
    first = sorted(differing, key=lambda name: name not in TELLING)[:SHOWN_DIFFERENCES]
    settings = [f"{name} {one[name]} there, {other[name]} here" for name in first]
    if len(differing) > len(settings):
        settings.append(f"and {len(differing) - len(settings)} more")
    return "; ".join(settings) or "the same settings on other images"
