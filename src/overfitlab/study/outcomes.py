"""From the folders of a study's runs to outcomes: what a verdict is computed from."""

from collections.abc import Sequence

from overfitlab.errors import DamagedError, UsageError
from overfitlab.records import probabilities
from overfitlab.records.run_folder import PROBABILITIES, StoredRun
from overfitlab.records.run_record import DIVERGED, FINISHED, OwnRunRecord
from overfitlab.records.study_folder import StudyFolder
from overfitlab.results.outcome import Conditions, Endpoints, Outcome, endpoints
from overfitlab.results.predictions import Predicted

RECORDED = ("overfitlab", "python", "processor", "torch", "numpy", "scikit-learn")  # of machine and packages


def outcomes(
    folder: StudyFolder, stored: Sequence[StoredRun], metric: str = "accuracy", *, with_images: bool = True
) -> list[Outcome]:
    """Return the runs that have ended, with what they say of their test images where that is wanted.

    Raises `DamagedError` where a run lacks what was measured, or its predictions are damaged, and `UsageError` where it
    is of before the metric was measured.
    """
    return [
        _outcome(folder, run, run.record.own(), metric, with_images=with_images)
        for run in stored
        if run.record.status in (FINISHED, DIVERGED)
    ]


def _outcome(folder: StudyFolder, run: StoredRun, record: OwnRunRecord, metric: str, *, with_images: bool) -> Outcome:
    end = _endpoints(run, record) if record.status == FINISHED else None
    predicted = predicted_for_test(folder, run.name, record.files.get(PROBABILITIES)) if end and with_images else None
    lacking = end is not None and metric != "accuracy" and metric not in end.measures
    if lacking and metric != "loss":
        raise _of_before(run, metric)
    if lacking:
        end = None  # a loss that is not finite is worse than any number: such a run counts as diverged
    elif metric == "loss" and predicted is not None and predicted.losses is None:
        raise _of_before(run, metric)
    return Outcome(
        method=record.config.method,
        seed=record.config.seed,
        name=run.name,
        end=end,
        rows=run.rows,
        stopped_early=end is not None and len(run.rows) < record.config.protocol.epochs,
        conditions=conditions(record),
        correct=None if predicted is None else predicted.correct,
        labels=None if predicted is None else predicted.labels,
        classes=None if predicted is None else predicted.classes,
        losses=None if predicted is None else predicted.losses,
    )


def _of_before(run: StoredRun, metric: str) -> UsageError:
    return UsageError(
        "run_of_before_the_metric",
        "the run {run} was trained by a version that did not store what --metric {metric} needs; move its folder "
        "away, and train it again",
        run=run.name, metric=metric,
    )  # fmt: skip


def _endpoints(run: StoredRun, record: OwnRunRecord) -> Endpoints:
    result = record.result
    found = None
    if result is not None and result.measured.end and result.measured.onset:
        found = endpoints(
            result.measured.end, result.measured.onset, run.rows, result.onset, record.network.parameters.total,
            record.times.peak_memory_mb,
        )  # fmt: skip
    if found is None:
        raise DamagedError(
            "run_was_not_measured",
            "the run {run} is damaged: its record lacks what was measured; move its folder away, and the study's "
            "command trains it again",
            run=run.name,
        )
    return found


def predicted_for_test(folder: StudyFolder, name: str, sha256: str | None) -> Predicted | None:
    """Return what a run says of the test images, None where the file is missing.

    Raises `DamagedError` where it is damaged.
    """
    path = folder.run(name) / PROBABILITIES
    return probabilities.read(path, ("test",), sha256)["test"] if path.is_file() else None


def conditions(record: OwnRunRecord) -> Conditions:
    """Return what a run was computed with: more than one value where it changed between two sittings."""
    resolved = record.resolved
    found = {name: {str(getattr(resolved, name))} for name in ("precision", "threads", "device", "kernels")}
    for environment in (record.environment, *(each.changed for each in record.resumed)):
        for name in RECORDED:
            if name in environment:
                found.setdefault(name, set()).add(str(environment[name]))
    return {name: frozenset(values) for name, values in found.items()}
