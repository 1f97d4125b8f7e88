"""Whether a network trains at all without the normalization that it was written with (`--bare`)."""

import math
from dataclasses import replace

import numpy as np

from overfitlab.config import RunConfig
from overfitlab.data.dataset import Indices
from overfitlab.data.prepare.material import Material
from overfitlab.errors import UsageError
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models.brought import listed
from overfitlab.models.model import Model
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer

IMAGES = 16  # to be learnt by heart
TURNS, STEPS = 20, 10  # at most so many turns of so many steps
SHARE = 0.9  # of the loss of guessing: a network that trains comes below it, on so few images, within some ten steps
USUAL_RATE = 1e-3  # of Adam in Keras
ALONE = "none"


def check_trains(config: RunConfig, material: Material, network: Model, compute: Compute) -> None:
    """Raise `UsageError` where a bare network does not begin to learn 16 of the training images by heart.

    It takes steps of the protocol's optimizer at its learning rate, with the layers that the method inserted and
    nothing else of it, until the mean loss of ten steps is below nine tenths of what the best guess without looking
    has; 200 steps at most. A loss that is not finite ends it. A low rate is given a second chance at 1e-3: slow is not
    broken. The network is left with its initial weights and statistics.
    """
    if not config.bare or any(part.keeps_own for part in registry.parse(config.method).parts):
        return
    rows = _some_of_each_class(material)
    labels = material.dataset.labels[rows]
    shares = np.unique(labels, return_counts=True)[1] / len(rows)
    guess = float(-(shares * np.log(shares)).sum())
    size = min(config.protocol.batch_size, len(material.dataset.images))
    config = replace(config, protocol=replace(config.protocol, batch_size=size))
    training = np.resize(rows, size * STEPS)
    material = replace(material, split=replace(material.split, training=training))
    loss = math.inf
    for rate in sorted({config.protocol.learning_rate, max(config.protocol.learning_rate, USUAL_RATE)}):
        loss = _least_loss(config, rate, material, network, compute, SHARE * guess)
        if loss < SHARE * guess:
            return
    raise UsageError(
        "bare_network_does_not_train",
        "{model} does not train without its {what}: on {images} training images its loss is {loss:.3g} after up to "
        "{steps} steps, where guessing gives {guess:.3g}; leave out --bare, so that methods are added to the "
        "network as it is, or put a normalization in its place (batch_norm), or try another --learning-rate",
        model=network.name, what=listed(network.brings), images=len(rows), loss=loss, steps=TURNS * STEPS,
        guess=guess,
    )  # fmt: skip


def _least_loss(
    config: RunConfig, rate: float, material: Material, network: Model, compute: Compute, enough: float
) -> float:
    """Return the mean loss of the last ten steps, which are the last where it is below `enough`, or not finite."""
    protocol = replace(config.protocol, learning_rate=rate)
    alone = replace(config, protocol=protocol, method=registry.parse(ALONE).spec)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trainer = Trainer(alone, material, network, compute)
    batches = trainer.batches(protocol.batch_size)
    loss = math.inf
    for _ in range(TURNS):
        loss, _ = trainer.train_epoch(1, batches, Listener())
        if loss < enough or not math.isfinite(loss):
            break
    network.load_state_dict(before)
    return loss


def _some_of_each_class(material: Material) -> Indices:
    """Return the first training images of each class, as many of one as of another as far as they go."""
    rows = material.split.training
    labels = material.dataset.labels[rows]
    rank = np.zeros(len(rows), dtype=np.int64)  # of an image within its class
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        rank[of_class] = np.arange(len(of_class))
    return rows[np.lexsort((labels, rank))[:IMAGES]]
