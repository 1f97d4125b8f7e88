"""What one method did, over its runs: means and standard deviations."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from overfitlab.results.metric import BY_NAME, Measure
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats import student
from overfitlab.stats.design import POINTS, Run

CONFIDENCE = 0.95  # of the interval of a standard deviation


@dataclass(frozen=True)
class Spread:
    """A mean over seeds, and their standard deviation (None for one seed).

    That of the metric and its gap has a 95 % interval; None for the others, for one seed, and where nothing varies.
    """

    mean: float
    deviation: float | None
    deviation_low: float | None = None
    deviation_high: float | None = None


@dataclass(frozen=True)
class MethodSummary:
    """What one method did, over its finished runs.

    Shares are in percent, gaps in points; metric and gap are those that the study compares by: a loss is in nats.
    """

    method: str
    label: str
    finished: int
    diverged: int
    missing: int  # of the runs that were planned: failed, or not there yet
    stopped_early: int
    metric: Spread | None  # of the test images
    gap: Spread | None
    accuracy: Spread | None  # of the test images
    train_acc: Spread | None
    val_acc: Spread | None
    onset: Spread | None  # epoch, over the runs in which something came after it
    without_onset: int  # the others, whose validation loss was lowest in the last epoch: nothing has come after it
    acc_drop: Spread | None
    loss_rise: Spread | None  # nats
    best_epoch: Spread | None
    seconds_per_epoch: Spread | None
    epochs: Spread | None
    parameters: int | None
    peak_memory_mb: int | None


def deviation_interval(deviation: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of the standard deviation of normal noise, given that of n values, n > 1.

    (n - 1) s^2 / sigma^2 is distributed as chi squared with n - 1 degrees of freedom (Fisher, 1924).
    """
    low, high = student.chi_squared_quantile([(1 - confidence) / 2, (1 + confidence) / 2], n - 1)
    return deviation * math.sqrt((n - 1) / high), deviation * math.sqrt((n - 1) / low)


def summary(
    method: str, label: str, by_run: Mapping[Run, Outcome], seeds: Sequence[int], metric: str = "accuracy"
) -> MethodSummary:
    """Return what a method did at those seeds."""
    ended = [by_run[method, seed] for seed in seeds if (method, seed) in by_run]
    ends = [outcome.end for outcome in ended if outcome.end is not None]

    def spread(value: Callable[[Endpoints], float | None], scale: float = 1) -> Spread | None:
        values = [scale * found for end in ends if (found := value(end)) is not None]
        return Spread(mean(values), stdev(values) if len(values) > 1 else None) if values else None

    def measured(value: Callable[[Measure], float | None]) -> Spread | None:
        found = spread(lambda end: value(end.of(metric)), BY_NAME[metric].scale)
        if found is None or not found.deviation:
            return found
        return Spread(found.mean, found.deviation, *deviation_interval(found.deviation, len(ends)))

    memory = [end.peak_memory_mb for end in ends if end.peak_memory_mb is not None]
    return MethodSummary(
        method=method,
        label=label,
        finished=len(ends),
        diverged=len(ended) - len(ends),
        missing=len(seeds) - len(ended),
        stopped_early=sum(outcome.stopped_early for outcome in ended),
        metric=measured(lambda found: found.test),
        gap=measured(lambda found: found.gap),
        accuracy=spread(lambda end: end.accuracy, POINTS),
        train_acc=spread(lambda end: end.train_acc, POINTS),
        val_acc=spread(lambda end: end.val_acc, POINTS),
        onset=spread(lambda end: None if end.onset == end.epochs else end.onset),
        without_onset=sum(end.onset == end.epochs for end in ends),
        acc_drop=spread(lambda end: end.acc_drop, POINTS),
        loss_rise=spread(lambda end: end.loss_rise),
        best_epoch=spread(lambda end: end.best_epoch),
        seconds_per_epoch=spread(lambda end: end.seconds_per_epoch),
        epochs=spread(lambda end: end.epochs),
        parameters=ends[0].parameters if ends else None,
        peak_memory_mb=max(memory) if memory else None,
    )
