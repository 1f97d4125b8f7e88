"""The figures of a study that follow its methods from epoch to epoch: learning curves, and the gap."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median_low
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from overfitlab.report.lettering import legible
from overfitlab.report.palette import light
from overfitlab.report.panels import TICKS, Panel
from overfitlab.report.study_tables import difference
from overfitlab.stats.verdict import MethodSummary
from overfitlab.study.evidence import Curves, Evidence
from overfitlab.words.language import ENGLISH, Language

Json = Mapping[str, Any]
LONGEST_LABEL = 44  # letters of a method
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")
CARRIED = (0, (2, 1.5))  # dashes
FARTHEST = 4.0  # times the median of the methods' highest losses: a scale goes no higher for the sake of one of them
PADDING = 0.04  # of a scale, above and below

Scale = tuple[float, float]


def learning_curves(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return two panels for each method: loss and accuracy over the epochs, training and validation on one axis."""
    found = []
    scales = {metric: _common_scale(evidence, f"train_{metric}", f"val_{metric}") for metric in ("loss", "acc")}
    for each in evidence.methods:
        curves, name = evidence.curves[each.method], say.method(each.label)
        if not curves.runs or any(curves.curve(name).mean[-1] is None for name in CURVES):
            continue
        for metric, word, digits in (("loss", say("loss"), 2), ("acc", say("accuracy"), 3)):
            train, val = f"train_{metric}", f"val_{metric}"
            alternative = say(
                "{metric} of {name} over {epochs} epochs, means of {n} seeds: after the last epoch training is at "
                "{train}, validation at {val}; {onset}.",
                metric=word, name=name, epochs=len(curves.epochs), n=curves.runs,
                train=f"{curves.curve(train).mean[-1]:.{digits}f}", val=f"{curves.curve(val).mean[-1]:.{digits}f}",
                onset=_onset_words(each, say),
            )  # fmt: skip
            lines = ((curves, train, say("training"), "train"), (curves, val, say("validation"), "val"))
            found.append(Panel(f"{name}: {word}", _curves_drawn(lines, each, scales[metric], say), alternative))
    return found


def gap_curves(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: its gap in accuracy over the epochs, beside that of the baseline."""
    found = []
    scale = _common_scale(evidence, "gap")
    for each, curves, base, name in _beside_baseline(evidence, say):
        gap = curves.gap.mean
        alternative = say(
            "Generalization gap of {name} over the epochs, mean of {n} seeds: {first} points after the first epoch, "
            "{last} after the last.",
            name=name, n=curves.runs, first=f"{100 * gap[0]:.1f}", last=f"{100 * gap[-1]:.1f}",
        )  # fmt: skip
        lines = [(curves, "gap", name, "other" if base is None else "method")]
        if base is not None:
            lines.insert(0, (base, "gap", baseline_name(evidence, say), "other"))
        draw = _curves_drawn(lines, each, scale, say, share=True)
        found.append(Panel(name, draw, alternative))
    return found


def equal_fit(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method but the baseline: validation against training accuracy, epoch by epoch."""
    found = []
    low, _ = _common_scale(evidence, "train_acc", "val_acc")
    for each, curves, base, name in _beside_baseline(evidence, say):
        if base is None:
            continue
        known = [contrast for contrast in evidence.contrasts
                 if (contrast.method, contrast.against) == (each.method, evidence.baseline)]  # fmt: skip
        fit = known[0].equal_fit if known else None
        words = say("the two never fit the training images equally well")
        if fit is not None:
            words = say(
                "at the best fit that both reach, its gap is {difference} points beside that of {baseline}, n = {n}",
                difference=difference(fit.mean), baseline=baseline_name(evidence, say), n=fit.n,
            )  # fmt: skip
        alternative = say(
            "Validation accuracy against training accuracy of {name}, from epoch to epoch: {words}.",
            name=name, words=words,
        )  # fmt: skip
        found.append(Panel(name, _fit_drawn(curves, base, (name, baseline_name(evidence, say)), low, say), alternative))
    return found


def baseline_name(evidence: Evidence, say: Language) -> str:
    """Return how the baseline is called."""
    [label] = [each.label for each in evidence.methods if each.method == evidence.baseline]
    return say.method(label)


def _beside_baseline(evidence: Evidence, say: Language) -> list[tuple[MethodSummary, Curves, Curves | None, str]]:
    """Return each method that has curves, with them, those of the baseline (None for itself), and its name."""
    base = evidence.curves[evidence.baseline]
    found = []
    for each in evidence.methods:
        curves = evidence.curves[each.method]
        if curves.runs and None not in curves.gap.mean:
            other = each.method != evidence.baseline and base.runs and None not in base.gap.mean
            found.append((each, curves, base if other else None, str(say.method(each.label))))
    return found


def _common_scale(evidence: Evidence, *names: str) -> Scale:
    """Return the ends of one scale for those curves of all methods, so that panels can be compared by eye.

    A loss that grows without end does not press those of the other methods flat: it leaves the scale, and that is said.
    """
    lows, highs = [], []
    for curves in evidence.curves.values():
        values = [bound for name in names for bound in _bounds(curves, name)]
        if values:
            lows.append(min(values))
            highs.append(max(values))
    if not highs:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    if "val_loss" in names:
        high = min(high, FARTHEST * median_low(highs))
    padding = PADDING * (high - low) or PADDING
    return low - padding, high + padding


def _bounds(curves: Curves, name: str) -> list[float]:
    """Return the ends of the band around each point of a curve."""
    known = zip(curves.curve(name).mean, curves.curve(name).deviation, strict=True)
    return [mean + sign * (deviation or 0.0) for mean, deviation in known if mean is not None for sign in (-1, 1)]


def _curves_drawn(
    lines: Sequence[tuple[Curves, str, str, str]], method: MethodSummary, scale: Scale, say: Language, *,
    share: bool = False,
) -> Callable[[Axes], None]:  # fmt: skip
    """Draw lines, given as curves, which of them, label and colour; and the onset of the method."""
    highest = max(mean for curves, name, *_ in lines for mean in curves.curve(name).mean if mean is not None)

    def draw(axes: Axes) -> None:
        for curves, name, label, color in lines:
            _line(axes, curves, name, legible(label, LONGEST_LABEL), light(color))
        epochs = max(len(curves.epochs) for curves, *_ in lines)
        if any(None not in curves.curve(name).deviation for curves, name, *_ in lines):
            note = say("band: ±1 SD over {n} seeds", n=lines[-1][0].runs)
            axes.fill_between([], [], color=light("soft"), alpha=0.25, linewidth=0, label=note)
        if any(_stopped(curves) < len(curves.epochs) for curves, *_ in lines):
            axes.plot([], [], color=light("soft"), linestyle=CARRIED, label=say("carried forward after a stop"))
        _mark_onset(axes, method, say)
        if highest > scale[1]:
            axes.plot([], [], " ", label=say("leaves the scale, up to {value}", value=f"{highest:.3g}"))
        axes.set_ylim(*scale)
        axes.set_xlabel(say("epoch"))
        axes.set_xlim(0.5, epochs + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True, min_n_ticks=1))
        if share:
            axes.axhline(0, color=light("soft"), linewidth=0.8)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
            axes.set_ylabel(say("gap, points"))

    return draw


def _mark_onset(axes: Axes, method: MethodSummary, say: Language) -> None:
    """Draw the mean onset; none where validation loss was lowest in the last epoch of every run."""
    without, runs = method.without_onset, method.finished
    if method.onset is None or without == runs:
        axes.plot([], [], " ", label=say("no onset yet"))
        return
    onset = method.onset.mean
    label = say("onset: epoch {epoch}", epoch=f"{onset:.1f}")
    if without:
        label = say("{onset} (not in {without} of {runs})", onset=label, without=without, runs=runs)
    axes.axvline(onset, color=light("soft"), linestyle=":", linewidth=1.2, label=label)


def _onset_words(method: MethodSummary, say: Language) -> str:
    without, runs = method.without_onset, method.finished
    if method.onset is None or without == runs:
        return say("validation loss was lowest in the last epoch, so overfitting has not begun")
    epoch = f"{method.onset.mean:.1f}"
    if without:
        return say("the onset of overfitting lies at epoch {onset}, and it has not begun in {without} of {runs} runs",
                   onset=epoch, without=without, runs=runs)  # fmt: skip
    return say("the onset of overfitting lies at epoch {onset}", onset=epoch)


def _line(axes: Axes, curves: Curves, name: str, label: str, color: str) -> None:
    epochs, stopped = np.array(curves.epochs), _stopped(curves)
    mean = np.array(curves.curve(name).mean, dtype=float)
    marker = "o" if len(epochs) == 1 else ""  # a line through one point is invisible
    axes.plot(epochs[:stopped], mean[:stopped], label=label, color=color, marker=marker)
    if stopped < len(epochs):  # from where runs were stopped, their last values are carried forward
        first = max(stopped - 1, 0)
        axes.plot(epochs[first:], mean[first:], color=color, linestyle=CARRIED)
    if None not in curves.curve(name).deviation:
        deviation = np.array(curves.curve(name).deviation, dtype=float)
        axes.fill_between(epochs, mean - deviation, mean + deviation, color=color, alpha=0.2, linewidth=0)


def _stopped(curves: Curves) -> int:
    """Return how many epochs all runs trained."""
    return next((k for k, n in enumerate(curves.training) if n < curves.runs), len(curves.training))


def _fit_drawn(
    curves: Curves, base: Curves, names: tuple[str, str], low: float, say: Language
) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        for line, name, color in ((base, names[1], "other"), (curves, names[0], "method")):
            train, val = line.train_acc.mean, line.val_acc.mean
            label = legible(name, LONGEST_LABEL)
            axes.plot(train, val, color=light(color), marker="o", markersize=2.5, label=label)
        axes.plot([low, 1], [low, 1], color=light("soft"), linestyle=(0, (3, 2)), linewidth=1, label=say("no gap"))
        axes.set_xlim(low, 1.02)
        axes.set_ylim(low, 1.02)
        axes.set_xlabel(say("training accuracy"))
        axes.set_ylabel(say("validation accuracy"))

    return draw
