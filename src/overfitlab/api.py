"""The public functions: each puts the rooms of the house together, and the command line calls the same ones."""

import contextlib
import datetime
import math
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

import safetensors.torch

from overfitlab._version import __version__
from overfitlab.config import RunConfig, protocol_named
from overfitlab.data import sources
from overfitlab.data.splits import notebook_split
from overfitlab.data.standardize import channel_statistics
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.models.summary import summary
from overfitlab.randomness import Key
from overfitlab.report.figures import rendered
from overfitlab.run import Run, load_run
from overfitlab.store import history
from overfitlab.store.environment import environment, peak_memory_mb
from overfitlab.store.run_folder import (
    DIVERGED,
    FIGURES,
    FINISHED,
    FORMAT,
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
from overfitlab.training.loop import Material, Trainer, diverged, weights


def train(
    method: str = "batch_norm",
    data: str = "auto",
    *,
    data_dir: str | Path | None = None,
    protocol: str = "notebook",
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
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
        method: a regularization method, or several joined by `+`: `"batch_norm+dropout:rate=0.3"`.
        data: `"cifar10"`, `"cifar100"`, `"fashion_mnist"`, `"digits"`, or `"auto"`: CIFAR-10 where it is on this
            machine or can be fetched, else the digits.
        data_dir: the folder that holds the data.
        protocol: everything that is held fixed; `"notebook"` is the notebook, exactly.
        epochs: instead of the protocol's; likewise `batch_size` (images) and `learning_rate` (of Adam).
        seed: fixes initial weights, batch order and masks; from 0 to 2**63 - 1.
        precision: `"bfloat16"`, `"float32"`, `"float64"`, or `"auto"`: bfloat16 where the processor has instructions
            for it, else float32.
        threads: of the computation; None for one a core.
        out: the run's folder; None for one below `runs/`, named after what is trained.
        verbose: whether to show progress.
        stream: where to show it; None for standard output.

    Raises:
        UsageError: an argument is unknown or out of range, or `out` holds something else.
        OverfitlabError: the data is missing or damaged, the folder cannot be written, or the training diverged.
    """
    chosen = registry.parse(method)
    settings = protocol_named(protocol, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    config = RunConfig(settings, chosen.spec, data, seed, precision, threads)
    shown = (stream or sys.stdout) if verbose else None
    dataset = sources.load(data, _path(data_dir) if data_dir else None, watcher=watcher_on(shown))
    config = replace(config, data=dataset.name)  # "auto" and what it found are one run
    run_id = config.run_id(dataset.content_hash)
    name = re.sub(r"[^\w.+=-]+", "-", f"{dataset.name}-{chosen.label}-seed{seed}-{run_id[:6]}")
    folder = RunFolder(_path(out) if out else Path("runs") / name)
    tell = Narrator(shown)
    tell.data(dataset, loud=data == "auto" and dataset.name == "digits")

    with folder.claimed(run_id, config.as_dict()):
        if (folder / RECORD).exists() and folder.record()["status"] in (FINISHED, DIVERGED):
            return _finished_before(folder, tell)
        split = notebook_split(len(dataset.images), settings)
        material = Material(dataset, split, channel_statistics(dataset.images))
        record = folder.record() if (folder / RECORD).exists() else None
        resolved = Compute(**record["resolved"]) if record else compute.resolve(precision, threads)
        compute.prepare(resolved)
        image_shape = (dataset.images.shape[1], dataset.images.shape[2], dataset.images.shape[3])
        model = notebook_cnn(image_shape, len(dataset.class_names), chosen, Key(seed))
        trainer = Trainer(config, material, model, resolved)
        if record is None:
            record = _new_record(run_id, config, chosen.label, material, resolved, trainer)
        else:
            _note_changes(record, tell)
            trainer.progress = checkpoint.restore(folder, run_id, model, trainer.optimizer) or trainer.progress
        record["status"] = RUNNING
        folder.write_record(record)  # before any other file: it is what makes the folder ours
        folder.write(SUMMARY, summary(model, image_shape, f"{settings.name}_cnn").encode())
        tell.plan(config, chosen.label, split, resolved, model.parameter_counts())

        def save() -> None:
            checkpoint.save(folder, run_id, model, trainer.optimizer, trainer.progress)
            folder.write(HISTORY, history.to_csv(trainer.progress.rows).encode())

        with tell.progress(trainer.progress.rows) as observer:
            try:
                if not diverged(trainer.progress.rows):
                    trainer.train(save, observer)
            except KeyboardInterrupt:
                with contextlib.suppress(OSError):  # the interruption matters more
                    folder.write_record(record | {"status": INTERRUPTED})
                raise
        run = _finish(folder, record, trainer)
    if record["status"] == DIVERGED:
        raise OverfitlabError(_divergence(run))
    tell.result(run)
    return run


def _new_record(
    run_id: str, config: RunConfig, label: str, material: Material, resolved: Compute, trainer: Trainer
) -> dict[str, Any]:
    total, trained = trainer.model.parameter_counts()
    dataset, split, standardization = material.dataset, material.split, material.standardization
    return {
        "format": FORMAT,
        "id": run_id,
        "status": RUNNING,
        "method": label,
        "config": config.as_dict(),
        "resolved": asdict(resolved),
        "data": {
            "name": dataset.name,
            "origin": dataset.origin,
            "official": dataset.official,
            "note": dataset.note,
            "sha256": dataset.content_hash,
            "images": len(dataset.images),
            "image_shape": list(dataset.images.shape[1:]),
            "classes": list(dataset.class_names),
            "training": len(split.training),
            "validation": len(split.validation),
            "mean": standardization.mean.tolist(),
            "std": standardization.std.tolist(),
        },
        "parameters": {"total": total, "trainable": trained},
        "environment": {"overfitlab": __version__} | environment(),
        "times": {"started": _now()},
        "resumed": [],
        "files": {},
    }


def _note_changes(record: dict[str, Any], tell: Narrator) -> None:
    """Record that the run is resumed, and say so where machine or packages are no longer the same."""
    now = {"overfitlab": __version__} | environment()
    changed = {name: value for name, value in now.items() if record["environment"].get(name) != value}
    record["resumed"].append({"at": _now(), "changed": changed})
    if changed:
        tell.say(f"Note: {', '.join(changed)} changed since this run began; it goes on, but not bit for bit.")


def _finish(folder: RunFolder, record: dict[str, Any], trainer: Trainer) -> Run:
    rows = trainer.progress.rows
    record["status"] = DIVERGED if diverged(rows) else FINISHED
    run = Run(folder.path, record, rows)
    folder.write(HISTORY, history.to_csv(rows).encode())
    folder.write(WEIGHTS, safetensors.torch.save(weights(trainer.model), {"run": record["id"]}))
    _write_figures(folder, run)
    record["times"] |= {
        "finished": _now(),
        "training_seconds": round(sum(row.seconds for row in rows), 3),
        "peak_memory_mb": peak_memory_mb(),
    }
    record["result"] = _json_safe({"onset": run.onset} | asdict(rows[-1]))
    record["files"] = folder.checksums([SUMMARY, HISTORY, WEIGHTS, *FIGURES])
    folder.write_record(record)
    checkpoint.remove(folder)
    return run


def _finished_before(folder: RunFolder, tell: Narrator) -> Run:
    damaged = folder.damaged_files()
    if set(damaged) - set(FIGURES):
        raise OverfitlabError(
            f"{folder.path} is a finished run, but {', '.join(damaged)} is missing or damaged; "
            "remove the folder to train it again"
        )
    run = load_run(folder.path)
    if damaged:
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


def _path(given: str | Path) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError as error:  # ~somebody who does not exist
        raise UsageError(f"{given}: {error}") from None


def _json_safe(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
