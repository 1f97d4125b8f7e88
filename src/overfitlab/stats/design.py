"""What a verdict is asked: methods, contrasts, seeds, level and margins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from overfitlab.results.outcome import Endpoints

POINTS = 100  # of a fraction
Run = tuple[str, int]  # method and seed


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
    margin: float  # points: differences of the metric within it do not matter
    gap_margin: float
    test_images: int | None = None  # what a mean is over; None where unknown, and then nothing is *equivalent*
    validation_images: int | None = None
    until: Until | None = None  # decided; None for a fixed number of seeds

    @property
    def baseline(self) -> str:
        """What the other methods are compared with."""
        return next(iter(self.labels))


@dataclass(frozen=True)
class Axis:
    """What is compared on one axis, and what a difference has to be for it to matter."""

    value: Callable[[Endpoints], float]
    margin: float
    unit: float | None  # what one image changes; None where *equivalent* cannot be said
    smaller_is_better: bool
    with_images: bool  # whether the noise of test images can be told apart


def axes(design: Design) -> tuple[Axis, Axis]:
    """Return the axes of the words: generalizes better, overfits less."""
    test, validation = (None if images is None else POINTS / images
                        for images in (design.test_images, design.validation_images))  # fmt: skip
    return (
        Axis(lambda end: end.accuracy, design.margin, test, smaller_is_better=False, with_images=True),
        Axis(lambda end: end.gap, design.gap_margin, validation, smaller_is_better=True, with_images=False),
    )
