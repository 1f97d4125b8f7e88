"""From the runs of a study to its verdict."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import mean, stdev
from typing import Any

import numpy as np

from overfitlab.config import StudyConfig
from overfitlab.errors import OverfitlabError
from overfitlab.records import probabilities
from overfitlab.records.index import Entry
from overfitlab.records.run_folder import DIVERGED, FINISHED, PROBABILITIES
from overfitlab.records.study_folder import StudyFolder
from overfitlab.results.history import EpochRow
from overfitlab.results.predictions import Predicted
from overfitlab.stats import paired
from overfitlab.stats.crossed import Crossed, crossed
from overfitlab.stats.endpoints import Endpoints, endpoints
from overfitlab.stats.equal_fit import difference_at_equal_fit
from overfitlab.stats.verdict import HARMS, HELPS, Diverged, Finding, Paired, findings
from overfitlab.study.conditions import Conditions, conditions, differing

POINTS = 100  # of a fraction
CAN_BE_UNKNOWN = {"onset", "peak_memory_mb"}
# No verdict before the end, nor what a reader could make one of: who looks again and again finds what is not there.
NOT_YET: Mapping[str, Any] = dict.fromkeys(
    ("word", "p", "p_adjusted", "p_equivalence", "p_equivalence_adjusted", "p_sign_flip")
) | {"disagreement": False}
LARGEST = 1e15  # a greater number is damage
FEW_TEST_IMAGES = 2000  # below that the interval with image noise is the headline


@dataclass(frozen=True)
class Outcome:
    """One run of a study that has ended."""

    method: str
    seed: int
    name: str  # of its folder
    end: Endpoints | None  # None where it diverged
    rows: Sequence[EpochRow]
    stopped_early: bool  # by its method
    conditions: Conditions = field(default_factory=dict)  # under which it was trained
    checksums: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of its files, by name


@dataclass(frozen=True)
class Spread:
    """A mean over seeds, and their standard deviation (None for one seed)."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class MethodSummary:
    """What one method did, over its finished runs; accuracies and gaps in percent and points."""

    method: str
    label: str
    finished: int
    diverged: int
    missing: int  # of the runs that were planned: failed, or not there yet
    stopped_early: int
    accuracy: Spread | None
    gap: Spread | None
    train_acc: Spread | None
    val_acc: Spread | None
    onset: Spread | None  # epoch, over the runs in which something came after it
    without_onset: int  # the others, whose validation loss was lowest in the last epoch: nothing has come after it
    damage_acc: Spread | None
    damage_loss: Spread | None  # nats
    best_epoch: Spread | None
    seconds_per_epoch: Spread | None
    epochs: Spread | None
    parameters: int | None
    peak_memory_mb: int | None


@dataclass(frozen=True)
class EqualFit:
    """The difference in gap, in points, when both methods fitted the training images equally well."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Judged:
    """One contrast: a method and what it is compared with."""

    method: str
    against: str
    label: str
    against_label: str
    accuracy: Finding
    gap: Finding
    onset_accuracy: Finding  # the same at the epoch of lowest validation loss: early stopping for both
    onset_gap: Finding
    fit: float | None  # training accuracy at the end, in points: method minus against
    equal_fit: EqualFit | None
    time_ratio: float | None  # seconds of an epoch: method / against, the median over the pairs
    time_quartiles: tuple[float, float] | None  # between which the middle half of the pairs lies
    missing: int  # pairs that were planned and are not there


@dataclass(frozen=True)
class Verdict:
    """Everything that a study says; `provisional` while runs of the current look are missing."""

    study: str
    seeds: int  # of this look
    look: int  # from 1
    looks: tuple[int, ...]
    alpha: float  # of this look
    accuracy_zone: float
    gap_zone: float
    provisional: bool
    test_images: int
    baseline: str
    methods: tuple[MethodSummary, ...]
    contrasts: tuple[Judged, ...]
    recommended: str | None  # method; None while provisional, and where the baseline has no run that finished
    differing: tuple[str, ...]  # what the runs were computed with, where that is not the same in all of them
    image_noise_leads: bool  # so few test images that the interval with their noise is the headline

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values."""
        values = asdict(self)
        if self.provisional:
            for contrast in values["contrasts"]:
                for axis in ("accuracy", "gap", "onset_accuracy", "onset_gap"):
                    contrast[axis] |= NOT_YET
        return values


def outcomes(entries: Sequence[Entry]) -> list[Outcome]:
    """Return the runs that have ended; raises `OverfitlabError` where a record lacks what has to be there."""
    return [_outcome(entry) for entry in entries if entry.record["status"] in (FINISHED, DIVERGED)]


def _outcome(entry: Entry) -> Outcome:
    config, finished = entry.record["config"], entry.record["status"] == FINISHED
    try:
        end = endpoints(entry.record, entry.rows) if finished else None
        early = finished and len(entry.rows) < config["protocol"]["epochs"]
        numbers = asdict(end) if end else {}
        unknown = {name for name, value in numbers.items() if value is None}
        sound = unknown <= CAN_BE_UNKNOWN and all(
            abs(value) < LARGEST for value in numbers.values() if value is not None
        )
        if not sound or not isinstance(config["method"], str):
            raise ValueError
        seed, files = int(config["seed"]), {str(name): str(value) for name, value in entry.record["files"].items()}
        return Outcome(config["method"], seed, entry.name, end, entry.rows, early, conditions(entry.record), files)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise OverfitlabError(
            f"the run {entry.name} is damaged: its record lacks what was measured; move its folder away, and the "
            "study's command trains it again"
        ) from None


def judge(
    folder: StudyFolder,
    config: StudyConfig,
    labels: dict[str, str],
    entries: Sequence[Entry],
    *,
    looks: tuple[int, ...],
    look: int,
    alpha: float,
    failed: int = 0,
) -> Verdict:
    """Return the verdict of a study at its `look`, from 1, from the runs that have ended; `failed` ones never will."""
    wanted = range(config.first_seed, config.first_seed + looks[look - 1])
    ended = [outcome for outcome in outcomes(entries) if outcome.seed in wanted]
    by_run = {(outcome.method, outcome.seed): outcome for outcome in ended}
    pairs = [_pairs(by_run, contrast, wanted) for contrast in config.contrasts]
    correct = _Correct(folder)
    test_images = next((len(of) for outcome in ended if outcome.end and (of := correct.of(outcome)) is not None), 0)
    diverged = [
        Diverged(*(sum((run := by_run.get((method, seed))) is not None and run.end is None for seed in wanted)
                   for method in contrast))
        for contrast in config.contrasts
    ]  # fmt: skip

    def axis(value: Callable[[Endpoints], float], zone: float, *, smaller: bool, with_images: bool) -> list[Finding]:
        measured = [_differences(each, value, correct if with_images else None) for each in pairs]
        return findings(measured, zone, smaller_is_better=smaller, alpha=alpha, diverged=diverged)

    accuracy = axis(lambda end: end.accuracy, config.accuracy_zone, smaller=False, with_images=True)
    gap = axis(lambda end: end.gap, config.gap_zone, smaller=True, with_images=False)
    onset_accuracy = axis(lambda end: end.onset_accuracy, config.accuracy_zone, smaller=False, with_images=False)
    onset_gap = axis(lambda end: end.onset_gap, config.gap_zone, smaller=True, with_images=False)
    judged = tuple(
        Judged(
            method,
            against,
            labels[method],
            labels[against],
            accuracy[index],
            gap[index],
            onset_accuracy[index],
            onset_gap[index],
            _fit(pairs[index]),
            _equal_fit(pairs[index]),
            *_time_ratio(pairs[index]),
            len(wanted) - len(pairs[index]),
        )
        for index, (method, against) in enumerate(config.contrasts)
    )
    summaries = tuple(_summary(method, labels[method], by_run, wanted) for method in config.methods)
    provisional = len(ended) + failed < len(wanted) * len(config.methods)
    return Verdict(
        study=folder.path.absolute().name,
        seeds=len(wanted),
        look=look,
        looks=looks,
        alpha=alpha,
        accuracy_zone=config.accuracy_zone,
        gap_zone=config.gap_zone,
        provisional=provisional,
        test_images=test_images,
        baseline=config.methods[0],
        methods=summaries,
        contrasts=judged,
        recommended=None if provisional or not summaries[0].finished else recommended(config.methods[0], judged),
        differing=differing(outcome.conditions for outcome in ended),
        image_noise_leads=0 < test_images < FEW_TEST_IMAGES,
    )


def recommended(baseline: str, contrasts: Sequence[Judged]) -> str:
    """Return the method to take, going by the contrasts with the baseline.

    The most accurate of those that generalize better; where none does, the one with the smallest gap of those that
    overfit less without generalizing worse; else the baseline, because nothing was shown to be better.
    """
    with_baseline = [each for each in contrasts if each.against == baseline]
    better = [each for each in with_baseline if each.accuracy.word == HELPS]
    if better:
        return max(better, key=lambda each: each.accuracy.mean or 0).method
    calmer = [each for each in with_baseline if each.gap.word == HELPS and each.accuracy.word != HARMS]
    if calmer:
        return min(calmer, key=lambda each: each.gap.mean or 0).method
    return baseline


Pairs = list[tuple[int, Outcome, Outcome]]


def _pairs(by_run: dict[tuple[str, int], Outcome], contrast: tuple[str, str], seeds: Sequence[int]) -> Pairs:
    """Return the seeds at which both runs have finished, with them."""
    found = []
    for seed in seeds:
        one, other = (by_run.get((method, seed)) for method in contrast)
        if one is not None and other is not None and one.end is not None and other.end is not None:
            found.append((seed, one, other))
    return found


def _differences(pairs: Pairs, value: Callable[[Endpoints], float], correct: "_Correct | None") -> Paired:
    differences = []
    for _, one, other in pairs:
        assert one.end is not None  # noqa: S101 - only finished runs are paired
        assert other.end is not None  # noqa: S101
        # rounded far below a single image, so that equal accuracies differ by exactly nothing
        differences.append(round(POINTS * (value(one.end) - value(other.end)), 9))
    found = None
    if correct is not None and len(pairs) > 1:
        found = correct.crossed(pairs)
    return Paired(tuple(differences), tuple(seed for seed, *_ in pairs), found)


def predicted_for_test(folder: StudyFolder, outcome: Outcome) -> Predicted | None:
    """Return what a run says of the test images, None where the file is missing.

    Raises `OverfitlabError` where it is damaged.
    """
    path = folder.run(outcome.name) / PROBABILITIES
    if not path.is_file():
        return None
    return probabilities.read(path, ("test",), outcome.checksums.get(PROBABILITIES))["test"]


class _Correct:
    """Which test images each run classified rightly, read from its folder once."""

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._known: dict[str, Any] = {}

    def of(self, outcome: Outcome) -> Any:
        """Return whether each test image [N] is right; None where the file is missing."""
        if outcome.name not in self._known:
            found = predicted_for_test(self._folder, outcome)
            self._known[outcome.name] = None if found is None else found.correct
        return self._known[outcome.name]

    def crossed(self, pairs: Pairs) -> Crossed | None:
        """Return the interval with image noise of paired runs on the same test images, in points."""
        both = [(self.of(one), self.of(other)) for _, one, other in pairs]
        if (
            any(one is None or other is None for one, other in both)
            or len({len(each) for two in both for each in two}) > 1
        ):
            return None
        differences = np.array([one.astype(np.float64) - other for one, other in both])
        return crossed(POINTS * differences)


def _fit(pairs: Pairs) -> float | None:
    found = [one.end.train_acc - other.end.train_acc for _, one, other in pairs if one.end and other.end]
    return POINTS * mean(found) if found else None


def _equal_fit(pairs: Pairs) -> EqualFit | None:
    found = [difference_at_equal_fit(one.rows, other.rows) for _, one, other in pairs]
    known = [POINTS * each for each in found if each is not None]
    if not known:
        return None
    estimate = paired.estimate(known)
    low, high = (None if math.isnan(bound) else float(bound) for bound in (estimate.low, estimate.high))
    return EqualFit(len(known), float(estimate.mean), low, high)


def _time_ratio(pairs: Pairs) -> tuple[float | None, tuple[float, float] | None]:
    """Return the median ratio of the seconds of an epoch, and the quartiles."""
    seconds = [
        (one.end.seconds_per_epoch, other.end.seconds_per_epoch) for _, one, other in pairs if one.end and other.end
    ]
    # a history of a stranger may say that it took no time
    ratios = [one / other for one, other in seconds if one < LARGEST * other]
    if not ratios:
        return None, None
    low, middle, high = map(float, np.quantile(ratios, (0.25, 0.5, 0.75)))
    return middle, (low, high)


def _summary(method: str, label: str, by_run: dict[tuple[str, int], Outcome], seeds: Sequence[int]) -> MethodSummary:
    ended = [by_run[method, seed] for seed in seeds if (method, seed) in by_run]
    ends = [outcome.end for outcome in ended if outcome.end is not None]

    def spread(value: Callable[[Endpoints], float | None], scale: float = 1) -> Spread | None:
        values = [scale * found for end in ends if (found := value(end)) is not None]
        return Spread(mean(values), stdev(values) if len(values) > 1 else None) if values else None

    memory = [end.peak_memory_mb for end in ends if end.peak_memory_mb is not None]
    return MethodSummary(
        method=method,
        label=label,
        finished=len(ends),
        diverged=len(ended) - len(ends),
        missing=len(seeds) - len(ended),
        stopped_early=sum(outcome.stopped_early for outcome in ended),
        accuracy=spread(lambda end: end.accuracy, POINTS),
        gap=spread(lambda end: end.gap, POINTS),
        train_acc=spread(lambda end: end.train_acc, POINTS),
        val_acc=spread(lambda end: end.val_acc, POINTS),
        onset=spread(lambda end: None if end.onset == end.epochs else end.onset),
        without_onset=sum(end.onset == end.epochs for end in ends),
        damage_acc=spread(lambda end: end.damage_acc, POINTS),
        damage_loss=spread(lambda end: end.damage_loss),
        best_epoch=spread(lambda end: end.best_epoch),
        seconds_per_epoch=spread(lambda end: end.seconds_per_epoch),
        epochs=spread(lambda end: end.epochs),
        parameters=ends[0].parameters if ends else None,
        peak_memory_mb=max(memory) if memory else None,
    )
