"""Our trainer on random images, for whatever measures it from within."""

from dataclasses import dataclass, field, replace

import numpy as np
from common import BATCH, CLASSES, random_images

from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.dataset import Dataset, Indices
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer


@dataclass
class RandomTraining:
    """The notebook's network under a method, and `images` random images of `size` x `size` pixels."""

    resolved: Compute
    images: int
    method: str = "batch_norm"
    batch: int = BATCH
    size: int = 32
    epochs: int = 1
    seed: int = 0
    validation: int = 0  # of the images, the first so many also validate
    trainer: Trainer = field(init=False)
    rows: Indices = field(init=False)

    def __post_init__(self) -> None:
        pixels, labels = random_images(self.images, self.size)
        self.rows = np.arange(self.images)
        names = tuple("0123456789")
        dataset = Dataset("random", pixels, labels, names, self.rows[:0], "", "random", official=False)
        parts = Split(self.rows, self.rows[: self.validation], self.rows[:0])
        method = registry.parse(self.method)
        protocol = protocol_named("notebook", batch_size=self.batch, epochs=self.epochs)
        self.trainer = Trainer(
            RunConfig(protocol, method.spec, "random", seed=self.seed),
            Material(dataset, parts, channel_statistics(pixels, self.rows)),
            notebook_cnn((self.size, self.size, 3), CLASSES, method, Key(self.seed)),
            self.resolved,
        )
        self.batches = self.trainer.batches(self.batch)
        self._epoch = 0

    def train(self, steps: int) -> None:
        """Train that many steps, as one epoch, without its validation."""
        self._epoch += 1
        material = self.trainer.material
        rows = self.rows[: steps * self.batch]
        self.trainer.material = replace(material, split=replace(material.split, training=rows))
        self.trainer.train_epoch(self._epoch, self.batches, Listener())

    def evaluate(self, images: int) -> None:
        """Measure the network on that many images, as the validation of an epoch does."""
        self.trainer.measure(self.rows[:images])
