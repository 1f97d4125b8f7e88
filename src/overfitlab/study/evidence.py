"""Everything that a report of a study shows, as one document of plain JSON values.

It begins with the verdict; what follows are the numbers behind it: who trained what, the curves, what the networks say
of the test images. A report is made from this document alone, so that every number on it can be found here.
"""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab._version import __version__
from overfitlab.config import StudyConfig
from overfitlab.data.loading import SOURCES
from overfitlab.errors import OverfitlabError
from overfitlab.files import display_name
from overfitlab.records.study_folder import StudyFolder
from overfitlab.results.history import EpochRow
from overfitlab.results.predictions import Predicted
from overfitlab.stats.calibration import calibration
from overfitlab.stats.classification import confusion_matrix, top_confusions
from overfitlab.stats.disagreement import Opinions, most_disputed
from overfitlab.study.judging import Outcome, Verdict, predicted_for_test
from overfitlab.study.plan import StudyPlan, power

FORMAT = 1
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")
MOST_CLASSES = 110  # of a confusion matrix that is kept whole: more are no figure
CONFUSIONS = 5  # most frequent mistakes that are named
DISPUTED = 12  # images on which methods disagree
PRIVATE = ("origin", "data_dir", "source")  # folders of whoever trained it: a report is passed on
OWN = "own"  # images that are no published set


def evidence(
    folder: StudyFolder,
    record: Mapping[str, Any],
    config: StudyConfig,
    plan: StudyPlan,
    verdict: Verdict,
    ended: Sequence[Outcome],
) -> dict[str, Any]:
    """Return the document, from the runs of the current look that have ended.

    Raises `OverfitlabError` where a run's predictions are damaged.
    """
    by_method = {
        method: [each for each in ended if each.method == method and each.end is not None] for method in config.methods
    }
    predicted = {method: _test_predictions(folder, runs) for method, runs in by_method.items()}
    _refuse_other_images(predicted)
    classes = len(record["data"]["classes"])
    return {
        **verdict.as_dict(),
        "report": {"format": FORMAT, "made_with": __version__},
        "study_id": record["id"],
        "reference": _reference(record["command"], verdict.study),
        "status": record["status"],
        "command": record["command"],
        "seed_numbers": list(range(config.first_seed, config.first_seed + verdict.seeds)),
        "asked": config.as_dict(),
        "plan": record["plan"] | {"protocol": asdict(plan.protocol)},  # with what older records leave out
        "power": _power(config, plan),
        "data": _data(record["data"]),
        "precision": sorted({value for each in ended for value in each.conditions["precision"]}),
        "environment": record["environment"],
        "sessions": record["sessions"],
        "notes": [display_name(note) for note in record["notes"]],
        "failures": {
            name: failure | {"reason": display_name(failure["reason"])} for name, failure in record["failures"].items()
        },
        "curves": {method: curves(runs, plan.protocol.epochs) for method, runs in by_method.items()},
        "predictions": {
            method: _predictions([each for _, each in predicted[method]], classes) for method in config.methods
        },
        "disputed": _disputed(predicted, verdict.baseline),
    }


def _data(record: Mapping[str, Any]) -> dict[str, Any]:
    public = {name: value for name, value in record.items() if name not in PRIVATE}
    return public | {"source": record["source"] if record["source"] in SOURCES else OWN}


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


def _power(config: StudyConfig, plan: StudyPlan) -> dict[str, Any]:
    found = power(config, plan)
    return found | {"differ": [{"points": size, "chance": chance} for size, chance in found["differ"].items()]}


def curves(runs: Sequence[Outcome], epochs: int) -> dict[str, Any]:
    """Return means and standard deviations over the seeds for each epoch, and how many runs still trained in it.

    The last row of a run that its method stopped is carried forward, so that no curve changes because a run is gone.
    """
    longest = max((len(run.rows) for run in runs), default=0)
    numbers = range(1, (epochs if longest else 0) + 1)
    found: dict[str, Any] = {
        "runs": len(runs),
        "epochs": list(numbers),
        "training": [sum(len(run.rows) >= epoch for run in runs) for epoch in numbers],
    }
    for name in CURVES:
        found[name] = _over_epochs(runs, numbers, lambda row, name=name: getattr(row, name))  # type: ignore[misc]
    found["gap"] = _over_epochs(runs, numbers, _gap)
    return found


def _gap(row: EpochRow) -> float | None:
    return None if row.train_acc is None else row.train_acc - row.val_acc


def _over_epochs(
    runs: Sequence[Outcome], epochs: Sequence[int], value: Callable[[EpochRow], float | None]
) -> dict[str, list[float | None]]:
    means: list[float | None] = []
    deviations: list[float | None] = []
    for epoch in epochs:
        values = [value(run.rows[min(epoch, len(run.rows)) - 1]) for run in runs]
        known = [each for each in values if each is not None and math.isfinite(each)]
        means.append(mean(known) if known else None)
        deviations.append(stdev(known) if len(known) > 1 else None)
    return {"mean": means, "deviation": deviations}


Predictions = list[tuple[Outcome, Predicted]]


def _test_predictions(folder: StudyFolder, runs: Sequence[Outcome]) -> Predictions:
    """Return what each run says of the test images; those whose file is missing are left out."""
    found = []
    for run in runs:
        predicted = predicted_for_test(folder, run)
        if predicted is not None:
            found.append((run, predicted))
    return found


def _refuse_other_images(predicted: Mapping[str, Predictions]) -> None:
    found = [each for of_method in predicted.values() for _, each in of_method]
    for each in found:
        if not (np.array_equal(each.rows, found[0].rows) and np.array_equal(each.labels, found[0].labels)):
            raise OverfitlabError("the predictions of this study are not all of the same images; one is damaged")


def _predictions(found: Sequence[Predicted], classes: int) -> dict[str, Any]:
    """Return what the networks of a method say of the test images: calibration and confusion, all seeds together."""
    if any(each.probabilities.shape[1] != classes for each in found):
        raise OverfitlabError("the predictions of this study are of other classes than its record; one is damaged")
    if not found:
        return {"runs": 0, "calibration": None, "confusion": None, "top_confusions": []}
    confusion: NDArray[np.int64] = sum(  # type: ignore[assignment]
        confusion_matrix(each.labels, each.classes, classes) for each in found
    )
    return {
        "runs": len(found),
        "calibration": _calibration(found),
        "confusion": confusion.tolist() if classes <= MOST_CLASSES else None,
        "top_confusions": [
            {"true": each.true, "predicted": each.predicted, "share": each.share}
            for each in top_confusions(confusion, CONFUSIONS)
        ],
    }


def _calibration(found: Sequence[Predicted]) -> dict[str, Any]:
    each = [
        calibration(one.probabilities.astype(np.float64), one.labels, predicted=one.classes).expected_error
        for one in found
    ]
    together = calibration(
        np.concatenate([one.probabilities for one in found]).astype(np.float64),
        np.concatenate([one.labels for one in found]),
        predicted=np.concatenate([one.classes for one in found]),
    )
    some = np.flatnonzero(together.images)
    return {
        "expected_error": {"mean": mean(each), "deviation": stdev(each) if len(each) > 1 else None},
        "mean_confidence": together.mean_confidence,
        "accuracy": int(together.correct.sum()) / int(together.images.sum()),
        "bins": [
            {
                "low": float(together.edges[k]),
                "high": float(together.edges[k + 1]),
                "images": int(together.images[k]),
                "confidence": float(together.confidence[k]),
                "accuracy": float(together.accuracy[k]),
            }
            for k in some
        ],
    }


def _disputed(predicted: Mapping[str, Predictions], baseline: str) -> list[dict[str, Any]]:
    """Return the test images on which the methods disagree most, and what each method takes them for."""
    opinions = {method: Opinions.of([one for _, one in found]) for method, found in predicted.items() if found}
    rows = {method: found[0][1] for method, found in predicted.items() if found}
    return [
        {
            "row": int(rows[baseline].rows[number]),  # of the data set
            "label": int(rows[baseline].labels[number]),
            "opinions": {
                method: {
                    "runs": each.runs,
                    "right": int(each.right[number]),
                    "taken_for": int(each.mistake[number]),
                    "votes": int(each.votes[number]),
                }
                for method, each in opinions.items()
            },
        }
        for number in most_disputed(opinions, baseline, DISPUTED)
    ]
