"""The generalization gap."""

from dataclasses import dataclass

from overfitlab.results.measurement import Measurement


@dataclass(frozen=True)
class Gap:
    """By how much validation is worse than training, both in evaluation mode: a positive gap is overfitting."""

    loss: float | None  # nats: validation minus training
    acc: float  # training minus validation, from -1 to 1; likewise:
    balanced_acc: float


def gaps(training: Measurement, validation: Measurement) -> Gap:
    """Return the gap between training and validation images; the loss is None where one of the two is not finite."""
    known = training.loss is not None and validation.loss is not None
    return Gap(
        loss=validation.loss - training.loss if known else None,  # type: ignore[operator]
        acc=training.acc - validation.acc,
        balanced_acc=training.balanced_acc - validation.balanced_acc,
    )
