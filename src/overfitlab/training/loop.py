"""The training loop of one run."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from overfitlab.config import RunConfig
from overfitlab.data.batches import BatchSource
from overfitlab.data.dataset import Dataset
from overfitlab.data.splits import Split
from overfitlab.data.standardize import Standardization
from overfitlab.models.model import Model
from overfitlab.randomness import Key
from overfitlab.store.history import EpochRow
from overfitlab.training.checkpoint import Progress
from overfitlab.training.compute import Compute
from overfitlab.training.metrics import RunningMean, evaluate
from overfitlab.training.observer import Observer
from overfitlab.training.optimizer import KerasAdam

EVALUATION_BATCH = 500  # images; large enough for full speed, small enough for the cache


@dataclass(frozen=True)
class Material:
    """What a run trains on."""

    dataset: Dataset
    split: Split
    standardization: Standardization


class Trainer:
    """Trains one network, epoch by epoch."""

    def __init__(self, config: RunConfig, material: Material, model: Model, compute: Compute) -> None:
        self._config, self.material, self._compute = config, material, compute
        self._key = Key(config.seed)
        self.model = model.to(compute.dtype)
        self.model.train()
        self.optimizer = KerasAdam(self.model, config.protocol.learning_rate)
        self.progress = Progress(steps=0, rows=[])

    def train(self, save: Callable[[], None], observer: Observer) -> None:
        """Train what is left of the run, calling `save` after each epoch.

        It ends early where the loss is no longer finite; the last row then says so.
        """
        protocol = self._config.protocol
        training = self.batches(protocol.batch_size)
        validation = self.batches(EVALUATION_BATCH)
        rows_to_validate = self.material.split.validation
        steps = math.ceil(len(self.material.split.training) / protocol.batch_size)
        for epoch in range(len(self.progress.rows) + 1, protocol.epochs + 1):
            started = time.perf_counter()
            observer.epoch_started(epoch, protocol.epochs, steps)
            loss, acc = self.train_epoch(epoch, training, observer)
            observer.validation_started()
            val_loss, val_acc = evaluate(
                self.model, validation.in_order(rows_to_validate, EVALUATION_BATCH), self._compute
            )
            row = EpochRow(epoch, time.perf_counter() - started, loss, acc, val_loss, val_acc)
            self.progress = Progress(self.progress.steps + steps, [*self.progress.rows, row])
            save()
            observer.epoch_done(row, steps)
            if diverged(self.progress.rows):
                return

    def train_epoch(self, epoch: int, batches: BatchSource, observer: Observer) -> tuple[float, float]:
        """Train one epoch, and return the running mean of its loss and accuracy."""
        rows = self.material.split.training
        order = (self._key / "order" / epoch).generator().permutation(len(rows))
        mean = RunningMean()
        for step, (x, labels) in enumerate(batches.in_order(rows[order], self._config.protocol.batch_size), start=1):
            self.model.at(epoch, step)
            with self._compute.autocast():
                logits = self.model(x)
            logits = logits.to(self._compute.dtype)  # [B, K]
            loss = F.cross_entropy(logits, labels)
            torch.autograd.backward(loss)
            self.optimizer.step()
            mean.add(loss, logits, labels)
            observer.step_done(step, mean)
        return mean.values()

    def batches(self, largest: int) -> BatchSource:
        """Return a source of batches of up to that many images."""
        dataset = self.material.dataset
        return BatchSource(
            dataset.images,
            dataset.labels,
            self.material.standardization,
            largest_batch=min(largest, len(dataset.images)),
            dtype=self._compute.dtype,
        )


def diverged(rows: list[EpochRow]) -> bool:
    """Return whether training ended because the loss was no longer finite."""
    return bool(rows) and not (math.isfinite(rows[-1].loss) and math.isfinite(rows[-1].val_loss))


def weights(model: Model) -> dict[str, torch.Tensor]:
    """Return all parameters and moving statistics by name, as a file wants them."""
    return model.tensors()
