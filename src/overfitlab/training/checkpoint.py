"""The state of a run after an epoch: weights, optimizer, method and history, in one checksummed file.

Sources of a resume, in order: `checkpoint.safetensors`; where that is damaged, `checkpoint.previous.safetensors`;
where neither is good, the start, from which the same bits come out. Random state needs no saving, because every draw is
keyed by its moment.
"""

import hashlib
import itertools
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from overfitlab.errors import is_want_of_memory
from overfitlab.files import read_whole
from overfitlab.models.model import Model
from overfitlab.reasons import Reason, reason
from overfitlab.records.run_folder import CHECKPOINT, PREVIOUS_CHECKPOINT, RunFolder
from overfitlab.results.history import EpochRow
from overfitlab.training.optimizer import Optimizer
from overfitlab.training.regularization import Regularization

UNUSABLE = "checkpoint*.unusable*.safetensors"  # those that were put aside
LARGEST_CHECKPOINT = 2**36  # bytes
LENGTH_BYTES = 8  # a safetensors file begins with the length of its JSON header


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    steps: int
    rows: list[EpochRow]
    onset_weights: dict[str, Tensor]  # of the epoch with the lowest validation loss; empty where nobody will ask


@dataclass(frozen=True)
class Restored:
    """What was found to go on with."""

    progress: Progress | None  # None for the start
    unusable: tuple[Reason, ...]  # why checkpoints were no good, which have been put aside

    @property
    def notes(self) -> list[Reason]:
        """What there is to say about it; nothing where all is well."""
        if not self.unusable:
            return []
        goes_on = reason("run_starts_over" if self.progress is None else "run_goes_on_from_the_one_before")
        return [*self.unusable, goes_on]


class _UnusableError(Exception):
    """A checkpoint is no good, for that reason."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why.code)
        self.reason = why


@dataclass(frozen=True)
class Learner:
    """Everything that changes while a run trains."""

    model: Model
    optimizer: Optimizer
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


def restore(folder: RunFolder, run_id: str, learner: Learner) -> Restored:
    """Put the learner into the state of the last good checkpoint, where there is one.

    Where checkpoints exist and none of them is good, the learner is of no more use: begin with a fresh one. Raises
    `OSError` where one cannot be read, and what PyTorch raises for want of memory: both can pass, so that no checkpoint
    may be given up for them.
    """
    progress = None
    unusable: dict[str, Reason] = {}
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        if not (folder / name).exists():
            continue
        try:
            progress = _apply(name, *_read(folder / name, run_id), learner)
            break
        except _UnusableError as error:
            unusable[name] = error.reason
    for name in unusable:  # or the next save would keep it in place of the good one
        (folder / name).replace(_free_place(folder, name))
    return Restored(progress, tuple(unusable.values()))


def remove(folder: RunFolder) -> None:
    """Delete the checkpoints of a run that has finished."""
    for path in (folder / CHECKPOINT, folder / PREVIOUS_CHECKPOINT, *folder.path.glob(UNUSABLE)):
        path.unlink(missing_ok=True)


def _free_place(folder: RunFolder, name: str) -> Path:
    """Return where a checkpoint that is no good is put aside: beside those that were before."""
    endings = itertools.chain([""], (f"-{count}" for count in itertools.count(2)))
    places = (folder / name.replace(".safetensors", f".unusable{ending}.safetensors") for ending in endings)
    return next(place for place in places if not os.path.lexists(place))


def _read(path: Path, run_id: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        content = read_whole(path, LARGEST_CHECKPOINT)  # safetensors opens no path that is no UTF-8
        tensors = safetensors.torch.load(content)
        length = int.from_bytes(content[:LENGTH_BYTES], "little")
        metadata = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])["__metadata__"]
        state = metadata["state"]
        if metadata["sha256"] != _digest(state, tensors):
            raise _UnusableError(reason("checkpoint_checksum_differs", file=path.name))
        decoded = json.loads(state)
        owner = decoded["run"]
    except (KeyError, TypeError, ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise _UnusableError(reason("checkpoint_damaged", file=path.name)) from error
    if owner != run_id:
        raise _UnusableError(reason("checkpoint_of_another_run", file=path.name))
    return tensors, decoded


def _apply(name: str, tensors: dict[str, Tensor], state: dict[str, Any], learner: Learner) -> Progress:
    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    try:
        learner.model.load_state_dict(part("model."))
        learner.optimizer.load_state(part("optimizer."), state["steps"])
        learner.regularization.load_state(part("method."))
        rows = [EpochRow(**row) for row in state["rows"]]
        return Progress(steps=state["steps"], rows=rows, onset_weights=part("onset."))
    except Exception as error:  # methods come from anywhere, and may fail on the state of another version in any way
        if is_want_of_memory(error):
            raise
        raise _UnusableError(reason("checkpoint_does_not_fit", file=name)) from error


def _digest(state: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
