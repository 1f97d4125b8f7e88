"""overfitlab: `python ours.py PRECISION`."""

import sys

import torch
from common import BATCH, CLASSES, MOST_STEPS, random_images, serve

from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.dataset import Dataset
from overfitlab.data.material import Material
from overfitlab.data.splits import Split
from overfitlab.data.standardize import channel_statistics
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.training import compute
from overfitlab.training.loop import Trainer
from overfitlab.training.observer import Observer


def main() -> None:
    """Train as `overfitlab train` does, without its validation."""
    resolved = compute.resolve(sys.argv[1], None)
    compute.prepare(resolved)
    images, labels = random_images()
    order = torch.arange(MOST_STEPS * BATCH).numpy()
    dataset = Dataset("random", images, labels, tuple("0123456789"), order[:0], "", "random", official=False)
    statistics = channel_statistics(images, order)
    method = registry.parse("batch_norm")
    config = RunConfig(protocol_named("notebook"), method.spec, "random")
    model = notebook_cnn((32, 32, 3), CLASSES, method, Key(0))
    epoch = 0

    def train(steps: int) -> None:
        nonlocal epoch
        epoch += 1
        trainer.material = Material(dataset, Split(order[: steps * BATCH], order[:0], order[:0]), statistics)
        trainer.train_epoch(epoch, batches, Observer())

    trainer = Trainer(config, Material(dataset, Split(order, order[:0], order[:0]), statistics), model, resolved)
    batches = trainer.batches(BATCH)
    serve(train, {"torch": torch.__version__, "precision": resolved.precision, "threads": str(resolved.threads)})


main()
