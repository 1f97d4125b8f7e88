"""One run, carried out: begun or taken up again, trained, and written into its folder."""

import contextlib
import copy
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import safetensors.torch

from overfitlab.config import RunConfig
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.identical import Identical, identical
from overfitlab.data.prepare.material import Material, material
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.display import display_name
from overfitlab.errors import CancelledError, DamagedError, DivergedError, OverfitlabError
from overfitlab.events import Listener, MeasuringBegan
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.models import registry as models
from overfitlab.models.handed import Handed
from overfitlab.models.model import Model
from overfitlab.models.summary import summary
from overfitlab.models.weights_file import LoadedWeights, load_weights
from overfitlab.reasons import Reason, reason
from overfitlab.records import history, probabilities
from overfitlab.records.run_folder import (
    HISTORY,
    INSERTED,
    PROBABILITIES,
    RECORD,
    SAVE_SECONDS,
    SUMMARY,
    WEIGHTS,
    LiveHistory,
    RunFolder,
)
from overfitlab.records.run_record import (
    DIVERGED,
    FINISHED,
    FORMAT,
    INTERRUPTED,
    RUNNING,
    LoadedRecord,
    NetworkRecord,
    OwnRunRecord,
    Parameters,
    Producer,
    Resolved,
    Times,
)
from overfitlab.runs import recording
from overfitlab.runs.run import Run, load_run
from overfitlab.training import checkpoint, compute
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer, diverged
from overfitlab.training.trial import check_trains


@dataclass(frozen=True)
class Job:
    """A run to carry out, in a folder that this process has claimed (`RunFolder.claimed`)."""

    config: RunConfig
    dataset: Dataset
    folder: RunFolder
    data_dir: Path | None = None  # that the user named, for the record
    weights: str | Path | None = None  # to begin with
    alone: bool = True  # not one of many: then near-duplicates are looked for, and every epoch is saved
    network: Handed | None = None  # the configuration's, where it is there already


@dataclass
class Execution:
    """A run that is ready to train."""

    job: Job
    record: OwnRunRecord
    trainer: Trainer
    changed: list[str]  # of machine and packages, since the run began
    notes: list[Reason]  # on what it goes on from, where that is not the last checkpoint
    duplicates: list[NearDuplicates]  # that were found across the parts, where the run begins now
    saved: float = 0.0  # when the last checkpoint was written, or the training began
    live: LiveHistory | None = None  # what onlookers read, where the run is one of many

    def complete(self, listener: Listener) -> Run:
        """Train what is left of the run, and write down what came out; its record says if it diverged.

        An interruption leaves what the last finished epoch left. Raises `OSError` where the disk refuses, and
        `CancelledError` where the listener asks for the end.
        """
        folder, trainer = self.job.folder, self.trainer
        self.saved = time.monotonic()
        if not self.job.alone:
            self.live = LiveHistory(folder, trainer.progress.rows)
        try:
            if not diverged(trainer.progress.rows):
                trainer.train(self._save, listener)
                listener.on(MeasuringBegan())
                listener.check()
            run = self._finish()
            checkpoint.remove(folder)
            if self.live is not None:
                self.live.remove()
            return run
        except (KeyboardInterrupt, CancelledError):
            with contextlib.suppress(OSError, OverfitlabError):  # the interruption matters more
                if not ended(folder):
                    folder.write_record(msgspec.structs.replace(self.record, status=INTERRUPTED))
            raise

    def _save(self) -> None:
        now = time.monotonic()
        if self.live is not None:
            self.live.append(self.trainer.progress.rows)
        if not self.job.alone and now - self.saved < SAVE_SECONDS:
            return
        self.saved = now
        folder, trainer = self.job.folder, self.trainer
        checkpoint.save(folder, self.record.id, trainer.learner, trainer.progress)
        folder.write(HISTORY, history.to_csv(trainer.progress.rows).encode())

    def _finish(self) -> Run:
        folder, trainer = self.job.folder, self.trainer
        record = copy.deepcopy(self.record)  # which an interruption goes back to
        rows = trainer.progress.rows
        record.status = DIVERGED if diverged(rows) else FINISHED
        measured = trainer.measured()
        run = Run(folder.path, record, rows)
        recording.note_end(record, rows, run.onset, trainer.handed_over, measured)
        folder.write(HISTORY, history.to_csv(rows).encode())
        network = trainer.hand_over()
        folder.write(WEIGHTS, safetensors.torch.save(network.own_tensors(), {"run": record.id}))
        names = [SUMMARY, HISTORY, WEIGHTS]
        if inserted := network.inserted_tensors():
            folder.write(INSERTED, safetensors.torch.save(inserted, {"run": record.id}))
            names.append(INSERTED)
        if trainer.predicted:
            folder.write(PROBABILITIES, probabilities.to_bytes(trainer.predicted, record.id))
            names.append(PROBABILITIES)
        record.files = folder.checksums(names)
        folder.write_record(record)
        return run


def ended(folder: RunFolder) -> bool:
    """Return whether the run in the folder has ended, well or not, so that there is nothing left to train."""
    return (folder / RECORD).exists() and folder.record().status in (FINISHED, DIVERGED)


def begun_with(folder: RunFolder) -> Compute | None:
    """Return how the run in the folder computes, which a resumption keeps; None where none was begun."""
    if not (folder / RECORD).exists():
        return None
    found = folder.record().own().resolved
    return Compute(found.precision, found.threads, found.device, found.kernels)


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
    changed: list[str] = []
    notes: list[Reason] = []
    duplicates: list[NearDuplicates] = []
    if not (folder / RECORD).exists():
        same = None
        if job.alone and config.bare:
            _check_trains(job, training, resolved, method)
        if job.alone and loading.is_own(dataset):
            duplicates, same = near_duplicates(dataset, training.split), identical(dataset)
        record = _first_record(job, method.label, trainer, resolved, loaded, duplicates, same)
    else:
        record = folder.record().own()
        changed = recording.note_resumption(record)
        restored = checkpoint.restore(folder, record.id, trainer.learner)
        if restored.progress is not None:
            trainer.progress = restored.progress
        elif restored.unusable:
            trainer, _ = _trainer(job, training, resolved, method)  # of the first one nobody knows what was put into it
        elif (folder / HISTORY).exists():
            notes = [reason("no_checkpoint")]
        notes = restored.notes or notes
        record.resumed[-1] = msgspec.structs.replace(record.resumed[-1], notes=notes)
    record.status, record.files = RUNNING, {}
    folder.write_record(record)
    folder.write(SUMMARY, summary(trainer.model, dataset.image_shape, config.model).encode())
    return Execution(job, record, trainer, changed, notes, duplicates)


def _check_trains(job: Job, training: Material, resolved: Compute, method: Method) -> None:
    """Raise `UsageError` where a bare network does not train; of a study that is known before its plan."""
    network, _ = _network(job, method)
    check_trains(job.config, training, network, resolved)


def _trainer(job: Job, training: Material, resolved: Compute, method: Method) -> tuple[Trainer, LoadedWeights | None]:
    """Return a network that has not been trained here with all that trains it, and what weights were put into it."""
    network, loaded = _network(job, method)
    return Trainer(job.config, training, network, resolved), loaded


def _network(job: Job, method: Method) -> tuple[Model, LoadedWeights | None]:
    dataset = job.dataset
    network = models.build_for(job.config, dataset.image_shape, len(dataset.class_names), method, job.network)
    return network, None if job.weights is None else load_weights(network, job.weights)


def ended_before(folder: RunFolder) -> Run:
    """Return a run that ended before, once its files are seen to be whole.

    Raises `DamagedError` where one is missing or damaged.
    """
    damaged = folder.damaged_files()
    if damaged:
        raise DamagedError(
            "finished_run_is_damaged",
            "{folder} is a finished run, but {files} is missing or damaged; move the folder away to train it again",
            folder=folder.path, files=", ".join(damaged)
        )  # fmt: skip
    checkpoint.remove(folder)  # a crash can have left one behind
    return load_run(folder.path)


def divergence(run: Run) -> DivergedError:
    """Return the error that says that a run diverged."""
    return DivergedError(
        "training_diverged",
        "training diverged in epoch {epoch}: its loss is no longer a finite number; try a lower --learning-rate (the "
        "history so far is in {folder})",
        epoch=len(run.rows), folder=run.folder
    )  # fmt: skip


def _first_record(
    job: Job,
    label: str,
    trainer: Trainer,
    resolved: Compute,
    loaded: LoadedWeights | None,
    duplicates: list[NearDuplicates],
    same: Identical | None,
) -> OwnRunRecord:
    """Write the first record of a run."""
    where = str(job.data_dir.absolute()) if job.data_dir else None
    record = OwnRunRecord(
        format=FORMAT,
        id=job.config.run_id(job.dataset.content_hash),
        producer=Producer(),
        status=RUNNING,
        method=label,
        config=job.config,
        resolved=Resolved(resolved.precision, resolved.threads, resolved.device, resolved.kernels),
        data=recording.data_record(trainer.material, job.config.protocol, where, duplicates, same),
        network=_about(trainer.model, loaded),
        environment=recording.here(),
        times=Times(recording.now()),
        resumed=[],
        files={},
    )
    job.folder.write_record(record)  # before any other file: it is what makes the folder ours
    return record


def _about(model: Model, loaded: LoadedWeights | None) -> NetworkRecord:
    total, trained = model.parameter_counts()
    return NetworkRecord(
        name=model.name,
        parameters=Parameters(total, trained),
        sites=[site.name for site in model.sites],
        own_batch_norms=model.own_batch_norms,
        made_by=display_name(model.made_by),
        weights=None if loaded is None else LoadedRecord(loaded.sha256, list(loaded.loaded), dict(loaded.left_out)),
        notes=list(model.notes),
    )
