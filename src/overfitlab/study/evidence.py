"""Everything that a report of a study shows, as one document of typed values.

It is the verdict, and the numbers behind it: who trained what, the curves, what the networks say of the test images. A
report is made from this document alone, so that every number on it can be found there.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from overfitlab._version import __version__
from overfitlab.config import StudyConfig
from overfitlab.machine import Facts
from overfitlab.reasons import Reason
from overfitlab.records.data_record import DataRecord
from overfitlab.records.run_record import Producer
from overfitlab.records.study_record import Failure, Sitting, StudyPlan
from overfitlab.stats.method_summary import Spread
from overfitlab.stats.verdict import Verdict

FORMAT = 3  # of verdict.json
OWN = "own"  # the source of images that are no published set


@dataclass(frozen=True)
class Chance:
    """The probability, from 0 to 1, that a true difference of that size is found."""

    points: float  # nats of a loss
    chance: float


@dataclass(frozen=True)
class PowerCase:
    """What a study can decide on one axis, if paired differences vary by `deviation` points (SD) from seed to seed."""

    axis: str  # metric or gap
    deviation: float
    assumed: bool  # whether that is what the plan reckons with; the others are half and twice as much
    differ: tuple[Chance, ...]
    equal: float  # probability of *equivalent* where there is no difference


@dataclass(frozen=True)
class Power:
    """What the last look can decide, or a verdict in rounds at its maximum, reckoned before anything was trained."""

    seeds: int
    contrasts: int
    deviation: float  # in the metric's unit: the assumed noise of paired differences
    cases: tuple[PowerCase, ...]


@dataclass(frozen=True)
class Runs:
    """How many runs a verdict in rounds takes, reckoned before anything was trained."""

    least: int  # all is decided in the first round that is read
    typical: int  # mean, if each method differs from the next one by `difference` on both axes
    most: int | None  # None without a maximum
    difference: float  # in the metric's unit


@dataclass(frozen=True)
class Curve:
    """Mean and standard deviation over the seeds, for each epoch; None where nothing finite is known."""

    mean: tuple[float | None, ...]
    deviation: tuple[float | None, ...]


@dataclass(frozen=True)
class Curves:
    """What a method did from epoch to epoch; losses in nats, accuracies and gap fractions from 0 to 1.

    The last row of a run that its method stopped is carried forward, so that no curve changes because a run is gone.
    """

    runs: int
    epochs: tuple[int, ...]
    training: tuple[int, ...]  # runs that still trained in each epoch
    train_loss: Curve
    val_loss: Curve
    train_acc: Curve
    val_acc: Curve
    gap: Curve  # train_acc - val_acc

    def curve(self, name: str) -> Curve:
        """Return the curve of that name."""
        found: Curve = getattr(self, name)
        return found


@dataclass(frozen=True)
class Bin:
    """The test images whose confidence lies in one bin."""

    low: float
    high: float
    images: int
    confidence: float  # mean
    accuracy: float


@dataclass(frozen=True)
class MethodCalibration:
    """Whether a method's probabilities mean what they say, all seeds together."""

    expected_error: Spread  # over the seeds
    mean_confidence: float
    accuracy: float
    bins: tuple[Bin, ...]  # that have images


@dataclass(frozen=True)
class Mistaken:
    """A frequent mistake: this share of the images of class `true` is taken for class `predicted`."""

    true: int
    predicted: int
    share: float


@dataclass(frozen=True)
class MethodPredictions:
    """What the networks of a method say of the test images, all seeds together."""

    runs: int  # whose predictions are there
    calibration: MethodCalibration | None
    confusion: tuple[tuple[int, ...], ...] | None  # [K, K], true by predicted class; None where K is too large
    top_confusions: tuple[Mistaken, ...]


@dataclass(frozen=True)
class Opinion:
    """What the runs of a method take one image for."""

    runs: int
    right: int
    taken_for: int  # the class that most of the others take it for
    votes: int  # runs that do


@dataclass(frozen=True)
class DisputedImage:
    """A test image on which methods disagree."""

    row: int  # of the data set
    label: int
    opinions: dict[str, Opinion]  # by method


@dataclass(frozen=True)
class Ahead:
    """What would decide one contrast on one axis, if the true difference is the one that was seen."""

    method: str
    against: str
    axis: str  # metric or gap
    leader: str  # the one of the two that is better by the estimate
    lead: float  # in the metric's unit, not negative
    matters: bool  # whether the lead is larger than the margin
    seeds: int | None  # of a new study, that find the word with 80 %; None where 100 are too few
    seconds: float | None  # that so many seeds of all methods take here; None where no run was timed
    images: int | None  # test images that tell it on other images too, where there are fewer now


@dataclass(frozen=True, kw_only=True)
class Evidence(Verdict):
    """The verdict with all numbers behind it; nothing in it says whose folders they came from."""

    study_id: str
    reference: str  # how to name the study on the command line
    status: str
    command: str
    seed_numbers: tuple[int, ...]
    asked: StudyConfig
    plan: StudyPlan
    power: Power
    data: DataRecord  # without places
    precision: tuple[str, ...]
    producer: Producer  # that trained
    environment: Facts
    sessions: list[Sitting]
    notes: list[Reason]
    failures: dict[str, Failure]
    curves: dict[str, Curves]  # by method
    predictions: dict[str, MethodPredictions]  # by method
    disputed: tuple[DisputedImage, ...]
    ahead: tuple[Ahead, ...] = ()  # what would decide whatever is undecided

    @property
    def config(self) -> StudyConfig:
        """What was asked for, as a study's record calls it."""
        return self.asked


def document(found: Verdict) -> dict[str, Any]:
    """Return a verdict, or the whole evidence, as `verdict.json` has it: its format, and plain JSON values."""
    values: dict[str, Any] = msgspec.to_builtins(found)
    return {"format": FORMAT, "made_with": __version__, **values}
