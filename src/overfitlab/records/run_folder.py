"""One run's folder: `run.json` says what it is; history, figures, weights and checkpoints lie beside it.

run.json                      configuration, data, environment, status, result, checksums of itself and the other files
history.csv                   a row an epoch
curves.png, curves.svg        loss and accuracy over the epochs
duplicates.png                near-duplicates across the parts, where there are any
model.txt                     the network, layer by layer
weights.safetensors           the trained weights
probabilities.safetensors     what they say of each validation and test image: class probabilities as float16
checkpoint.safetensors        the state after the last finished epoch; gone once the run has finished
checkpoint.previous.safetensors
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overfitlab.errors import UsageError
from overfitlab.files import TEMPORARY, write_atomically
from overfitlab.records.claim import LOCK, claimed
from overfitlab.records.record_file import read_record, write_record

FORMAT = 3
FORMATS = range(2, FORMAT + 1)  # that are read: 2 is the same without the checksum of the record
RECORD = "run.json"
HISTORY = "history.csv"
SUMMARY = "model.txt"
WEIGHTS = "weights.safetensors"
PROBABILITIES = "probabilities.safetensors"
FIGURES = ("curves.png", "curves.svg")
DUPLICATES = "duplicates.png"
CHECKPOINT = "checkpoint.safetensors"
PREVIOUS_CHECKPOINT = "checkpoint.previous.safetensors"
OURS = {SUMMARY, HISTORY, WEIGHTS, PROBABILITIES, *FIGURES, DUPLICATES}  # files whose checksums a record has
PARTS = {"training", "validation", "test"}  # of the images
TELLING = ("method", "data", "seed", "protocol", "model", "epochs")  # what people tell runs apart by
SHOWN_DIFFERENCES = 3
SAVE_SECONDS = 10.0  # at least, between two checkpoints of a run that is one of many: there they add up

RUNNING, INTERRUPTED, FINISHED, DIVERGED = STATUSES = ("running", "interrupted", "finished", "diverged")


class RunFolder:
    """Reads and writes a run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        """Return the path of the file `name` in the folder."""
        return self.path / name

    @contextlib.contextmanager
    def claimed(self, run_id: str, config: dict[str, Any], patience: float = 0) -> Iterator[None]:
        """Make the folder where there is none, and keep other processes out of it.

        Another process may take `patience` seconds to leave it. Raises `UsageError` where the folder holds another run
        or other files, and `OverfitlabError` where it cannot be written or another process trains in it.
        """
        busy = f"another process is training in {self.path}; wait for it, or choose another --out"
        with claimed(self.path, lambda: self._refuse_strangers(run_id, config), busy, "--out", patience):
            yield

    def _refuse_strangers(self, run_id: str, config: dict[str, Any]) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UsageError(f"{self.path} is a file, not a folder; choose another --out")
        if (self / RECORD).exists():
            record = self.record()
            if record["id"] != run_id:
                raise UsageError(
                    f"{self.path} holds another run ({_differences(record['config'], config)}); "
                    "choose another --out, or repeat that run's command to resume it"
                )
        elif any(entry.name != LOCK and not entry.name.endswith(TEMPORARY) for entry in self.path.iterdir()):
            raise UsageError(f"{self.path} is not empty and not a run; choose another --out")

    def record(self) -> dict[str, Any]:
        """Return the content of `run.json`; raises `OverfitlabError` where it is missing or damaged."""
        return read_record(self / RECORD, "a run", FORMATS, shaped_like_a_record)

    def write_record(self, record: dict[str, Any]) -> None:
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
        for name, checksum in self.record()["files"].items():
            path = self / name
            if not path.is_file() or self.checksums([name])[name] != checksum:
                damaged.append(name)
        return damaged


def _differences(there: dict[str, Any], here: dict[str, Any]) -> str:
    """Return in which settings two configurations differ, in words."""
    one, other = (
        {**config, **config["protocol"], "protocol": config["protocol"].get("name")} for config in (there, here)
    )
    differing = [name for name in other if name != "name" and one.get(name) != other[name]]
    first = sorted(differing, key=lambda name: name not in TELLING)[:SHOWN_DIFFERENCES]
    settings = [f"{name} {one.get(name)} there, {other[name]} here" for name in first]
    if len(differing) > len(settings):
        settings.append(f"and {len(differing) - len(settings)} more")
    return "; ".join(settings) or "the same settings on other images"


def shaped_like_a_record(record: dict[str, Any]) -> bool:
    """Return whether that has the entries of a `run.json`."""
    shape = {
        "format": int, "id": str, "status": str, "config": dict, "resolved": dict, "data": dict, "files": dict,
        "environment": dict, "times": dict, "method": str, "resumed": list,
    }  # fmt: skip
    return (
        all(isinstance(record.get(name), kind) for name, kind in shape.items())
        and record["status"] in STATUSES
        and _shaped_like_a_configuration(record["config"])
        and record["files"].keys() <= OURS
        and record["resolved"].keys() - {"kernels"} == {"precision", "threads", "device"}
        and isinstance(record["data"].get("classes"), list)
        and len(record["data"]["classes"]) > 0
        and _shaped_like_a_result(record.get("result", {}))
    )


def _shaped_like_a_configuration(config: dict[str, Any]) -> bool:
    protocol = config.get("protocol")
    return (
        all(isinstance(config.get(name), kind) for name, kind in {"method": str, "data": str, "seed": int}.items())
        and isinstance(protocol, dict)
        and isinstance(protocol.get("epochs", 0), int)
        and isinstance(protocol.get("batch_norm_warm_up", False), bool)
    )


def _shaped_like_a_result(result: Any) -> bool:
    if not isinstance(result, dict) or not isinstance(result.get("handed_over"), int | None):
        return False
    measured = result.get("measured", {})
    return (
        isinstance(measured, dict)
        and measured.keys() <= {"end", "onset"}
        and all(isinstance(parts, dict) and parts.keys() <= PARTS for parts in measured.values())
        and all(_shaped_like_a_measurement(found) for parts in measured.values() for found in parts.values())
    )


def _shaped_like_a_measurement(found: Any) -> bool:
    """Return whether that is what was measured on a part; a number that was not finite is None."""
    return (
        isinstance(found, dict)
        and isinstance(found.get("images"), int)
        and all(isinstance(found.get(name, ""), int | float | None) for name in ("loss", "acc", "balanced_acc"))
    )
