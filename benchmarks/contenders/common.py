"""What every contender does: get ready, then train as many steps as it is told to, and say how long that took.

The driver (benchmarks/speed.py) writes a number of steps to standard input; the contender trains that many batches of
32 and writes the seconds to standard output. It reports its versions first.
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BATCH, CLASSES, MOST_STEPS = 32, 10, 200
LEARNING_RATE = 1e-4


def random_images() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images of CIFAR-10's shape and their labels; the time of a step does not depend on what they show."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (MOST_STEPS * BATCH, 32, 32, 3), dtype=np.uint8)
    return images, rng.integers(0, CLASSES, len(images))


def standardized() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the same images as the notebook prepares them."""
    images, labels = random_images()
    mean, std = np.mean(images, axis=(0, 1, 2)), np.std(images, axis=(0, 1, 2))
    return ((images - mean) / std).astype(np.float32), labels


def serve(train: Callable[[int], None], about: dict[str, str]) -> None:
    """Answer the driver until it closes the line."""
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        steps = int(line)
        started = time.perf_counter()
        train(steps)
        print(time.perf_counter() - started, flush=True)
