"""One run, carried out: begun or taken up again, trained, and written into its folder."""

import contextlib
import copy
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch

from overfitlab.config import RunConfig
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.material import Material, material
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.errors import OverfitlabError
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.models import registry as models
from overfitlab.models.model import Model
from overfitlab.models.summary import summary
from overfitlab.models.weights_file import LoadedWeights, load_weights
from overfitlab.randomness import run_key
from overfitlab.records import history, probabilities
from overfitlab.records.run_folder import (
    DIVERGED,
    DUPLICATES,
    FIGURES,
    FINISHED,
    HISTORY,
    INTERRUPTED,
    PROBABILITIES,
    RECORD,
    RUNNING,
    SAVE_SECONDS,
    SUMMARY,
    WEIGHTS,
    RunFolder,
)
from overfitlab.report.data_figures import duplicate_pairs
from overfitlab.report.figures import rendered
from overfitlab.runs import recording as records
from overfitlab.runs.run import Run, load_run
from overfitlab.training import checkpoint, compute
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer, diverged
from overfitlab.training.observer import Observer
from overfitlab.words.language import ENGLISH

NO_CHECKPOINT = "there is no checkpoint any more, so the run starts over"


@dataclass(frozen=True)
class Job:
    """A run to carry out, in a folder that this process has claimed (`RunFolder.claimed`)."""

    config: RunConfig
    dataset: Dataset
    folder: RunFolder
    data_dir: Path | None = None  # that the user named, for the record
    weights: str | Path | None = None  # to begin with
    alone: bool = True  # not one of many: then its curves and its near-duplicates are drawn


@dataclass
class Execution:
    """A run that is ready to train."""

    job: Job
    record: dict[str, Any]
    trainer: Trainer
    changed: list[str] | None  # of machine and packages, since the run began; None where it begins now
    note: str = ""  # on what it goes on from, where that is not the last checkpoint
    saved: float = 0.0  # when the last checkpoint was written, or the training began

    def complete(self, observer: Observer) -> Run:
        """Train what is left of the run, and write down what came out; its record says if it diverged.

        An interruption leaves what the last finished epoch left. Raises `OSError` where the disk refuses.
        """
        folder, trainer = self.job.folder, self.trainer
        self.saved = time.monotonic()
        try:
            if not diverged(trainer.progress.rows):
                trainer.train(self._save, observer)
                observer.measuring()
            run = self._finish()
            checkpoint.remove(folder)
            return run
        except KeyboardInterrupt:
            with contextlib.suppress(OSError, OverfitlabError):  # the interruption matters more
                if not ended(folder):
                    folder.write_record(self.record | {"status": INTERRUPTED})
            raise

    def _save(self) -> None:
        now = time.monotonic()
        if not self.job.alone and now - self.saved < SAVE_SECONDS:
            return
        self.saved = now
        folder, trainer = self.job.folder, self.trainer
        checkpoint.save(folder, self.record["id"], trainer.learner, trainer.progress)
        folder.write(HISTORY, history.to_csv(trainer.progress.rows).encode())

    def _finish(self) -> Run:
        folder, trainer = self.job.folder, self.trainer
        record = copy.deepcopy(self.record)  # which an interruption goes back to
        rows = trainer.progress.rows
        record["status"] = DIVERGED if diverged(rows) else FINISHED
        measured = trainer.measured()
        run = Run(folder.path, record, rows)
        records.note_end(record, rows, run.onset, trainer.handed_over, measured)
        folder.write(HISTORY, history.to_csv(rows).encode())
        folder.write(WEIGHTS, safetensors.torch.save(trainer.hand_over().tensors(), {"run": record["id"]}))
        names = [SUMMARY, HISTORY, WEIGHTS]
        if trainer.predicted:
            folder.write(PROBABILITIES, probabilities.to_bytes(trainer.predicted, record["id"]))
            names.append(PROBABILITIES)
        if self.job.alone:
            _write_figures(folder, run)
            names += FIGURES
        names += [DUPLICATES] if (folder / DUPLICATES).is_file() else []
        record["files"] = folder.checksums(names)
        folder.write_record(record)
        return run


def ended(folder: RunFolder) -> bool:
    """Return whether the run in the folder has ended, well or not, so that there is nothing left to train."""
    return (folder / RECORD).exists() and folder.record()["status"] in (FINISHED, DIVERGED)


def begun_with(folder: RunFolder) -> Compute | None:
    """Return how the run in the folder computes, which a resumption keeps; None where none was begun."""
    return Compute(**folder.record()["resolved"]) if (folder / RECORD).exists() else None


def begin(job: Job, resolved: Compute) -> Execution:
    """Set this process up for the run, begin it or take it up after its last finished epoch, and note that it runs.

    Where no checkpoint of it is whole, the run starts over. Raises `OverfitlabError` where the images, the network or
    the method do not go together.
    """
    config, folder, dataset = job.config, job.folder, job.dataset
    training = material(dataset, config.protocol, config.seed)
    compute.prepare(resolved)
    method = registry.parse(config.method)
    trainer, loaded = _trainer(job, training, resolved, method)
    changed, note = None, ""
    if not (folder / RECORD).exists():
        record = _first_record(job, method.label, trainer, resolved, loaded)
    else:
        record = folder.record()
        changed = records.note_resumption(record)
        known = record["data"]["near_duplicates"].values()
        if any(part["found"] for part in known) and not (folder / DUPLICATES).exists():
            _show(folder, dataset, near_duplicates(dataset, training.split))  # it was interrupted before that
        restored = checkpoint.restore(folder, record["id"], trainer.learner)
        if restored.progress is not None:
            trainer.progress = restored.progress
        elif restored.unusable:
            trainer, _ = _trainer(job, training, resolved, method)  # of the first one nobody knows what was put into it
        elif (folder / HISTORY).exists():
            note = NO_CHECKPOINT
        note = restored.note or note
        if note:
            record["resumed"][-1]["note"] = note
    record |= {"status": RUNNING, "files": {}}
    folder.write_record(record)
    folder.write(SUMMARY, summary(trainer.model, dataset.image_shape, config.model).encode())
    return Execution(job, record, trainer, changed, note)


def _trainer(job: Job, training: Material, resolved: Compute, method: Method) -> tuple[Trainer, LoadedWeights | None]:
    """Return a network that has not been trained here with all that trains it, and what weights were put into it."""
    config, dataset = job.config, job.dataset
    network = models.build(
        config.model,
        dataset.image_shape,
        len(dataset.class_names),
        method,
        run_key(config.seed, config.protocol.vary),
        warm_up=config.protocol.batch_norm_warm_up,
    )
    loaded = None if job.weights is None else load_weights(network, job.weights)
    return Trainer(config, training, network, resolved), loaded


def ended_before(folder: RunFolder) -> Run:
    """Return a run that ended before, once its files are seen to be whole; figures are drawn anew where they are not.

    Raises `OverfitlabError` where another file is missing or damaged.
    """
    damaged = folder.damaged_files()
    if set(damaged) - {*FIGURES, DUPLICATES}:
        raise OverfitlabError(
            f"{folder.path} is a finished run, but {', '.join(damaged)} is missing or damaged; "
            "move the folder away to train it again"
        )
    run = load_run(folder.path)
    if set(damaged) & set(FIGURES):
        _write_figures(folder, run)
        folder.write_record(run.record | {"files": run.record["files"] | folder.checksums(list(FIGURES))})
    checkpoint.remove(folder)  # a crash can have left one behind
    return run


def divergence(run: Run) -> str:
    """Return what to say of a run that diverged."""
    return (
        f"training diverged in epoch {len(run.rows)}: its loss is no longer a finite number; "
        f"try a lower --learning-rate (the history so far is in {run.folder})"
    )


def _first_record(
    job: Job, label: str, trainer: Trainer, resolved: Compute, loaded: LoadedWeights | None
) -> dict[str, Any]:
    """Write the first record of a run, and show which of its images are nearly the same."""
    network = _about(trainer.model, loaded)
    dataset, config = job.dataset, job.config
    found = near_duplicates(dataset, trainer.material.split) if job.alone and loading.is_own(dataset) else []
    where = str(job.data_dir.absolute()) if job.data_dir else None
    run_id = config.run_id(dataset.content_hash)
    record = records.new_record(run_id, config, label, trainer.material, asdict(resolved), network, where, found)
    job.folder.write_record(record)  # before any other file: it is what makes the folder ours
    _show(job.folder, dataset, found)
    return record


def _show(folder: RunFolder, dataset: Dataset, found: list[NearDuplicates]) -> None:
    if any(part.pairs for part in found):
        folder.write(DUPLICATES, rendered(duplicate_pairs(dataset, found), "png"))


def _about(model: Model, loaded: LoadedWeights | None) -> dict[str, Any]:
    total, trained = model.parameter_counts()
    about: dict[str, Any] = {
        "name": model.name,
        "parameters": {"total": total, "trainable": trained},
        "sites": [site.name for site in model.sites],
        "own_batch_norms": model.own_batch_norms,
    }
    if loaded is not None:
        left_out = {name: ENGLISH.reason(why) for name, why in loaded.left_out}
        about["weights"] = {"sha256": loaded.sha256, "loaded": list(loaded.loaded), "left_out": left_out}
    return about


def _write_figures(folder: RunFolder, run: Run) -> None:
    figure = run.figure()
    for name in FIGURES:
        folder.write(name, rendered(figure, Path(name).suffix.removeprefix(".")))
