"""What a run's `run.json` says: configuration, data, machine, and what came out."""

import datetime
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from overfitlab._version import __version__
from overfitlab.config import RunConfig
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.machine import environment, peak_memory_mb
from overfitlab.records.run_folder import FORMAT, RUNNING
from overfitlab.results.history import EpochRow
from overfitlab.words.language import ENGLISH

LISTED = 1000  # files that could not be read, or near-duplicates; more are only counted


def new_record(
    run_id: str,
    config: RunConfig,
    label: str,
    material: Material,
    resolved: Mapping[str, Any],
    network: Mapping[str, Any],
    data_dir: str | None,
    near_duplicates: list[NearDuplicates],
) -> dict[str, Any]:
    """Return the record of a run that begins.

    `label` names its method for people, `resolved` says how it computes, `network` what the network is.
    """
    return {
        "format": FORMAT,
        "id": run_id,
        "status": RUNNING,
        "method": label,
        "config": config.as_dict(),
        "resolved": dict(resolved),
        "data": data_record(material, data_dir, near_duplicates),
        "network": dict(network),
        "environment": here(),
        "times": {"started": now()},
        "resumed": [],
        "files": {},
    }


def data_record(material: Material, data_dir: str | None, near_duplicates: list[NearDuplicates]) -> dict[str, Any]:
    """Return what a record says of the images, their parts and their standardization."""
    dataset, split, standardization = material.dataset, material.split, material.standardization
    classes = len(dataset.class_names)
    parts = {"training": split.training, "validation": split.validation, "test": split.test}
    return {
        "name": dataset.name,
        "origin": dataset.origin,
        "source": dataset.source,
        "data_dir": data_dir,
        "official": dataset.official,
        "note": "" if dataset.note is None else ENGLISH.reason(dataset.note),
        "sha256": dataset.content_hash,
        "images": len(dataset.images),
        "image_shape": list(dataset.image_shape),
        "classes": list(dataset.class_names),
        "class_images": {
            part: np.bincount(dataset.labels[rows], minlength=classes).tolist() for part, rows in parts.items()
        },
        "test_set_apart": dataset.test_set_apart,
        "skipped": [{"name": file.name, "reason": ENGLISH.reason(file.reason)} for file in dataset.skipped[:LISTED]],
        "skipped_count": len(dataset.skipped),
        "mean": standardization.mean.tolist(),
        "std": standardization.std.tolist(),
        "near_duplicates": _pairs(dataset, near_duplicates),
    } | {part: len(rows) for part, rows in parts.items()}


def _pairs(dataset: Dataset, found: list[NearDuplicates]) -> dict[str, Any]:
    def name(row: int) -> str | int:
        return dataset.image_names[row] if dataset.image_names is not None else row

    return {
        of.part: {
            "looked_at": of.looked_at,
            "found": len(of.pairs),
            "pairs": [
                {"image": name(pair.row), "twin": name(pair.twin), "correlation": round(pair.correlation, 4)}
                for pair in of.pairs[:LISTED]
            ],
        }
        for of in found
    }


def note_resumption(record: dict[str, Any]) -> list[str]:
    """Record that the run is resumed, and return what is no longer as it was: machine and packages."""
    changed = changed_since(record["environment"])
    record["resumed"].append({"at": now(), "changed": {name: here().get(name) for name in changed}})
    return changed


def here() -> dict[str, str | int]:
    """Return this machine and its packages, as a record has them."""
    return {"overfitlab": __version__} | environment()


def changed_since(recorded: Mapping[str, Any]) -> list[str]:
    """Return the names of what is no longer as it was recorded."""
    return [name for name, value in here().items() if recorded.get(name) != value]


def note_end(
    record: dict[str, Any], rows: list[EpochRow], onset: int | None, handed_over: int | None, measured: dict[str, Any]
) -> None:
    """Record what came out: the last epoch, and what `measured` says of the weights at the end and at the onset.

    `handed_over` is the epoch whose weights are those of the end: the last one, or one that the method goes back
    to; None where training diverged.
    """
    record["times"] |= {
        "finished": now(),
        "training_seconds": round(sum(row.seconds for row in rows), 3),
        "peak_memory_mb": peak_memory_mb(),
    }
    record["result"] = _json_safe(
        {"onset": onset, "handed_over": handed_over} | asdict(rows[-1]) | {"measured": measured}
    )


def _json_safe(value: Any) -> Any:
    """Return the value without what JSON does not have: a number that is not finite becomes None."""
    if isinstance(value, dict):
        return {name: _json_safe(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def now() -> str:
    """Return date and time, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
