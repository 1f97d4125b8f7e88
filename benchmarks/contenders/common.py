"""What every contender does: get ready, then train or evaluate as much as it is told to.

The driver (benchmarks/processes.py) writes requests to standard input, a line each: `train STEPS`, `evaluate IMAGES`,
or `memory`. The contender does it and writes an empty line, or the megabytes, to standard output. Before the first
request it trains one step, so that whatever it has to compile is compiled, and reports its versions.
"""

import argparse
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BATCH, CLASSES, MOST_STEPS = 32, 10, 200
LEARNING_RATE = 1e-4
STATUS = Path("/proc/self/status")
MEAN, STD = 127.5, 73.9  # of uniformly random pixels


def options(**flags: str) -> argparse.Namespace:
    """Return what the driver asks for on the command line; `flags` are switches of one contender, with their help."""
    parser = argparse.ArgumentParser()
    parser.add_argument("precision")
    parser.add_argument("--batch", type=int, default=BATCH, help="images a step")
    parser.add_argument("--threads", type=int, help="all cores, unless given")
    parser.add_argument("--images", type=int, default=MOST_STEPS * BATCH, help="how many there are")
    for name, text in flags.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    return parser.parse_args()


def random_images(count: int, size: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images like CIFAR-10's and their labels; the time of a step does not depend on what they show."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return images, rng.integers(0, CLASSES, count)


def standardized(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the same images as the notebook prepares them, without holding them in a wider type meanwhile."""
    images, labels = random_images(count)
    x = images.astype(np.float32)
    x -= MEAN
    x /= STD
    return x, labels


def serve(train: Callable[[int], None], evaluate: Callable[[int], None], about: dict[str, str]) -> None:
    """Answer the driver until it closes the line."""
    train(1)
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        what, *numbers = line.split()
        if what == "memory":
            print(peak_memory_mb(), flush=True)
            continue
        {"train": train, "evaluate": evaluate}[what](int(numbers[0]))
        print(flush=True)


def peak_memory_mb() -> float:
    """Return the most memory that this process has held, in MB (10^6 bytes).

    On Linux the peak of what is resident now: that of `getrusage` includes the process that started this one.
    """
    if STATUS.exists():
        for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
