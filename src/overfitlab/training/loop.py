"""The training loop of one run."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from overfitlab.config import RunConfig
from overfitlab.data.dataset import Indices
from overfitlab.data.prepare.batches import BatchSource
from overfitlab.data.prepare.material import Material
from overfitlab.events import EpochBegan, EpochEnded, Listener, StepDone, ValidationBegan
from overfitlab.kernels import denormals
from overfitlab.methods import registry as methods
from overfitlab.models.model import Model
from overfitlab.randomness import run_key
from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Measured, Measurement, Parts
from overfitlab.results.onset import onset
from overfitlab.results.predictions import Predicted
from overfitlab.training.checkpoint import Learner, Progress
from overfitlab.training.compute import Compute
from overfitlab.training.metrics import RunningMean, evaluate
from overfitlab.training.optimizer import optimizer_for
from overfitlab.training.regularization import Regularization, evaluated
from overfitlab.training.schedule import learning_rate

EVALUATION_BATCH = 200  # images of up to 32x32; large enough for full speed, small enough for the cache
TELL_SECONDS = 0.2  # between two words about the steps of an epoch
EVALUATED_PIXELS = EVALUATION_BATCH * 32 * 32  # at once, of larger images: it bounds the memory


class Trainer:
    """Trains one network, epoch by epoch."""

    def __init__(self, config: RunConfig, material: Material, model: Model, compute: Compute) -> None:
        self._config, self.material, self._compute = config, material, compute
        self._key = run_key(config.seed, config.protocol.vary)
        self.model = model.to(compute.device, compute.dtype)
        self.model.train()
        self.regularization = Regularization(methods.parse(config.method), self.model, self._key)
        self.optimizer = optimizer_for(config.protocol.optimizer, self.model, self.regularization.weight_decays)
        self._restores_onset = config.protocol.keep == "best" or self.regularization.restores_onset
        self.progress = Progress(steps=0, rows=[], onset_weights={})
        self._handed_over: Model | None = None
        self.predicted: dict[
            str, Predicted
        ] = {}  # by the weights that are handed over, once `measured` has been called
        self._steps = math.ceil(len(material.split.training) / config.protocol.batch_size)  # an epoch
        self._one_hot = torch.eye(len(material.dataset.class_names), dtype=compute.dtype)
        height, width, _ = material.dataset.image_shape
        self._evaluation_batch = max(1, min(EVALUATION_BATCH, EVALUATED_PIXELS // (height * width)))

    def train(self, save: Callable[[], None], listener: Listener) -> None:
        """Train what is left of the run, calling `save` after each epoch.

        It ends early where the method stops it, or where the loss is no longer finite; the last row then says so.
        Raises `CancelledError` where the listener asks for the end.
        """
        protocol = self._config.protocol
        training = self.batches(protocol.batch_size)
        evaluation = self.batches(self._evaluation_batch)
        steps = self._steps
        for epoch in range(len(self.progress.rows) + 1, protocol.epochs + 1):
            if self.regularization.stops(self.progress.rows):
                return
            started = time.perf_counter()
            listener.on(EpochBegan(epoch, protocol.epochs, steps))
            loss, acc = self.train_epoch(epoch, training, listener)
            listener.on(ValidationBegan())
            listener.check()
            validation = self.measure(self.material.split.validation, evaluation)
            row = EpochRow(epoch, time.perf_counter() - started, loss, acc, _loss(validation), validation.acc)
            if protocol.clean_metrics:
                clean = self.measure(self.clean_subset(), evaluation)
                row = replace(row, train_loss=_loss(clean), train_acc=clean.acc)
            self._note(row, steps)
            save()
            listener.on(EpochEnded(row, steps))
            listener.check()
            if diverged(self.progress.rows):
                return

    def measure(
        self,
        rows: Indices,
        batches: BatchSource | None = None,
        network: Model | None = None,
        said: list[tuple[Tensor, Tensor, Tensor]] | None = None,
    ) -> Measurement:
        """Return loss and accuracies on those rows, in evaluation mode; of the network as it stands now, or another.

        What the network says of each batch is added to `said` where that is given (`metrics.evaluate`).
        """
        batches = batches or self.batches(self._evaluation_batch)
        in_order = batches.in_order(rows, self._evaluation_batch)
        return evaluate(network or self.evaluated, in_order, self._compute, said)

    @property
    def learner(self) -> Learner:
        """Everything that a checkpoint holds of this training, but its progress."""
        return Learner(self.model, self.optimizer, self.regularization)

    @property
    def evaluated(self) -> Model:
        """The network that is measured and handed over; with averaged weights where the method keeps an average."""
        return evaluated(self.model, self.regularization)

    @property
    def handed_over(self) -> int | None:
        """The epoch whose weights are handed over: the last one, or the onset where method or protocol restores that.

        None where training diverged.
        """
        rows = self.progress.rows
        if diverged(rows):
            return None
        lowest = onset(rows) if self._restores_onset else None
        return rows[-1].epoch if lowest is None else lowest.epoch

    def hand_over(self) -> Model:
        """Return the network with the weights that are handed over, once training is over; always the same one.

        Where training diverged it is the network as it stands.
        """
        if self._handed_over is None:
            self._handed_over = self.evaluated
            if self.handed_over is not None and self._restores_onset:
                self._handed_over.load_state_dict(self.progress.onset_weights)
        return self._handed_over

    def measured(self) -> Measured:
        """Return what the weights do on whole parts of the data: those handed over and, if kept, those of the onset.

        Under a protocol with clean metrics that is training, validation and test, and this is the one time that the
        test images are looked at; otherwise validation alone. Nothing where training diverged.
        """
        if diverged(self.progress.rows):
            return Measured()
        network = self.hand_over()
        end = self._parts_measured(network, keep=True)
        if not self._config.protocol.clean_metrics:
            return Measured(end)
        if self._restores_onset:
            return Measured(end, onset=end)
        if not self.progress.onset_weights:
            return Measured(end)
        at_the_end = {name: value.clone() for name, value in network.tensors().items()}
        network.load_state_dict(self.progress.onset_weights)
        onset_parts = self._parts_measured(network)
        network.load_state_dict(at_the_end)
        return Measured(end, onset=onset_parts)

    def _parts_measured(self, network: Model, *, keep: bool = False) -> Parts:
        """Return what the network does on whole parts, and keep its predictions of validation and test if so told."""
        split = self.material.split
        parts = {"validation": split.validation}
        if self._config.protocol.clean_metrics:
            parts = {"training": split.training, **parts, "test": split.test}
        found = {}
        for name, rows in parts.items():
            if not len(rows):
                continue
            said: list[tuple[Tensor, Tensor, Tensor]] | None = [] if keep and name != "training" else None
            found[name] = self.measure(rows, network=network, said=said)
            if said is not None:
                classes, probabilities, losses = (torch.cat(each).numpy() for each in zip(*said, strict=True))
                labels = self.material.dataset.labels[rows]
                self.predicted[name] = Predicted(rows, labels, classes, probabilities, losses)
        return Parts(**found)

    def clean_subset(self) -> Indices:
        """Return the training images that are measured after every epoch: always the same, as many as validate."""
        training = self.material.split.training
        count = min(len(training), len(self.material.split.validation))
        chosen = (self._key / "clean_subset").generator().choice(len(training), count, replace=False)
        return np.sort(training[chosen])

    def _note(self, row: EpochRow, steps: int) -> None:
        """Add an epoch to the progress, and keep its weights where it has the lowest validation loss so far."""
        rows = [*self.progress.rows, row]
        kept = self.progress.onset_weights
        asked_for = self._config.protocol.clean_metrics or self._restores_onset
        if asked_for and onset(rows) is row:
            kept = {name: value.clone() for name, value in self.evaluated.tensors().items()}
        self.progress = Progress(self.progress.steps + steps, rows, kept)

    def train_epoch(self, epoch: int, batches: BatchSource, listener: Listener) -> tuple[float, float]:
        """Train one epoch, and return the running mean of its loss and accuracy."""
        with denormals.flushed(self._compute.threads):
            return self._epoch_trained(epoch, batches, listener)

    def _epoch_trained(self, epoch: int, batches: BatchSource, listener: Listener) -> tuple[float, float]:
        protocol, rows = self._config.protocol, self.material.split.training
        order = (self._key / "order" / epoch).generator().permutation(len(rows))
        mean = RunningMean()
        before = (epoch - 1) * self._steps
        told = time.monotonic()
        for step, (x, labels) in enumerate(batches.in_order(rows[order], protocol.batch_size), start=1):
            x, y = self.regularization.batch(x, self._one_hot[labels], epoch, step)  # noqa: PLW2901
            x, y = x.to(self._compute.device), y.to(self._compute.device)  # noqa: PLW2901
            self.model.at(epoch, step)
            with self._compute.autocast():
                logits = self.model(x)
            logits = logits.to(self._compute.dtype)  # [B, K]
            loss = F.cross_entropy(logits, y)
            penalty = self.regularization.penalty()
            if penalty is not None:
                loss = loss + penalty
            torch.autograd.backward(loss)
            self.optimizer.step(learning_rate(protocol, before + step - 1, self._steps * protocol.epochs))
            self.regularization.after_step()
            mean.add(loss, logits, y)
            listener.check()
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                listener.on(StepDone(step, *mean.values()))
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


def _loss(found: Measurement) -> float:
    """Return a loss as a history has it: NaN where it is not finite."""
    return math.nan if found.loss is None else found.loss


def diverged(rows: list[EpochRow]) -> bool:
    """Return whether training ended because the loss was no longer finite."""
    if not rows:
        return False
    losses = (rows[-1].loss, rows[-1].val_loss, rows[-1].train_loss)
    return not all(math.isfinite(loss) for loss in losses if loss is not None)
