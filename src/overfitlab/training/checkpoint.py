"""The state of a run after an epoch: weights, optimizer, method and history, in one checksummed file.

Sources of a resume, in order: `checkpoint.safetensors`; where that is damaged, `checkpoint.previous.safetensors`;
where neither was ever written, the start. Random state needs no saving, because every draw is keyed by its moment.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from overfitlab.errors import OverfitlabError
from overfitlab.models.model import Model
from overfitlab.store.history import EpochRow
from overfitlab.store.run_folder import CHECKPOINT, PREVIOUS_CHECKPOINT, RunFolder
from overfitlab.training.optimizer import KerasAdam
from overfitlab.training.regularization import Regularization

LENGTH_BYTES = 8  # a safetensors file begins with the length of its JSON header


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    steps: int
    rows: list[EpochRow]
    onset_weights: dict[str, Tensor]  # of the epoch with the lowest validation loss; empty where nobody will ask


class _DamagedError(Exception):
    pass


@dataclass(frozen=True)
class Learner:
    """Everything that changes while a run trains."""

    model: Model
    optimizer: KerasAdam
    regularization: Regularization


def save(folder: RunFolder, run_id: str, learner: Learner, progress: Progress) -> None:
    """Write the checkpoint; the one before it is kept."""
    tensors = {f"model.{name}": value for name, value in learner.model.tensors().items()}
    tensors |= {f"optimizer.{name}": value.contiguous() for name, value in learner.optimizer.state().items()}
    tensors |= {f"method.{name}": value for name, value in learner.regularization.state().items()}
    tensors |= {f"onset.{name}": value for name, value in progress.onset_weights.items()}
    tensors = {name: value.cpu() for name, value in tensors.items()}
    state = json.dumps({"run": run_id, "steps": progress.steps, "rows": [asdict(row) for row in progress.rows]})
    metadata = {"state": state, "sha256": _digest(state, tensors)}
    content = safetensors.torch.save(tensors, metadata)
    current = folder / CHECKPOINT
    if current.exists():
        current.replace(folder / PREVIOUS_CHECKPOINT)
    folder.write(CHECKPOINT, content)


def restore(folder: RunFolder, run_id: str, learner: Learner) -> Progress | None:
    """Put the learner into the state of the last good checkpoint; None where there is none yet.

    Raises `OverfitlabError` where checkpoints exist and none of them is good.
    """
    existing = [path for path in (folder / CHECKPOINT, folder / PREVIOUS_CHECKPOINT) if path.exists()]
    damaged: list[Path] = []
    for path in existing:
        try:
            tensors, state = _read(path, run_id)
        except _DamagedError:
            damaged.append(path)
            continue
        for useless in damaged:  # or the next save would keep it in place of this one
            useless.unlink()
        return _apply(tensors, state, learner)
    if existing:
        raise OverfitlabError(f"the checkpoints in {folder.path} are damaged; remove that folder to start over")
    return None


def remove(folder: RunFolder) -> None:
    """Delete the checkpoints of a run that has finished."""
    (folder / CHECKPOINT).unlink(missing_ok=True)
    (folder / PREVIOUS_CHECKPOINT).unlink(missing_ok=True)


def _read(path: Path, run_id: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        content = path.read_bytes()  # safetensors opens no path that is no UTF-8
        tensors = safetensors.torch.load(content)
        length = int.from_bytes(content[:LENGTH_BYTES], "little")
        metadata = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])["__metadata__"]
        state = metadata["state"]
        if metadata["sha256"] != _digest(state, tensors):
            raise _DamagedError
        decoded = json.loads(state)
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise _DamagedError from error
    if decoded["run"] != run_id:
        raise _DamagedError
    return tensors, decoded


def _apply(tensors: dict[str, Tensor], state: dict[str, Any], learner: Learner) -> Progress:
    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    learner.model.load_state_dict(part("model."))
    learner.optimizer.load_state(part("optimizer."), state["steps"])
    learner.regularization.load_state(part("method."))
    rows = [EpochRow(**row) for row in state["rows"]]
    return Progress(steps=state["steps"], rows=rows, onset_weights=part("onset."))


def _digest(state: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
