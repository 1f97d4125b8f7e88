"""overfitlab: `python ours.py PRECISION`."""

import torch
from common import options, serve
from random_training import RandomTraining

from overfitlab.training import compute


def main() -> None:
    """Train and evaluate as `overfitlab train` does."""
    asked = options()
    resolved = compute.resolve(asked.precision, asked.threads)
    compute.prepare(resolved)
    training = RandomTraining(resolved, asked.images, batch=asked.batch)
    about = {"torch": torch.__version__, "precision": resolved.precision, "threads": str(resolved.threads)}
    serve(training.train, training.evaluate, about)


main()
