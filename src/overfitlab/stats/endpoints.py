"""What one run amounts to: the numbers that a study compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overfitlab.results.gap import gaps
from overfitlab.results.history import EpochRow

Measured = Mapping[str, Mapping[str, Mapping[str, float]]]  # "end" or "onset" -> part -> what was measured


@dataclass(frozen=True)
class Endpoints:
    """The outcome of one finished run; accuracies are fractions from 0 to 1, losses nats.

    "End" stands for the weights that the method hands over after all epochs, "onset" for those of the epoch with the
    lowest validation loss. A gap is training minus validation accuracy, both in evaluation mode.
    """

    accuracy: float  # of the test images, at the end
    gap: float  # at the end
    onset_accuracy: float
    onset_gap: float
    train_acc: float  # at the end
    val_acc: float
    loss_gap: float  # validation minus training loss, at the end
    onset: int | None  # epoch
    damage_acc: float  # validation accuracy at the onset less that at the end: what overfitting cost
    damage_loss: float  # validation loss at the end less that at the onset
    best_epoch: int  # with the highest validation accuracy
    epochs: int  # that were trained
    seconds_per_epoch: float  # training and validation
    parameters: int
    peak_memory_mb: int | None


def endpoints(record: Mapping[str, Any], rows: Sequence[EpochRow]) -> Endpoints:
    """Return the endpoints of a finished run, from its record and history.

    Raises `KeyError` where the run did not measure what a comparison needs: training, validation and test images.
    """
    result = record["result"]
    measured: Measured = result["measured"]
    end, onset = measured["end"], measured["onset"]
    at_end = gaps(end["training"], end["validation"])
    return Endpoints(
        accuracy=end["test"]["acc"],
        gap=at_end["acc"],
        onset_accuracy=onset["test"]["acc"],
        onset_gap=gaps(onset["training"], onset["validation"])["acc"],
        train_acc=end["training"]["acc"],
        val_acc=end["validation"]["acc"],
        loss_gap=at_end["loss"],
        onset=result["onset"],
        damage_acc=onset["validation"]["acc"] - end["validation"]["acc"],
        damage_loss=end["validation"]["loss"] - onset["validation"]["loss"],
        best_epoch=max(rows, key=lambda row: row.val_acc).epoch,
        epochs=len(rows),
        seconds_per_epoch=sum(row.seconds for row in rows) / len(rows),
        parameters=record["network"]["parameters"]["total"],
        peak_memory_mb=record["times"]["peak_memory_mb"],
    )
