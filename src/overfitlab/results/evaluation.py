"""The numbers of an evaluation, as `evaluation.json` and `evaluate --json` hold them."""

import msgspec


class DataSeen(msgspec.Struct, frozen=True):
    """Whose images were evaluated."""

    name: str
    sha256: str  # of images and labels


class Mistaken(msgspec.Struct, frozen=True):
    """So many images of one class were taken for another."""

    true: str
    predicted: str
    images: int
    share: float  # of all images of class `true`


class ClassNumbers(msgspec.Struct, frozen=True, rename={"name": "class"}):
    """How one class fares; a rate is None where there is nothing to divide by."""

    name: str
    images: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class CalibrationBins(msgspec.Struct, frozen=True):
    """Accuracy against confidence, B bins; None where a bin is empty."""

    edges: list[float]  # [B + 1]
    images: list[int]  # [B]
    confidence: list[float | None]  # [B], means
    accuracy: list[float | None]  # [B]


class EvaluationNumbers(msgspec.Struct, frozen=True):
    """All numbers of an evaluation but the images' own probabilities; its fields stand in the order of the file's."""

    run: str  # its id
    run_folder: str
    method: str
    data: DataSeen
    part: str  # "test", "validation", "training"; "all" of other data
    precision: str
    images: int
    unreadable: int  # files that were left out
    correct: int
    accuracy: float
    accuracy_interval: list[float]  # low and high; Wilson's, 95 %
    balanced_accuracy: float
    loss: float  # mean cross-entropy, nats
    brier: float
    ece: float
    mean_confidence: float
    confusions: list[Mistaken]
    classes: list[ClassNumbers]
    confusion: list[list[int]]  # [K, K]
    calibration: CalibrationBins
