"""From the runs of a study to the evidence: curves, calibration, confusion, and images on which methods disagree."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from statistics import mean, stdev

import msgspec
import numpy as np
from numpy.typing import NDArray

from overfitlab.data.loading import SOURCES
from overfitlab.errors import DamagedError
from overfitlab.records.data_record import DataRecord
from overfitlab.records.study_folder import StudyFolder
from overfitlab.records.study_record import StudyRecord
from overfitlab.results.outcome import Outcome
from overfitlab.results.predictions import Predicted
from overfitlab.stats.calibration import calibration
from overfitlab.stats.classification import confusion_matrix, top_confusions
from overfitlab.stats.disagreement import Opinions, most_disputed
from overfitlab.stats.method_summary import Spread
from overfitlab.stats.verdict import Verdict
from overfitlab.study.ahead import undecided
from overfitlab.study.evidence import (
    OWN,
    Bin,
    Curve,
    Curves,
    DisputedImage,
    Evidence,
    MethodCalibration,
    MethodPredictions,
    Mistaken,
    Opinion,
    Power,
)
from overfitlab.study.outcomes import predicted_for_test
from overfitlab.study.plan import power

MOST_CLASSES = 110  # of a confusion matrix that is kept whole: more are no figure
CONFUSIONS = 5  # most frequent mistakes that are named
DISPUTED = 12  # images on which methods disagree
LARGEST = 1e100  # a loss above that is as good as infinite
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")  # columns of a history


def gathered(
    folder: StudyFolder,
    record: StudyRecord,
    verdict: Verdict,
    ended: Sequence[Outcome],
    checksums: Mapping[str, str],
    *,
    with_predictions: bool = True,
    known_power: Power | None = None,
) -> Evidence:
    """Return the document, from the runs of the current look that have ended.

    `checksums` has the SHA-256 of the predictions by the name of their run. Without predictions, which take long to
    read, there is nothing of what the networks say of single images. `known_power` is the plan's, if known.

    Raises `DamagedError` where a run's predictions are damaged.
    """
    config, plan = record.config, record.plan
    by_method = {
        method: [each for each in ended if each.method == method and each.end is not None] for method in config.methods
    }
    predicted = {
        method: _test_predictions(folder, runs, checksums) if with_predictions else []
        for method, runs in by_method.items()
    }
    _refuse_other_images(predicted)
    classes = len(record.data.classes)
    return Evidence(
        **{entry.name: getattr(verdict, entry.name) for entry in fields(verdict)},
        study_id=record.id,
        reference=_reference(record.command, verdict.study),
        status=record.status,
        command=record.command,
        seed_numbers=tuple(range(config.first_seed, config.first_seed + verdict.seeds)),
        asked=config,
        plan=plan,
        power=known_power or power(config, plan),
        data=public_data(record.data),
        precision=tuple(sorted({value for each in ended for value in each.conditions["precision"]})),
        producer=record.producer,
        environment=record.environment,
        sessions=record.sessions,
        notes=record.notes,
        failures=record.failures,
        curves={method: curves(runs, plan.protocol.epochs) for method, runs in by_method.items()},
        predictions={method: test_answers([each for _, each in predicted[method]], classes) for method in by_method},
        ahead=tuple(undecided(verdict, record)),
        disputed=_disputed(predicted, verdict.baseline),
    )


def public_data(record: DataRecord) -> DataRecord:
    """Return the data without the folders of whoever trained: a report is passed on."""
    source = record.source if record.source in SOURCES else OWN
    groups = None if record.groups is None else msgspec.structs.replace(record.groups, source="")
    return msgspec.structs.replace(record, origin="", data_dir=None, source=source, groups=groups)


def _reference(command: str, name: str) -> str:
    """Return how to name the study on the command line: its name below `runs/`, or the folder as it was typed."""
    try:
        words = shlex.split(command)
    except ValueError:
        return name
    for word, after in pairwise([*words, ""]):
        if word == "--out":
            return after
        if word.startswith("--out="):
            return word.removeprefix("--out=")
    return name


def curves(runs: Sequence[Outcome], epochs: int) -> Curves:
    """Return means and standard deviations over the seeds for each epoch, and how many runs still trained in it.

    The last row of a run that its method stopped is carried forward, so that no curve changes because a run is gone.
    """
    longest = max((len(run.rows) for run in runs), default=0)
    numbers = np.arange(1, (epochs if longest else 0) + 1)
    lengths = np.array([len(run.rows) for run in runs], dtype=np.int64)
    values = np.empty((len(CURVES), len(runs), len(numbers)))
    for place, run in enumerate(runs if longest else ()):
        rows = np.array([[_number(getattr(row, name)) for name in CURVES] for row in run.rows])
        values[:, place] = rows[np.minimum(numbers, len(rows)) - 1].T
    train_loss, val_loss, train_acc, val_acc = values
    return Curves(
        runs=len(runs),
        epochs=tuple(numbers.tolist()),
        training=tuple((lengths[:, None] >= numbers).sum(0).tolist()),
        train_loss=_over_runs(train_loss),
        val_loss=_over_runs(val_loss),
        train_acc=_over_runs(train_acc),
        val_acc=_over_runs(val_acc),
        gap=_over_runs(train_acc - val_acc),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None or not abs(value) < LARGEST else value


def _over_runs(values: NDArray[np.float64]) -> Curve:
    """Return the curve of values [runs, epochs]; NaN stands for what is not known."""
    known = ~np.isnan(values)
    count = known.sum(0)
    mean = np.where(known, values, 0.0).sum(0) / np.maximum(count, 1)
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(0)
    highest = np.where(known, values, -np.inf).max(0, initial=-np.inf)
    equal = highest == np.where(known, values, np.inf).min(0, initial=np.inf)
    deviation = np.where(equal, 0.0, np.sqrt(squares / np.maximum(count - 1, 1)))
    return Curve(
        tuple(value if n else None for value, n in zip(mean.tolist(), count.tolist(), strict=True)),
        tuple(value if n > 1 else None for value, n in zip(deviation.tolist(), count.tolist(), strict=True)),
    )


Predictions = list[tuple[Outcome, Predicted]]


def _test_predictions(folder: StudyFolder, runs: Sequence[Outcome], checksums: Mapping[str, str]) -> Predictions:
    """Return what each run says of the test images; those whose file is missing are left out."""
    found = []
    for run in runs:
        predicted = predicted_for_test(folder, run.name, checksums.get(run.name) or None)
        if predicted is not None:
            found.append((run, predicted))
    return found


def _refuse_other_images(predicted: Mapping[str, Predictions]) -> None:
    found = [each for of_method in predicted.values() for _, each in of_method]
    for each in found:
        if not (np.array_equal(each.rows, found[0].rows) and np.array_equal(each.labels, found[0].labels)):
            raise DamagedError(
                "predictions_of_other_images",
                "the predictions of this study are not all of the same images; one file is damaged",
            )


def test_answers(found: Sequence[Predicted], classes: int) -> MethodPredictions:
    """Return what the networks of a method say of the test images: calibration and confusion, all seeds together."""
    if any(each.probabilities.shape[1] != classes for each in found):
        raise DamagedError(
            "predictions_of_other_classes",
            "the predictions of this study are of other classes than its record; one file is damaged",
        )
    if not found:
        return MethodPredictions(0, None, None, ())
    confusion: NDArray[np.int64] = sum(  # type: ignore[assignment]
        confusion_matrix(each.labels, each.classes, classes) for each in found
    )
    return MethodPredictions(
        runs=len(found),
        calibration=_calibration(found),
        confusion=tuple(map(tuple, confusion.tolist())) if classes <= MOST_CLASSES else None,
        top_confusions=tuple(
            Mistaken(each.true, each.predicted, each.share) for each in top_confusions(confusion, CONFUSIONS)
        ),
    )


def _calibration(found: Sequence[Predicted]) -> MethodCalibration:
    each = [
        calibration(one.probabilities.astype(np.float64), one.labels, predicted=one.classes).expected_error
        for one in found
    ]
    together = calibration(
        np.concatenate([one.probabilities for one in found]).astype(np.float64),
        np.concatenate([one.labels for one in found]),
        predicted=np.concatenate([one.classes for one in found]),
    )
    return MethodCalibration(
        expected_error=Spread(mean(each), stdev(each) if len(each) > 1 else None),
        mean_confidence=together.mean_confidence,
        accuracy=int(together.correct.sum()) / int(together.images.sum()),
        bins=tuple(
            Bin(
                low=float(together.edges[k]),
                high=float(together.edges[k + 1]),
                images=int(together.images[k]),
                confidence=float(together.confidence[k]),
                accuracy=float(together.accuracy[k]),
            )
            for k in np.flatnonzero(together.images)
        ),
    )


def _disputed(predicted: Mapping[str, Predictions], baseline: str) -> tuple[DisputedImage, ...]:
    """Return the test images on which the methods disagree most, and what each method takes them for."""
    opinions = {method: Opinions.of([one for _, one in found]) for method, found in predicted.items() if found}
    rows = {method: found[0][1] for method, found in predicted.items() if found}
    return tuple(
        DisputedImage(
            row=int(rows[baseline].rows[number]),
            label=int(rows[baseline].labels[number]),
            opinions={
                method: Opinion(
                    runs=each.runs,
                    right=int(each.right[number]),
                    taken_for=int(each.mistake[number]),
                    votes=int(each.votes[number]),
                )
                for method, each in opinions.items()
            },
        )
        for number in most_disputed(opinions, baseline, DISPUTED)
    )
