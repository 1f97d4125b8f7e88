"""`overfitlab.train`."""

import contextlib
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

import safetensors.torch

from overfitlab import cores
from overfitlab import record as records
from overfitlab.config import RunConfig, fitted, protocol_named, varied
from overfitlab.config import image_size as size_from
from overfitlab.data import sources
from overfitlab.data.dataset import Dataset
from overfitlab.data.duplicates import near_duplicates
from overfitlab.data.material import material
from overfitlab.data.splits import available_for_training
from overfitlab.data.twins import NearDuplicates
from overfitlab.errors import OverfitlabError
from overfitlab.files import user_path
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.models import registry as models
from overfitlab.models.model import Model
from overfitlab.models.summary import summary
from overfitlab.models.weights_file import LoadedWeights, file_hash, load_weights
from overfitlab.randomness import run_key
from overfitlab.report.data_figures import duplicate_pairs
from overfitlab.report.figures import rendered
from overfitlab.run import Run, load_run
from overfitlab.store import history
from overfitlab.store.run_folder import (
    DIVERGED,
    DUPLICATES,
    FIGURES,
    FINISHED,
    HISTORY,
    INTERRUPTED,
    RECORD,
    RUNNING,
    SUMMARY,
    WEIGHTS,
    RunFolder,
)
from overfitlab.terminal.narration import Narrator
from overfitlab.terminal.watching import watcher_on
from overfitlab.training import checkpoint, compute
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer, diverged


def train(
    method: str | Method = "batch_norm",
    data: str = "auto",
    *,
    data_dir: str | Path | None = None,
    image_size: int | str | None = None,
    model: str = "notebook_cnn",
    weights: str | Path | None = None,
    protocol: str = "notebook",
    vary: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    training_images: int | None = None,
    seed: int = 0,
    precision: str = "auto",
    threads: int | None = None,
    out: str | Path | None = None,
    verbose: bool = True,
    stream: TextIO | None = None,
) -> Run:
    """Train one network under one method, and leave a run folder.

    Calling it again with the same arguments resumes an interrupted run, to the bit, and returns a finished one
    without training.

    Args:
        method: a regularization method, or several joined by `+`: `"batch_norm+dropout:rate=0.3"`, or the same as
            objects: `overfitlab.method("batch_norm") + overfitlab.method("dropout", rate=0.3)`.
        data: `"cifar10"`, `"cifar100"`, `"fashion_mnist"`, `"digits"`, or `"auto"`: CIFAR-10 where it is on this
            machine or can be fetched, else the digits. Or a folder of images, one subfolder per class, or an `.npz`
            file with `x` and `y`.
        data_dir: the folder that holds a published set.
        image_size: that the images are resized to, in pixels, from 8 to 224: `64`, or height and width as `"48x64"`;
            None for 32 where they are files, and for the size that they have elsewhere.
        model: `"notebook_cnn"`, `"resnet20"`, `"vgg11"`, `"timm:NAME"`, your own as `"FILE.py:FUNCTION"` or
            `"MODULE:FUNCTION"`, and others: docs/models.md.
        weights: to begin with, from a file (`.safetensors`, or `.pt` of PyTorch) or the folder of a run; None for fresh
            ones.
        protocol: everything that is held fixed; `"notebook"` is the notebook, exactly, `"clean"` the same without its
            flaws, `"quick"` the clean one on few images: docs/protocols.md.
        vary: what the seed decides, of `"split,init,order"`; None for what the protocol says.
        epochs: instead of the protocol's; likewise `batch_size` (images) and `learning_rate` (of Adam).
        training_images: to train on so many of the training images at most; None for what the protocol says.
        seed: fixes initial weights, batch order and masks; from 0 to 2**63 - 1.
        precision: `"bfloat16"`, `"float32"`, `"float64"`, or `"auto"`: bfloat16 where the processor has instructions
            for it, else float32.
        threads: of the computation; None for one for each core on which no other training of this user computes.
        out: the run's folder; None for one below `runs/`, named after what is trained.
        verbose: whether to show progress.
        stream: where to show it; None for standard output.

    Raises:
        UsageError: an argument is unknown or out of range, or `out` holds something else.
        OverfitlabError: the data is missing or damaged, the folder cannot be written, or the training diverged.
    """
    chosen = registry.resolve(method)
    changes = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "training_images": training_images,
        "vary": None if vary is None else varied(vary),
    }
    settings = protocol_named(protocol, **changes)
    size = None if image_size is None else size_from(str(image_size))
    config = RunConfig(
        settings,
        chosen.spec,
        data,
        seed=seed,
        model=models.canonical(model),
        model_source=models.source_hash(model),
        image_size=size,
        weights=None if weights is None else file_hash(weights),
        precision=precision,
        threads=threads,
    )
    shown = (stream or sys.stdout) if verbose else None
    tell = Narrator(shown)
    folder_of_data = user_path(data_dir) if data_dir else None
    dataset = sources.load(data, folder_of_data, image_size=size, watcher=watcher_on(shown))
    given = [name for name, value in changes.items() if value is not None]
    settings = fitted(settings, dataset.source, available_for_training(dataset, settings), given)
    config = replace(config, protocol=settings, data=dataset.name, image_size=dataset.image_shape[:2] if size else None)
    run_id = config.run_id(dataset.content_hash)
    network_name = "" if config.model == RunConfig.model else f"{config.model}-"
    name = re.sub(r"[^\w.+=-]+", "-", f"{dataset.name}-{network_name}{chosen.label}-seed{seed}-{run_id[:6]}")
    folder = RunFolder(user_path(out) if out else Path("runs") / name)
    tell.data(dataset, loud=data == "auto" and dataset.name == "digits")

    with folder.claimed(run_id, config.as_dict()), contextlib.ExitStack() as held:
        if (folder / RECORD).exists() and folder.record()["status"] in (FINISHED, DIVERGED):
            return _finished_before(folder, tell)
        training = material(dataset, settings, seed)
        record = folder.record() if (folder / RECORD).exists() else None
        before = Compute(**record["resolved"]) if record else None
        claim = held.enter_context(cores.claimed(before.threads if before else threads))
        resolved = before or compute.resolve(precision, threads or claim.threads)
        compute.prepare(resolved)
        network = models.build(
            config.model,
            dataset.image_shape,
            len(dataset.class_names),
            chosen,
            run_key(seed, settings.vary),
            warm_up=settings.batch_norm_warm_up,
        )
        loaded = None if weights is None else load_weights(network, weights)
        trainer = Trainer(config, training, network, resolved)
        if record is None:
            where = str(folder_of_data.absolute()) if folder_of_data else None
            record = _begin(folder, run_id, config, chosen.label, trainer, resolved, where, loaded)
        else:
            tell.resumption(records.note_resumption(record))
            known = record["data"]["near_duplicates"].values()
            if any(part["found"] for part in known) and not (folder / DUPLICATES).exists():
                _show(folder, dataset, near_duplicates(dataset, training.split))  # it was interrupted before that
            trainer.progress = checkpoint.restore(folder, run_id, trainer.learner) or trainer.progress
        record["status"] = RUNNING
        folder.write_record(record)
        folder.write(SUMMARY, summary(network, dataset.image_shape, config.model).encode())
        tell.findings(record["data"])
        tell.network(record["network"])
        tell.plan(config, record, resolved)
        tell.cores(claim, resolved)
        run = _train(folder, record, trainer, tell)
    if record["status"] == DIVERGED:
        raise OverfitlabError(_divergence(run))
    tell.result(run)
    return run


def _begin(
    folder: RunFolder,
    run_id: str,
    config: RunConfig,
    label: str,
    trainer: Trainer,
    resolved: Compute,
    data_dir: str | None,
    loaded: LoadedWeights | None,
) -> dict[str, Any]:
    """Write the first record of a run, and show which of its images are nearly the same."""
    network = _about(trainer.model, loaded)
    dataset, split = trainer.material.dataset, trainer.material.split
    found = near_duplicates(dataset, split) if sources.is_own(dataset) else []
    record = records.new_record(run_id, config, label, trainer.material, asdict(resolved), network, data_dir, found)
    folder.write_record(record)  # before any other file: it is what makes the folder ours
    _show(folder, dataset, found)
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
        about["weights"] = {"sha256": loaded.sha256, "loaded": list(loaded.loaded), "left_out": dict(loaded.left_out)}
    return about


def _train(folder: RunFolder, record: dict[str, Any], trainer: Trainer, tell: Narrator) -> Run:
    """Train what is left of a run, and write down what came out."""

    def save() -> None:
        checkpoint.save(folder, record["id"], trainer.learner, trainer.progress)
        folder.write(HISTORY, history.to_csv(trainer.progress.rows).encode())

    with tell.progress(trainer.progress.rows) as observer:
        try:
            if not diverged(trainer.progress.rows):
                trainer.train(save, observer)
                observer.measuring()
            return _finish(folder, record, trainer)
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):  # the interruption matters more
                folder.write_record(record | {"status": INTERRUPTED})
            raise


def _finish(folder: RunFolder, record: dict[str, Any], trainer: Trainer) -> Run:
    rows = trainer.progress.rows
    record["status"] = DIVERGED if diverged(rows) else FINISHED
    measured = trainer.measured()
    run = Run(folder.path, record, rows)
    records.note_end(record, rows, run.onset, trainer.handed_over, measured)
    folder.write(HISTORY, history.to_csv(rows).encode())
    folder.write(WEIGHTS, safetensors.torch.save(trainer.hand_over().tensors(), {"run": record["id"]}))
    _write_figures(folder, run)
    duplicates = [DUPLICATES] if (folder / DUPLICATES).exists() else []
    record["files"] = folder.checksums([SUMMARY, HISTORY, WEIGHTS, *FIGURES, *duplicates])
    folder.write_record(record)
    checkpoint.remove(folder)
    return run


def _finished_before(folder: RunFolder, tell: Narrator) -> Run:
    damaged = folder.damaged_files()
    if set(damaged) - {*FIGURES, DUPLICATES}:
        raise OverfitlabError(
            f"{folder.path} is a finished run, but {', '.join(damaged)} is missing or damaged; "
            "remove the folder to train it again"
        )
    run = load_run(folder.path)
    if set(damaged) & set(FIGURES):
        _write_figures(folder, run)
        folder.write_record(run.record | {"files": run.record["files"] | folder.checksums(list(FIGURES))})
    checkpoint.remove(folder)  # a crash can have left one behind
    if run.record["status"] == DIVERGED:
        raise OverfitlabError(_divergence(run))
    tell.result(run, trained_before=True)
    return run


def _write_figures(folder: RunFolder, run: Run) -> None:
    figure = run.figure()
    for name in FIGURES:
        folder.write(name, rendered(figure, Path(name).suffix.removeprefix(".")))


def _divergence(run: Run) -> str:
    return (
        f"training diverged in epoch {len(run.rows)}: its loss is no longer a finite number; "
        f"try a lower --learning-rate (the history so far is in {run.folder})"
    )
