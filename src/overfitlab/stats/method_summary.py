"""What one method did, over its runs: means and standard deviations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.design import POINTS, Run


@dataclass(frozen=True)
class Spread:
    """A mean over seeds, and their standard deviation (None for one seed)."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class MethodSummary:
    """What one method did, over its finished runs; accuracies and gaps in percent and points."""

    method: str
    label: str
    finished: int
    diverged: int
    missing: int  # of the runs that were planned: failed, or not there yet
    stopped_early: int
    accuracy: Spread | None
    gap: Spread | None
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


def summary(method: str, label: str, by_run: Mapping[Run, Outcome], seeds: Sequence[int]) -> MethodSummary:
    """Return what a method did at those seeds."""
    ended = [by_run[method, seed] for seed in seeds if (method, seed) in by_run]
    ends = [outcome.end for outcome in ended if outcome.end is not None]

    def spread(value: Callable[[Endpoints], float | None], scale: float = 1) -> Spread | None:
        values = [scale * found for end in ends if (found := value(end)) is not None]
        return Spread(mean(values), stdev(values) if len(values) > 1 else None) if values else None

    memory = [end.peak_memory_mb for end in ends if end.peak_memory_mb is not None]
    return MethodSummary(
        method=method,
        label=label,
        finished=len(ends),
        diverged=len(ended) - len(ends),
        missing=len(seeds) - len(ended),
        stopped_early=sum(outcome.stopped_early for outcome in ended),
        accuracy=spread(lambda end: end.accuracy, POINTS),
        gap=spread(lambda end: end.gap, POINTS),
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
