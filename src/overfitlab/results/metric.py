"""Metrics: what a study compares its methods by, and what of it a run has measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from overfitlab.config import METRICS
from overfitlab.results.measurement import Measurement, Parts

POINTS, NATS = "points", "nats"  # units of a difference


@dataclass(frozen=True)
class Metric:
    """A number that measures how well images are classified, and what a comparison by it needs to know."""

    name: str  # of config.METRICS
    of: Callable[[Measurement], float | None]  # share from 0 to 1, or nats; None where it is unknown or not finite
    margin: float = 0.5  # differences that do not matter unless the user says otherwise, in its unit
    gap_margin: float = 1.0
    unit: str = POINTS
    smaller_is_better: bool = False

    @property
    def scale(self) -> int:
        """What turns its values into its unit: a share into points."""
        return 100 if self.unit == POINTS else 1

    def gap(self, training: float, validation: float) -> float:
        """Return by how much validation is worse than training: a positive gap is overfitting."""
        return validation - training if self.smaller_is_better else training - validation


_ALL = (
    Metric("accuracy", lambda found: found.acc),
    Metric("balanced_accuracy", lambda found: found.balanced_acc),
    Metric("f1", lambda found: found.f1),
    # small beside test losses, which are from 0.1 to 2 nats where images are learned
    Metric("loss", lambda found: found.loss, margin=0.02, gap_margin=0.04, unit=NATS, smaller_is_better=True),
)
MEASURED: dict[str, Metric] = {metric.name: metric for metric in _ALL}  # by our own runs
if tuple(MEASURED) != METRICS:
    raise AssertionError("metrics are not those of the configuration")
LARGER, SMALLER = "larger", "smaller"  # which values are better
VALIDATION = {  # what logs of others have where there are no test images
    f"validation_{metric.name}": replace(metric, name=f"validation_{metric.name}") for metric in _ALL
}


def column_metric(unit: str, better: str, column: str) -> str:
    """Return the name of a metric that a log of others has in a column of its own: `points:larger:val_auc`."""
    return f"{unit}:{better}:{column}"


class _Metrics(dict[str, Metric]):
    """Metrics by name; those of columns are made as they are asked for."""

    def __missing__(self, name: str) -> Metric:
        unit, first, rest = name.partition(":")
        better, second, column = rest.partition(":")
        if unit not in (POINTS, NATS) or better not in (LARGER, SMALLER) or not (first and second and column):
            raise KeyError(name)
        usual = MEASURED["loss" if unit == NATS else "accuracy"]
        return replace(usual, name=name, smaller_is_better=better == SMALLER)


BY_NAME: Mapping[str, Metric] = _Metrics(MEASURED | VALIDATION)


@dataclass(frozen=True)
class Measure:
    """One metric of one run, as shares from 0 to 1 or nats: at the end, and with the weights of the onset."""

    test: float
    gap: float | None  # as what follows: None where a log of others does not have it
    onset_test: float | None
    onset_gap: float | None


def measure(metric: Metric, end: Parts, onset: Parts) -> Measure | None:
    """Return what a run measured of a metric; None where a part is missing, or its value unknown or not finite."""
    found: list[float] = []
    for parts in (end, onset):
        for part in (parts.training, parts.validation, parts.test):
            value = None if part is None else metric.of(part)
            if value is None:
                return None
            found.append(value)
    training, validation, test, early_training, early_validation, early_test = found
    gap, early_gap = metric.gap(training, validation), metric.gap(early_training, early_validation)
    return Measure(test, gap, early_test, early_gap)
