"""From logged runs to what a verdict is computed from: an outcome for each, and rows an epoch for the curves."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from overfitlab.errors import DataError, UsageError
from overfitlab.interop.cells import Row, number
from overfitlab.interop.choosing import Chosen, column_of, gap_columns, scale_of
from overfitlab.interop.columns import LOGGED, TEST, TRAIN, VALIDATION, metric_of
from overfitlab.interop.runs import LoggedRun
from overfitlab.results.history import EpochRow
from overfitlab.results.metric import BY_NAME, Measure
from overfitlab.results.outcome import Endpoints, Outcome

END, BEST = WHENS = ("end", "best")
# the images that the best epoch was picked on: those it is judged by, others, or some that the log does not name
ON_JUDGED, ON_VALIDATION, UNSAID = "judged", "validation", "unsaid"
BEST_WORDS, END_WORDS = ("best",), ("end", "last", "final")
UNKNOWN = math.nan


@dataclass(frozen=True)
class Measured:
    """The outcomes of all runs, in the order of the logs, and what was found on the way."""

    outcomes: list[Outcome]
    drawn: list[Outcome]  # with training as it was logged where nothing was measured in evaluation mode
    shares: tuple[list[float], list[float]]  # that were judged, and of validation in the gap
    has_gap: bool
    gap_columns: tuple[str, str] | None  # training and validation, of the first run
    as_logged: bool  # whether training curves are running means
    percent: bool
    epochs: tuple[int, int]  # fewest and most of a run; 0 where there are no histories
    picked_on: tuple[str, ...]  # the images on which best epochs were picked, of any run; empty for the end


def measured(
    runs: Sequence[LoggedRun], seeds: Sequence[int], what: Chosen, when: str, given: Mapping[str, str]
) -> Measured:
    """Return what was measured of a metric in runs with those seeds, at the `end` or at the `best` epoch.

    Raises `DataError` where some columns hold percent and others shares, and for a run without a value.
    """
    _refuse_mixture(runs, when)
    gaps = gap_columns(runs, what.kind, given) if what.kind else None
    scale = scale_of(runs, what.columns, is_loss=what.is_loss)
    scales = (1.0, 1.0)
    if gaps is not None:
        train, validation = ([pair[side] for pair in gaps] for side in (0, 1))
        scales = (scale_of(runs, train, is_loss=what.is_loss), scale_of(runs, validation, is_loss=what.is_loss))
    accuracies = {part: _scale_of_part(runs, part) for part in (LOGGED, TRAIN, VALIDATION)}
    outcomes, drawn = [], []
    picked_on: set[str] = set()
    shares: tuple[list[float], list[float]] = ([], [])
    for place, (run, seed) in enumerate(zip(runs, seeds, strict=True)):
        reader = _Reader(run, what, what.columns[place], scale, None if gaps is None else gaps[place], scales)
        evaluated = None if gaps is None else (what.kind, gaps[place][0], scales[0])
        rows = _rows(run, accuracies, TRAIN, evaluated)
        end = reader.endpoints(when, rows)
        if when == BEST and end is not None:
            picked_on.add(reader.picked_on(rows))
        known = end is not None and end.of(what.metric)
        if known and not what.is_loss:
            shares[0].append(known.test)
            if reader.last_validation is not None:
                shares[1].append(reader.last_validation)
        name = f"{run.method}, {run.seed if run.seed is not None else seed}: {run.source}"
        outcomes.append(Outcome(run.method, seed, name, end, rows))
        drawn.append(Outcome(run.method, seed, name, end, _rows(run, accuracies, LOGGED) if gaps is None else rows))
    lengths = [len(run.rows) for run in runs if run.is_history]
    as_logged = gaps is None and any(row.train_acc is not None or row.train_loss is not None
                                     for each in drawn for row in each.rows)  # fmt: skip
    return Measured(outcomes, drawn, shares, gaps is not None, gaps[0] if gaps else None, as_logged, scale != 1.0,
                    (min(lengths), max(lengths)) if lengths else (0, 0), tuple(sorted(picked_on)))  # fmt: skip


def _refuse_mixture(runs: Sequence[LoggedRun], when: str) -> None:
    """Raise where a column says that runs cannot be compared, or not as was asked for.

    Some numbers are of the best epoch and others of the last, or they were measured on different images.
    """
    words = {run.said("when").lower() for run in runs} - {""}
    kinds = {BEST if word in BEST_WORDS else END for word in words if word in (*BEST_WORDS, *END_WORDS)}
    if len(kinds) > 1:
        raise DataError("end_and_best_mixed", "some runs report the last epoch and others the best one, which "
                                              "cannot be compared")  # fmt: skip
    if kinds and kinds != {when}:
        raise UsageError("log_says_when", "the log says that its numbers are of the {found} epoch: --when {found}",
                         found=kinds.pop())  # fmt: skip
    for role in ("data",):
        said = {run.said(role) for run in runs}
        if len(said) > 1:
            raise different_images(said)


def different_images(said: Collection[str]) -> DataError:
    """Return the error for runs that were measured on different images, or different numbers of them."""
    return DataError(
        "different_test_sets",
        "the runs were measured on different images ({names}), so they cannot be compared; judge each by itself",
        names=", ".join(sorted(said)[:5]),
    )


def _scale_of_part(runs: Sequence[LoggedRun], part: str) -> float:
    having = [(run, column) for run in runs if (column := column_of(run, part, "accuracy"))]
    try:
        return scale_of([run for run, _ in having], [column for _, column in having], is_loss=False) if having else 1.0
    except DataError:  # of a column that is only drawn
        return math.nan


def _rows(
    run: LoggedRun, scales: Mapping[str, float], training: str, evaluated: tuple[str, str, float] | None = None
) -> list[EpochRow]:
    """Return the epochs of a history for its curves; a number that is not there is NaN.

    `evaluated` is the kind, column and scale of the training metric that a gap was measured with.
    """
    if not run.is_history:
        return []
    columns = {
        (part, kind): column_of(run, part, kind)
        for part in (LOGGED, TRAIN, VALIDATION) for kind in ("loss", "accuracy")
    }  # fmt: skip
    factors = {(part, kind): scales[part] if kind == "accuracy" else 1.0 for part, kind in columns}
    if evaluated is not None and (training, evaluated[0]) in columns:
        columns[training, evaluated[0]], factors[training, evaluated[0]] = evaluated[1:]

    def value(row: Row, part: str, kind: str) -> float:
        column = columns[part, kind]
        found = None if column is None else number(row.get(column))
        return UNKNOWN if found is None else found * factors[part, kind]

    def known(row: Row, part: str, kind: str) -> float | None:
        found = value(row, part, kind)
        return None if math.isnan(found) else found

    seconds = run.roles.get("seconds")
    return [
        EpochRow(
            place, (number(row.get(seconds)) or 0.0) if seconds else 0.0,
            value(row, LOGGED, "loss"), value(row, LOGGED, "accuracy"),
            value(row, VALIDATION, "loss"), value(row, VALIDATION, "accuracy"),
            known(row, training, "loss"), known(row, training, "accuracy"),
        )
        for place, row in enumerate(run.rows, 1)
    ]  # fmt: skip


class _Reader:
    """Reads the numbers of one run."""

    def __init__(
        self, run: LoggedRun, what: Chosen, column: str, scale: float, gap: tuple[str, str] | None,
        scales: tuple[float, float],
    ) -> None:  # fmt: skip
        self._run, self._what, self._gap, self._metric = run, what, gap, BY_NAME[what.metric]
        self._column = column
        self._values = [_scaled(value, scale) for value in run.values(column)]
        self._sides = None if gap is None else [
            [_scaled(value, factor) for value in run.values(name)]
            for name, factor in zip(gap, scales, strict=True)
        ]  # fmt: skip
        self.last_validation: float | None = None

    def endpoints(self, when: str, rows: Sequence[EpochRow]) -> Endpoints | None:
        """Return what the run amounts to; None where it diverged."""
        run = self._run
        if run.diverged:
            return None
        place = self._place(when, rows)
        value = None if place is None else self._at(self._values, place)
        if value is None or place is None:
            raise DataError("run_without_a_value", "{run} has no value of {metric}; leave it out, or train it to "
                                                   "the end",
                            run=f"{run.method}, {run.source}", metric=self._what.columns[0])  # fmt: skip
        if not math.isfinite(value) or (rows and math.isinf(rows[-1].val_loss)):
            return None
        gap, train = self._gap_at(place)
        onset = self._onset(rows)
        early = None if onset is None else self._at(self._values, onset)
        early_gap = None if onset is None else self._gap_at(onset)[0]
        accuracies = [row.val_acc for row in rows if math.isfinite(row.val_acc)]
        last = rows[place] if rows else None
        seconds = [row.seconds for row in rows if row.seconds > 0]
        return Endpoints(
            accuracy=None, gap=None, onset_accuracy=None, onset_gap=None,
            train_acc=train if self._what.kind == "accuracy" else None,
            val_acc=_finite(None if last is None else last.val_acc),
            loss_gap=None, onset=None if onset is None else onset + 1,
            acc_drop=_finite(rows[onset].val_acc - last.val_acc if onset is not None and last else None),
            loss_rise=_finite(last.val_loss - rows[onset].val_loss if onset is not None and last else None),
            best_epoch=1 + [row.val_acc for row in rows].index(max(accuracies)) if accuracies else None,
            epochs=max(len(rows), 1),
            seconds_per_epoch=sum(seconds) / len(seconds) if seconds else None,
            parameters=None, peak_memory_mb=None,
            measures={self._what.metric: Measure(value, gap, early, early_gap)},
        )  # fmt: skip

    def _place(self, when: str, rows: Sequence[EpochRow]) -> int | None:
        """Return the row that counts: the last one with a value, or the one that is best on validation images."""
        there = [place for place, value in enumerate(self._values) if value is not None]
        if not there or not self._run.is_history or when == END:
            return there[-1] if there else None
        judged, smaller, _ = self._picked_by(rows)
        known = [(place, value) for place, value in enumerate(judged) if value is not None and math.isfinite(value)]
        if not known:
            return there[-1]
        return min(known, key=lambda each: each[1] if smaller else -each[1])[0]

    def _picked_by(self, rows: Sequence[EpochRow]) -> tuple[Sequence[float | None], bool, str]:
        """Return the values that pick the best epoch, whether smaller ones are better, and whose images they are."""
        if self._what.part == TEST:
            for values, smaller in (([row.val_acc for row in rows], False), ([row.val_loss for row in rows], True)):
                known = [_finite(each) for each in values]
                if any(each is not None for each in known):
                    return known, smaller, ON_VALIDATION
        return self._values, self._what.smaller_is_better, ON_JUDGED

    def picked_on(self, rows: Sequence[EpochRow]) -> str:
        """Return the images on which the best epoch was picked, here or by who logged one value alone."""
        if self._what.part == VALIDATION:
            return ON_JUDGED
        known = metric_of(self._column)
        if sum(value is not None for value in self._values) < 2 or (known is not None and known.best):
            return UNSAID
        return self._picked_by(rows)[2]

    def _at(self, values: Sequence[float | None], place: int) -> float | None:
        """Return the value at a row; where tests were rarer than epochs, the next one after it, else the last."""
        return next((each for each in values[place:] if each is not None),
                    next((each for each in reversed(values[:place]) if each is not None), None))  # fmt: skip

    def _gap_at(self, place: int) -> tuple[float | None, float | None]:
        if self._sides is None:
            return None, None
        training, validation = (self._at(side, place) for side in self._sides)
        if training is None or validation is None or not math.isfinite(training - validation):
            return None, None
        self.last_validation = validation
        sign = -1 if self._metric.smaller_is_better else 1
        return sign * (training - validation), training

    def _onset(self, rows: Sequence[EpochRow]) -> int | None:
        known = [(row.val_loss, place) for place, row in enumerate(rows) if math.isfinite(row.val_loss)]
        return min(known)[1] if known else None


def _scaled(value: float | None, scale: float) -> float | None:
    """Return a share of percent without the noise of dividing, which would look like digits that were measured."""
    return value if value is None or scale == 1.0 or not math.isfinite(value) else round(scale * value, 12)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
