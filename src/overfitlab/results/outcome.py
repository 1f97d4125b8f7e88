"""What one run amounts to, whoever trained it: the values that a verdict is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from overfitlab.results.gap import gaps
from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Parts
from overfitlab.results.metric import MEASURED, Measure, measure

Conditions = Mapping[str, frozenset[str]]  # what a run was computed with: all values, by name


@dataclass(frozen=True)
class Endpoints:
    """The outcome of one finished run; accuracies are fractions from 0 to 1, losses nats; None is not known.

    "End" stands for the weights that the method hands over after all epochs, "onset" for those of the epoch with the
    lowest validation loss. A gap is training minus validation accuracy, both in evaluation mode.
    """

    accuracy: float | None  # of the test images, at the end
    gap: float | None  # at the end
    onset_accuracy: float | None
    onset_gap: float | None
    train_acc: float | None  # at the end
    val_acc: float | None
    loss_gap: float | None  # validation minus training loss, at the end; None where one is not finite
    onset: int | None  # epoch
    acc_drop: float | None  # validation accuracy at the onset less that at the end: what overfitting cost
    loss_rise: float | None  # validation loss at the end less that at the onset; None where one is not finite
    best_epoch: int | None  # with the highest validation accuracy
    epochs: int  # that were trained
    seconds_per_epoch: float | None  # training and validation
    parameters: int | None
    peak_memory_mb: int | None
    # by metric; a run of before they were measured, or whose loss is not finite, lacks some
    measures: Mapping[str, Measure] = field(default_factory=dict)

    def of(self, metric: str) -> Measure:
        """Return one metric of this run; raises `KeyError` where it does not have it."""
        if metric == "accuracy" and self.accuracy is not None:
            return Measure(self.accuracy, self.gap, self.onset_accuracy, self.onset_gap)
        return self.measures[metric]


@dataclass(frozen=True)
class Outcome:
    """One run that has ended."""

    method: str
    seed: int
    name: str  # of the run
    end: Endpoints | None  # None where it diverged
    rows: Sequence[EpochRow]
    stopped_early: bool = False  # by its method
    conditions: Conditions = field(default_factory=dict)  # under which it was trained
    correct: NDArray[np.bool_] | None = None  # whether each test image [I] is classified rightly; None where unknown
    labels: NDArray[np.int64] | None = None  # of the test images [I], likewise:
    classes: NDArray[np.int64] | None = None  # what they are taken for
    losses: NDArray[np.float32] | None = None  # nats


def endpoints(
    end: Parts, onset_parts: Parts, rows: Sequence[EpochRow], onset: int | None, parameters: int, memory_mb: int | None
) -> Endpoints | None:
    """Return the endpoints of a finished run; None where it did not measure what a comparison needs.

    That is training, validation and test images, with the weights of the `end` and with those of the `onset`.
    """
    wanted = [getattr(parts, name) for parts in (end, onset_parts) for name in ("training", "validation", "test")]
    if not rows or any(found is None for found in wanted):
        return None
    training, validation, test, early_training, early_validation, early_test = wanted
    at_end = gaps(training, validation)
    rise = None
    if validation.loss is not None and early_validation.loss is not None:
        rise = validation.loss - early_validation.loss
    return Endpoints(
        accuracy=test.acc,
        gap=at_end.acc,
        onset_accuracy=early_test.acc,
        onset_gap=gaps(early_training, early_validation).acc,
        train_acc=training.acc,
        val_acc=validation.acc,
        loss_gap=at_end.loss,
        onset=onset,
        acc_drop=early_validation.acc - validation.acc,
        loss_rise=rise,
        best_epoch=max(rows, key=lambda row: row.val_acc).epoch,
        epochs=len(rows),
        seconds_per_epoch=sum(row.seconds for row in rows) / len(rows),
        parameters=parameters,
        peak_memory_mb=memory_mb,
        measures={
            name: found for name, metric in MEASURED.items() if (found := measure(metric, end, onset_parts)) is not None
        },
    )
