"""The file of the predictions of a run, as safetensors."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from overfitlab.errors import DamagedError
from overfitlab.files import read_checked
from overfitlab.results.predictions import Predicted

FIELDS = {"rows": np.int64, "labels": np.int64, "classes": np.int64, "probabilities": np.float16}
LOSSES = "losses"  # as float32; runs of before they were kept lack them


def to_bytes(predicted: Mapping[str, Predicted], run_id: str) -> bytes:
    """Return the content of the file, given the predictions of each part."""
    tensors = {
        f"{part}.{field}": np.ascontiguousarray(getattr(found, field), dtype=kind)
        for part, found in predicted.items()
        for field, kind in FIELDS.items()
    }
    for part, found in predicted.items():
        if found.losses is not None:
            tensors[f"{part}.{LOSSES}"] = np.ascontiguousarray(found.losses, dtype=np.float32)
    return safetensors.numpy.save(tensors, {"run": run_id})


def read(path: Path, needed: Collection[str] = (), sha256: str | None = None) -> dict[str, Predicted]:
    """Return the predictions by part, "validation" and "test".

    Raises `DamagedError` where `needed` ones are missing, or the file is damaged or has another checksum.
    """
    content = read_checked(path, sha256)
    try:
        tensors: dict[str, NDArray[Any]] = safetensors.numpy.load(content)
        parts = sorted({name.partition(".")[0] for name in tensors})
        found = {
            part: Predicted(
                **{field: tensors[f"{part}.{field}"] for field in FIELDS}, losses=tensors.get(f"{part}.{LOSSES}")
            )
            for part in parts
        }
        if not found.keys() >= set(needed) or not all(_sound(each) for each in found.values()):
            raise KeyError
        return found
    except (safetensors.SafetensorError, KeyError) as error:
        raise DamagedError(
            "predictions_damaged", "{file} is damaged; move the folder of its run away, and train it again", file=path
        ) from error


def _sound(found: Predicted) -> bool:
    count = len(found.labels)
    if found.probabilities.ndim != 2 or len(found.probabilities) != count or not count:
        return False
    losses = found.losses
    if losses is not None and (losses.shape != (count,) or losses.dtype != np.float32 or bool((losses < 0).any())):
        return False
    classes = max(1, found.probabilities.shape[1])
    return (
        all(each.shape == (count,) for each in (found.rows, found.labels, found.classes))
        and all(getattr(found, name).dtype == kind for name, kind in FIELDS.items())
        and bool(((found.probabilities >= 0) & (found.probabilities <= 1)).all())  # and so none is NaN
        and all(0 <= each.min(initial=0) <= each.max(initial=0) < classes for each in (found.labels, found.classes))
    )
