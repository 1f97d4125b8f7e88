"""What one history, or those of several seeds, says of overfitting: since when, how sure that is, and what it cost.

Pure: numbers in, values out. The noise of a single curve is that of its second differences; docs/diagnose.md has the
rules, and how often they are right on generated curves whose truth is known.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray

from overfitlab.stats import student

Floats = NDArray[np.float64]
OVERFITTING, NOT_YET, UNDERFITTING, DIVERGED = "overfitting", "not_yet", "underfitting", "diverged"
UNSTABLE, TOO_SHORT, TOO_NOISY = "unstable", "too_short", "too_noisy"
STATES = (OVERFITTING, NOT_YET, UNDERFITTING, DIVERGED, UNSTABLE, TOO_SHORT, TOO_NOISY)
FEWEST_EPOCHS = 5
SURE = 3.0  # standard deviations of the noise beyond what the lowest of so many epochs is too low by
LEAST_RISE = 0.01  # of the lowest validation loss: less is not worth calling overfitting
EXPLODED = 3.0  # times the first loss
LITTLE_GAP = 0.03  # of accuracy: training is not better than validation by more
GOOD_FIT = 0.95  # training accuracy above which nobody under-fits
SLOW = 0.1  # share of what was learned in all, in the last third: less, and it has stopped learning
NOISY, WILD = 0.15, 0.12  # noise as a share of the range of a curve, and of its level
SMOOTHS = 3  # epochs of a mean at the end
MOSTLY = 0.8  # of the epochs


@dataclass(frozen=True)
class Curves:
    """One history; a metric that was not logged is empty. `loss` and `acc` are running means, `train_` are not."""

    val_loss: Sequence[float] = ()
    val_acc: Sequence[float] = ()
    loss: Sequence[float] = ()
    acc: Sequence[float] = ()
    train_loss: Sequence[float] = ()
    train_acc: Sequence[float] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What one history says. Epochs count from 1; accuracies are shares, losses as they were logged."""

    state: str  # of STATES
    epochs: int
    onset: int | None  # with the lowest validation loss, where overfitting was seen; else None
    onset_low: int | None  # epochs that the noise does not tell from it
    onset_high: int | None
    lowest: int | None  # epoch with the lowest validation loss, whether or not something comes after it
    by: str  # val_loss, or val_acc where no loss was logged
    noise: float | None  # standard deviation of one epoch around the curve
    rise: float | None  # of the validation loss from its lowest to the end
    acc_drop: float | None  # of validation accuracy
    gap: float | None  # training minus validation accuracy at the end
    loss_gap: float | None  # validation minus training loss
    logged: bool | None  # whether the gap is from running means; None without a gap
    validation_better: bool  # than training, in most epochs


@dataclass(frozen=True)
class Diagnoses:
    """What the histories of several seeds say together."""

    state: str  # that most have
    runs: tuple[Diagnosis, ...]
    agreeing: int  # runs in that state
    onset: float | None  # mean over the runs that overfit
    onset_low: float | None  # 95 % interval over seeds; of one run, what its noise allows
    onset_high: float | None


def diagnosed(curves: Curves) -> Diagnosis:
    """Return what one history says; raises `ValueError` where nothing was logged of validation images."""
    by = "val_loss" if len(curves.val_loss) else "val_acc"
    falling = np.asarray(curves.val_loss if by == "val_loss" else [1 - each for each in curves.val_acc], dtype=float)
    if not len(falling):
        raise ValueError("no validation metric")
    n = len(falling)
    training, acc, logged = _training(curves)
    gap, loss_gap = _last_gap(curves, training, acc)
    known = falling[np.isfinite(falling)]
    lowest = int(np.argmin(np.where(np.isfinite(falling), falling, np.inf))) if len(known) else None
    better = _validation_better(curves, acc, training)

    def result(state: str, noise: float | None = None, reach: tuple[int, int] | None = None) -> Diagnosis:
        overfits = state == OVERFITTING and lowest is not None
        end = float(np.mean(falling[-_last(n, lowest) :])) if lowest is not None else math.nan
        rise = None if lowest is None or not math.isfinite(end) else end - float(falling[lowest])
        drop = None
        if len(curves.val_acc) == n and lowest is not None:
            drop = float(curves.val_acc[lowest] - np.mean(curves.val_acc[-_last(n, lowest) :]))
        return Diagnosis(
            state, n, lowest + 1 if overfits and lowest is not None else None,
            reach[0] + 1 if reach and overfits else None, reach[1] + 1 if reach and overfits else None,
            None if lowest is None else lowest + 1, by, noise, rise if by == "val_loss" else None,
            drop if drop is not None and math.isfinite(drop) else None, gap, loss_gap,
            logged if gap is not None or loss_gap is not None else None, better,
        )  # fmt: skip

    if _has_diverged(falling, training, by) or lowest is None:
        return result(DIVERGED)
    if n < FEWEST_EPOCHS:
        return result(TOO_SHORT)
    noise = noise_of(falling)
    level, span = float(np.mean(np.abs(falling))), float(np.ptp(falling))
    wild = span > 0 and noise > NOISY * span
    if wild and noise > WILD * level:
        return result(UNSTABLE, noise)
    lowest_by_luck = noise * math.sqrt(2 * math.log(n))
    after = n - 1 - lowest
    least_rise = LEAST_RISE * abs(float(falling[lowest]))
    reach = _reach(falling, lowest, lowest_by_luck + noise)
    last = falling[lowest + 1 :]
    if after >= 2:
        excess = float(np.median(last[-max(SMOOTHS, len(last) // 3) :])) - float(falling[lowest])
        error = SURE * noise / math.sqrt(min(len(last), SMOOTHS))
        if excess > max(lowest_by_luck + error, least_rise):
            fits_more = not len(training) or float(training[-1]) <= float(training[lowest]) + noise
            return result(OVERFITTING if fits_more else UNSTABLE, noise, reach)
    if _has_stopped(training if len(training) else falling) and _fits_little(acc, curves, gap):
        return result(UNDERFITTING, noise)
    return result(TOO_NOISY if wild else NOT_YET, noise)


def together(runs: Sequence[Diagnosis]) -> Diagnoses:
    """Return what several histories say; raises `ValueError` for none."""
    if not runs:
        raise ValueError("no history")
    counts = Counter(run.state for run in runs)
    state = max(counts, key=lambda each: (counts[each], -STATES.index(each)))
    onsets = [run.onset for run in runs if run.onset is not None]
    if state != OVERFITTING or not onsets:
        return Diagnoses(state, tuple(runs), counts[state], None, None, None)
    if len(onsets) == 1:
        [one] = [run for run in runs if run.onset is not None]
        low, high = (None if bound is None else float(bound) for bound in (one.onset_low, one.onset_high))
        return Diagnoses(state, tuple(runs), counts[state], float(onsets[0]), low, high)
    half = float(student.quantile(0.975, len(onsets) - 1)) * stdev(onsets) / math.sqrt(len(onsets))
    middle = mean(onsets)
    return Diagnoses(state, tuple(runs), counts[state], middle, max(1.0, middle - half), middle + half)


def noise_of(values: Floats) -> float:
    """Return how far one epoch lies from a smooth curve: the median size of second differences, as a deviation.

    Of independent normal noise they have sqrt(6) times its deviation; the median is not moved by a steep beginning.
    """
    second = np.diff(values, 2)
    return float(1.4826 * np.median(np.abs(second - np.median(second))) / math.sqrt(6)) if len(second) else 0.0


def _training(curves: Curves) -> tuple[Floats, Floats, bool]:
    """Return loss and accuracy of training, measured in evaluation mode where that is known."""
    if len(curves.train_loss) or len(curves.train_acc):
        return np.asarray(curves.train_loss, dtype=float), np.asarray(curves.train_acc, dtype=float), False
    return np.asarray(curves.loss, dtype=float), np.asarray(curves.acc, dtype=float), True


def _last_gap(curves: Curves, training: Floats, acc: Floats) -> tuple[float | None, float | None]:
    gap = float(acc[-1] - curves.val_acc[-1]) if len(acc) and len(curves.val_acc) else math.nan
    loss = float(curves.val_loss[-1] - training[-1]) if len(training) and len(curves.val_loss) else math.nan
    return (gap if math.isfinite(gap) else None), (loss if math.isfinite(loss) else None)


def _validation_better(curves: Curves, acc: Floats, training: Floats) -> bool:
    if len(acc) and len(acc) == len(curves.val_acc):
        return float(np.mean(np.asarray(curves.val_acc) > acc)) >= MOSTLY
    if len(training) and len(training) == len(curves.val_loss):
        return float(np.mean(np.asarray(curves.val_loss) < training)) >= MOSTLY
    return False


def _has_diverged(falling: Floats, training: Floats, by: str) -> bool:
    both = [falling, training] if by == "val_loss" else [training]
    if not all(np.isfinite(each).all() for each in (falling, training)):
        return True
    return any(len(each) > 2 and each[-1] > EXPLODED * max(each[0], each[:3].mean()) for each in both) and (
        not len(training) or training[-1] > training[0]
    )


def _last(n: int, lowest: int | None) -> int:
    """Return over how many epochs the end is averaged: none of before the onset."""
    return max(1, min(SMOOTHS, n - 1 - (lowest or 0)))


def _reach(values: Floats, lowest: int, within: float) -> tuple[int, int]:
    """Return the first and the last epoch, around the lowest, that the noise does not tell from it."""
    near = values <= values[lowest] + within
    first = last = lowest
    while first > 0 and near[first - 1]:
        first -= 1
    while last < len(values) - 1 and near[last + 1]:
        last += 1
    return first, last


def _has_stopped(training: Floats) -> bool:
    """Return whether the last third of the epochs brought next to nothing of what was learned in all."""
    third = max(1, len(training) // 3)
    in_all = float(training[0] - training.min())
    late = float(np.mean(training[-2 * third : -third]) - np.mean(training[-third:]))
    return in_all <= 0 or late < SLOW * in_all


def _fits_little(acc: Floats, curves: Curves, gap: float | None) -> bool:
    """Return whether training images are hardly fitted better than validation images, and not well."""
    if len(acc) and gap is not None:
        return gap < LITTLE_GAP and float(acc[-1]) < GOOD_FIT
    if len(curves.loss) and len(curves.val_loss):
        near = abs(curves.val_loss[-1] - curves.loss[-1]) < 0.1 * abs(curves.val_loss[-1])
        return near and curves.loss[-1] > 0.3 * curves.loss[0]
    return False
