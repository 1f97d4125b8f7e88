"""What a verdict is asked: methods, contrasts, seeds, level and margins."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from overfitlab.results.metric import BY_NAME, NATS, Measure, Metric
from overfitlab.results.outcome import Endpoints

POINTS = 100  # of a fraction
Run = tuple[str, int]  # method and seed
BY_CLASS = ("balanced_accuracy", "f1")  # metrics that are means over classes, not over images
AXES = METRIC, GAP = "metric", "gap"


@dataclass(frozen=True)
class Until:
    """Seeds are added in rounds until all is decided, or `maximum` of them are reached; None for no maximum."""

    maximum: int | None


@dataclass(frozen=True)
class Design:
    """What is compared with what, and how: everything but the outcomes."""

    name: str  # of the study
    labels: Mapping[str, str]  # method -> what it is called; the baseline first
    contrasts: Sequence[tuple[str, str]]
    seeds: Sequence[int]  # of this look, in planned order; of a verdict in rounds all that there may be
    looks: tuple[int, ...]  # after how many seeds the verdict is read
    look: int  # from 1
    alpha: float  # of this look
    margin: float  # in the unit of the metric: differences of it within that do not matter
    gap_margin: float
    test_images: int | None = None  # what a mean is over; None where unknown, and then nothing is *equivalent*
    validation_images: int | None = None
    until: Until | None = None  # decided; None for a fixed number of seeds
    metric: str = "accuracy"  # of config.METRICS
    test_classes: Sequence[int] | None = None  # how many test images each class has; None where unknown
    validation_classes: Sequence[int] | None = None
    axes: tuple[str, ...] = AXES  # those that were measured
    unpaired: Collection[tuple[str, str]] = ()  # contrasts whose runs share no seeds

    @property
    def baseline(self) -> str:
        """What the other methods are compared with."""
        return next(iter(self.labels))


@dataclass(frozen=True)
class Axis:
    """What is compared on one axis, and what a difference has to be for it to matter."""

    value: Callable[[Endpoints], float | None]
    scale: float  # from a value to the unit of the margin: 100 from a share to points
    margin: float
    unit: float | None  # what one image changes; 0 for no such floor, None where *equivalent* cannot be said
    smaller_is_better: bool
    with_images: bool  # whether the noise of test images can be told apart


def axes(design: Design) -> tuple[Axis, ...]:
    """Return the axes of the words, those of the design: generalizes better, overfits less."""
    metric = BY_NAME[design.metric]

    def axis(value: Callable[[Measure], float | None], margin: float, unit: float | None, *, of_gap: bool) -> Axis:
        return Axis(
            lambda end: value(end.of(metric.name)), metric.scale, margin, unit,
            smaller_is_better=of_gap or metric.smaller_is_better, with_images=not of_gap,
        )  # fmt: skip

    test = image_unit(metric, design.test_images, design.test_classes)
    validation = image_unit(metric, design.validation_images, design.validation_classes)
    found = {
        METRIC: axis(lambda found: found.test, design.margin, test, of_gap=False),
        GAP: axis(lambda found: found.gap, design.gap_margin, validation, of_gap=True),
    }
    return tuple(found[name] for name in design.axes)


def image_unit(metric: Metric, images: int | None, classes: Sequence[int] | None) -> float | None:
    """Return what a single image more or less changes, in the metric's unit; None where that is not known.

    `images` are those of a part, `classes` how many of them each class has. One miss costs accuracy 1 / images, and
    balanced accuracy at most 1 / (K min I_k) with K classes that have images, I_k in class k. F1 of class k is
    2 hits / (I_k + P_k), with P_k images taken for it: one that is missed and taken for class j changes their sum by
    (2 - F_k) / (I_k + P_k - 1) + F_j / (I_j + P_j + 1), which is about 1 / min I_k where as many images are taken for
    a class as it has: of macro F1 it is that over K, as much as of balanced accuracy. A loss has no such floor: no two
    networks that differ have the same.
    """
    if metric.unit == NATS:
        return 0.0
    if metric.name.removeprefix("validation_") not in BY_CLASS:
        return metric.scale / images if images else None
    there = [count for count in classes or () if count]
    return metric.scale / (len(there) * min(there)) if there else None
