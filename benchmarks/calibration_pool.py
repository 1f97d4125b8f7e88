"""Real trainings to calibrate the verdict on: copies of a method that share their images, and nothing else.

A copy has initial weights, order and masks of its own. Two copies of one method so differ by chance alone, as two
methods do that are equally good. Copies of the same number share their chance with those of the other methods, as in a
study. What is kept of a run is which test images are right, and its accuracies; a pool is a file that grows run by run.
"""

import io
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overfitlab.config import PROTOCOLS, Protocol, RunConfig, fitted
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material, material
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.events import Listener
from overfitlab.files import write_atomically
from overfitlab.methods import registry
from overfitlab.models import registry as models
from overfitlab.training import compute
from overfitlab.training.loop import Trainer

FOLDER = Path(__file__).resolve().parent.parent / "build" / "calibration"
METHODS = ("none", "dropout", "batch_norm")  # of `make run`
MOST_COPIES = 100  # of a method at a seed


@dataclass(frozen=True)
class Pool:
    """What is trained: at each seed so many copies of each of `METHODS`."""

    name: str
    data: str
    seeds: int
    copies: tuple[int, ...]
    training_images: int | None = None  # None: what `quick` takes
    epochs: int | None = None
    test_images: int | None = None  # None: all

    @property
    def path(self) -> Path:
        """Where it lies."""
        return FOLDER / f"{self.name}.npz"

    def protocol(self, dataset: Dataset, seed: int) -> Protocol:
        """Return `quick`, with images that all copies of a seed share."""
        asked = {"training_images": self.training_images, "epochs": self.epochs}
        given = {name: value for name, value in asked.items() if value is not None}
        quick = replace(PROTOCOLS["quick"], **given)
        found = fitted(quick, self.data, available_for_training(dataset, quick), given)
        return replace(found, vary=("init", "order"), split_seed=seed)


Run = tuple[int, int, str]  # seed, copy, method


@dataclass(frozen=True)
class Ended:
    """What is kept of a run; counts of images."""

    right: NDArray[np.bool_]  # [I], of the test images
    training_acc: float
    validation_right: int
    validation: int


def runs(pool: Pool) -> list[Run]:
    """Return the runs of a pool, seed by seed, so that what is there of it are whole seeds."""
    return [
        (seed, copy, method)
        for seed in range(pool.seeds)
        for method, count in zip(METHODS, pool.copies, strict=True)
        for copy in range(count)
    ]  # fmt: skip


def trained(pool: Pool, run: Run) -> Ended:
    """Train one run as `overfitlab train` does; without its validations after every epoch, which change no weight."""
    seed, copy, method = run
    parts = _material(pool, seed)
    dataset, protocol = parts.dataset, pool.protocol(parts.dataset, seed)
    config = RunConfig(protocol, method, pool.data, seed=MOST_COPIES * seed + copy, threads=1)
    asked, resolved = registry.parse(method), compute.resolve("auto", 1)
    compute.prepare(resolved)
    network = models.build_for(config, dataset.image_shape, len(dataset.class_names), asked)
    trainer, listener = Trainer(config, parts, network, resolved), Listener()
    batches = trainer.batches(protocol.batch_size)
    for epoch in range(1, protocol.epochs + 1):
        loss, _ = trainer.train_epoch(epoch, batches, listener)
        if not np.isfinite(loss):
            raise SystemExit(f"{method} diverged at seed {seed}, copy {copy}: nothing here reckons with that")
    test, said = parts.split.test[: pool.test_images], []
    trainer.measure(test, said=said)
    classes = np.concatenate([each.numpy() for each, *_ in said])
    validation = trainer.measure(parts.split.validation)
    return Ended(
        classes == dataset.labels[test],
        trainer.measure(parts.split.training).acc,
        round(validation.acc * validation.images),
        validation.images,
    )


@lru_cache(maxsize=1)
def _dataset(data: str) -> Dataset:
    return loading.load(data)


@lru_cache(maxsize=1)
def _material(pool: Pool, seed: int) -> Material:
    dataset = _dataset(pool.data)
    return material(dataset, pool.protocol(dataset, seed), seed)


def fill(pool: Pool, jobs: int) -> None:
    """Train what is missing of a pool, `jobs` runs at once; interrupted, the same call goes on."""
    there = read(pool)
    missing = [run for run in runs(pool) if run not in there]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as processes:
        found = processes.map(trained, [pool] * len(missing), missing)
        for run, ended in zip(missing, found, strict=True):
            there[run] = ended
            _write(pool, there)
            print(f"{pool.name}: {len(there)} of {len(runs(pool))} runs", file=sys.stderr)


def read(pool: Pool) -> dict[Run, Ended]:
    """Return the runs of a pool that are there, those that it no longer asks for included."""
    if not pool.path.exists():
        return {}
    with np.load(pool.path) as stored:
        images = int(stored["images"])
        right = np.unpackbits(stored["right"], axis=1, count=images).astype(bool)
        numbers = zip(stored["training_acc"], stored["validation_right"], stored["validation"], strict=True)
        keys = zip(stored["seed"], stored["copy"], stored["method"], strict=True)
        return {
            (int(seed), int(copy), str(method)): Ended(bits, float(acc), int(val_right), int(val))
            for (seed, copy, method), bits, (acc, val_right, val) in zip(keys, right, numbers, strict=True)
        }


def _write(pool: Pool, there: dict[Run, Ended]) -> None:
    seeds, copies, methods = zip(*there, strict=True)
    ended = list(there.values())
    content = io.BytesIO()
    np.savez_compressed(
        content, seed=seeds, copy=copies, method=methods, images=len(ended[0].right),
        right=np.packbits([each.right for each in ended], axis=1), training_acc=[each.training_acc for each in ended],
        validation_right=[each.validation_right for each in ended], validation=[each.validation for each in ended],
    )  # fmt: skip
    pool.path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(pool.path, content.getvalue())
