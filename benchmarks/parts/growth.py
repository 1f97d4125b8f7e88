"""How our time grows with images, epochs, image size and the number of runs."""

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from random_training import RandomTraining
from tables import counted, spread, table

from overfitlab.events import Listener
from overfitlab.training import compute
from parts.part import Measured, Options

MOST_ROUNDS = 3
SMALL_RUN = 1000  # images


@dataclass(frozen=True)
class Series:
    """Times over something that grows."""

    what: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], Callable[[], None]]  # of a size: get ready, and return what is timed
    expected: str


def growth(options: Options) -> Measured:
    """Return the times, and the exponent of the power law through them."""
    rounds = min(options.rounds, MOST_ROUNDS)
    resolved = compute.resolve("auto", None)
    compute.prepare(resolved)

    def an_epoch(images: int, size: int = 32) -> Callable[[], None]:
        training = RandomTraining(resolved, images, size=size)
        return lambda: training.train(math.ceil(images / training.batch))

    def a_run(epochs: int, seed: int = 0) -> None:
        training = RandomTraining(resolved, SMALL_RUN, epochs=epochs, seed=seed, validation=SMALL_RUN // 2)
        training.trainer.train(lambda: None, Listener())

    def runs(count: int) -> None:
        for seed in range(count):
            a_run(1, seed)

    series = [
        Series("images of an epoch", (500, 1000, 2000, 4000, 8000), an_epoch, "1"),
        Series(f"epochs of {SMALL_RUN} images", (1, 2, 4, 8), lambda count: lambda: a_run(count), "1"),
        Series("pixels a side, 256 images", (16, 32, 64, 128), lambda size: an_epoch(256, size), "2"),
        Series(f"runs in a row, 1 epoch of {SMALL_RUN} images", (1, 2, 4), lambda count: lambda: runs(count), "1"),
    ]
    rows, data = [], {}
    for each in series:
        seconds = _times(each, rounds)
        medians = [statistics.median(times) for times in seconds]
        exponents = [exponent(each.sizes, column) for column in zip(*seconds, strict=True)]
        points = ", ".join(f"{size}: {median:.2f}" for size, median in zip(each.sizes, medians, strict=True))
        rows.append([each.what, points, spread(exponents, 2), each.expected])
        data[each.what] = {"sizes": each.sizes, "seconds": seconds}
        print(f"  {each.what}: {points}", file=sys.stderr)
    header = ["what grows", "s, medians", "exponent: median (lowest to highest)", "exponent if proportional"]
    text = table(header, rows) + (
        f"n = {rounds} rounds of all points, after one warm-up of each (not counted). The exponent is that of the "
        f"power law fitted to the points of a round, by least squares of the logarithms. {resolved.precision}, "
        f"{counted(resolved.threads, 'thread')}, batch 32.\n\n"
    )
    return Measured(text, {"rounds": rounds, "series": data})


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the slope of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _times(series: Series, rounds: int) -> list[list[float]]:
    """Return the seconds of each size in each round; the sizes take turns."""
    work = [series.prepare(size) for size in series.sizes]
    seconds: list[list[float]] = [[] for _ in work]
    for number in range(rounds + 1):
        for run, times in zip(work, seconds, strict=True):
            begun = time.perf_counter()
            run()
            if number > 0:  # the first round warms up
                times.append(time.perf_counter() - begun)
    return seconds
