"""The figures of a study that follow its methods from epoch to epoch: learning curves, and the gap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low

from overfitlab.interop.evidence import Document
from overfitlab.report.marks import CARRIED, DASHED, DOTTED, Axis, Band, Line, Mark, Panel, Remark, Rule, Values
from overfitlab.report.scales import around, axis
from overfitlab.report.study_tables import difference
from overfitlab.stats.design import POINTS
from overfitlab.stats.method_summary import MethodSummary
from overfitlab.study.evidence import Curves
from overfitlab.words.language import ENGLISH, Language

FARTHEST = 4.0  # times the median of the methods' highest losses: a scale goes no higher for the sake of one of them
PADDING = 0.04  # of a scale, above and below
MOST_ACCURATE = 1.02  # the end of a scale of accuracies, with some room beyond 1
DOT = 3.5  # points
REQUIRED = ("train_loss", "val_loss", "train_acc", "val_acc")


@dataclass(frozen=True)
class Drawn:
    """One of a method's curves, and how it is drawn: its values times `unit` are those of the axis."""

    curves: Curves
    name: str
    label: str
    color: str
    key: str
    unit: float = 1.0

    @property
    def mean(self) -> Values:
        """The mean over the seeds in each epoch."""
        return tuple(None if value is None else self.unit * value for value in self.curves.curve(self.name).mean)

    @property
    def deviation(self) -> Values:
        """The standard deviation over the seeds."""
        return tuple(None if value is None else self.unit * value for value in self.curves.curve(self.name).deviation)


def learning_curves(evidence: Document, say: Language = ENGLISH) -> list[Panel]:
    """Return two panels for each method: loss and accuracy over the epochs, training and validation on one axis."""
    found = []
    scales = {metric: axis(*_common_scale(evidence, f"train_{metric}", f"val_{metric}")) for metric in ("loss", "acc")}
    for each in evidence.methods:
        curves, name = evidence.curves[each.method], str(say.method(each.label))
        last = {column: curves.curve(column).mean[-1] for column in REQUIRED} if curves.runs else {}
        known = {column: value for column, value in last.items() if value is not None}
        if len(known) < len(REQUIRED):
            continue
        for metric, word, digits in (("loss", say("loss"), 2), ("acc", say("accuracy"), 3)):
            train, val = f"train_{metric}", f"val_{metric}"
            alternative = say(
                "{metric} of {name} over {epochs} epochs, means of {n} seeds: after the last epoch training is at "
                "{train}, validation at {val}; {onset}.",
                metric=word, name=name, epochs=len(curves.epochs), n=curves.runs, train=f"{known[train]:.{digits}f}",
                val=f"{known[val]:.{digits}f}", onset=onset_words(each, say),
            )  # fmt: skip
            lines = (Drawn(curves, train, say("training"), "train", train),
                     Drawn(curves, val, say("validation"), "val", val))  # fmt: skip
            y = scales[metric]
            found.append(
                Panel(
                    title=f"{name}: {word}", alternative=alternative, x=_epochs(lines, say), y=y,
                    marks=_curve_marks(lines, each, y, say), key=f"{each.method}:{metric}",
                )
            )  # fmt: skip
    return found


def gap_curves(evidence: Document, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: its gap in accuracy over the epochs, beside that of the baseline, in points."""
    found = []
    low, high = _common_scale(evidence, "gap")
    y = axis(POINTS * low, POINTS * high, say("gap, points"))
    for each, curves, base, name in _beside_baseline(evidence, say):
        own = Drawn(curves, "gap", name, "other" if base is None else "method", each.method, POINTS)
        first, last = own.mean[0], own.mean[-1]
        alternative = say(
            "Generalization gap of {name} over the epochs, mean of {n} seeds: {first} points after the first epoch, "
            "{last} after the last.",
            name=name, n=curves.runs, first=f"{first:.1f}", last=f"{last:.1f}",
        )  # fmt: skip
        lines = [own]
        if base is not None:
            lines.insert(0, Drawn(base, "gap", baseline_name(evidence, say), "other", evidence.baseline, POINTS))
        marks = (Rule(at=0.0, axis="y", color="soft"), *_curve_marks(lines, each, y, say))
        found.append(
            Panel(title=name, alternative=alternative, x=_epochs(lines, say), y=y, marks=marks, key=each.method)
        )
    return found


def equal_fit(evidence: Document, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method but the baseline: validation against training accuracy, epoch by epoch."""
    found = []
    low, _ = _common_scale(evidence, "train_acc", "val_acc")
    x = axis(low, MOST_ACCURATE, say("training accuracy"))
    y = axis(low, MOST_ACCURATE, say("validation accuracy"))
    for each, curves, base, name in _beside_baseline(evidence, say):
        if base is None:
            continue
        baseline = baseline_name(evidence, say)
        fit = next((contrast.equal_fit for contrast in evidence.contrasts
                    if (contrast.method, contrast.against) == (each.method, evidence.baseline)), None)  # fmt: skip
        words = say("the two never fit the training images equally well")
        if fit is not None:
            words = say(
                "at the best fit that both reach, its gap is {difference} points beside that of {baseline}, n = {n}",
                difference=difference(fit.mean), baseline=baseline, n=fit.n,
            )  # fmt: skip
        alternative = say(
            "Validation accuracy against training accuracy of {name}, from epoch to epoch: {words}.",
            name=name, words=words,
        )  # fmt: skip
        lines = [
            Line(x=line.train_acc.mean, y=line.val_acc.mean, color=color, marker=DOT, label=label, key=method)
            for line, label, color, method in (
                (base, baseline, "other", evidence.baseline),
                (curves, name, "method", each.method),
            )
        ]
        diagonal = Line(x=(low, 1.0), y=(low, 1.0), color="soft", dash=DASHED, width=1.0, label=say("no gap"))
        found.append(Panel(title=name, alternative=alternative, x=x, y=y, marks=(*lines, diagonal), key=each.method))
    return found


def baseline_name(evidence: Document, say: Language) -> str:
    """Return how the baseline is called."""
    return str(say.method(evidence.label(evidence.baseline)))


def onset_words(method: MethodSummary, say: Language) -> str:
    """Return when overfitting began, in words."""
    without, runs = method.without_onset, method.finished
    if method.onset is None or without == runs:
        return say("validation loss was lowest in the last epoch, so overfitting has not begun")
    epoch = f"{method.onset.mean:.1f}"
    if without:
        return say("the onset of overfitting lies at epoch {onset}, and it has not begun in {without} of {runs} runs",
                   onset=epoch, without=without, runs=runs)  # fmt: skip
    return say("the onset of overfitting lies at epoch {onset}", onset=epoch)


def _beside_baseline(evidence: Document, say: Language) -> list[tuple[MethodSummary, Curves, Curves | None, str]]:
    """Return each method that has curves, with them, those of the baseline (None for itself), and its name."""
    base = evidence.curves[evidence.baseline]
    found = []
    for each in evidence.methods:
        curves = evidence.curves[each.method]
        if curves.runs and curves.epochs and None not in curves.gap.mean:
            other = each.method != evidence.baseline and base.runs and base.epochs and None not in base.gap.mean
            found.append((each, curves, base if other else None, str(say.method(each.label))))
    return found


def _common_scale(evidence: Document, *names: str) -> tuple[float, float]:
    """Return the ends of one scale for those curves of all methods, so that panels can be compared by eye.

    A loss that grows without end does not press those of the other methods flat: it leaves the scale, and that is said.
    """
    ranges = []
    for curves in evidence.curves.values():
        values = [bound for name in names for bound in _bounds(curves, name)]
        if values:
            ranges.append((min(values), max(values)))
    if not ranges:
        return 0.0, 1.0
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if "val_loss" in names:
        high = min(high, FARTHEST * median_low(high for _, high in ranges))
    return around((low, high), PADDING)


def _bounds(curves: Curves, name: str) -> list[float]:
    """Return the ends of the band around each point of a curve."""
    known = zip(curves.curve(name).mean, curves.curve(name).deviation, strict=True)
    return [mean + sign * (deviation or 0.0) for mean, deviation in known if mean is not None for sign in (-1, 1)]


def _epochs(lines: Sequence[Drawn], say: Language) -> Axis:
    return axis(0.5, max(len(line.curves.epochs) for line in lines) + 0.5, say("epoch"), whole=True)


def _curve_marks(lines: Sequence[Drawn], method: MethodSummary, y: Axis, say: Language) -> tuple[Mark, ...]:
    """Return curves with their bands, and the onset of the method; the legend says what of it leaves the scale."""
    found: list[Mark] = [*map(_band, lines), *(mark for line in lines for mark in _line(line))]
    if any(None not in line.deviation for line in lines):
        note = say("band: ±1 SD over {n} seeds", n=lines[-1].curves.runs)
        found.append(Band(x=(), low=(), high=(), color="soft", opacity=0.25, label=note))
    if any(stopped(line.curves) < len(line.curves.epochs) for line in lines):
        found.append(Line(x=(), y=(), color="soft", dash=CARRIED, label=say("carried forward after a stop")))
    found.append(_onset(method, say))
    highest = max(_known(value for line in lines for value in line.mean))
    if highest > y.high:
        found.append(Remark(label=say("off the scale, up to {value}", value=f"{highest:.3g}")))
    return tuple(found)


def _band(line: Drawn) -> Band:
    """Return what lies within one standard deviation of the mean; there is none where one of them is not known."""
    epochs = tuple(map(float, line.curves.epochs)) if None not in line.deviation else ()
    points = [(mean, deviation) for _, mean, deviation in zip(epochs, line.mean, line.deviation, strict=False)]
    low, high = (
        tuple(None if mean is None or deviation is None else mean + sign * deviation for mean, deviation in points)
        for sign in (-1, 1)
    )
    return Band(x=epochs, low=low, high=high, color=line.color, key=f"{line.key}:band")


def _line(line: Drawn) -> list[Mark]:
    """Return a curve, dashed where the last values of runs that were stopped are carried forward."""
    epochs, mean = tuple(map(float, line.curves.epochs)), line.mean
    end, marker = stopped(line.curves), DOT if len(epochs) == 1 else 0.0  # a line through one point is invisible
    found: list[Mark] = [
        Line(x=epochs[:end], y=mean[:end], color=line.color, marker=marker, label=line.label, key=line.key)
    ]
    if end < len(epochs):
        first = max(end - 1, 0)
        key = f"{line.key}:carried"
        found.append(Line(x=epochs[first:], y=mean[first:], color=line.color, dash=CARRIED, key=key))
    return found


def _onset(method: MethodSummary, say: Language) -> Mark:
    """Return the mean onset; a remark alone where validation loss was lowest in the last epoch of every run."""
    without, runs = method.without_onset, method.finished
    if method.onset is None or without == runs:
        return Remark(label=say("no onset yet"), key="onset")
    onset = method.onset.mean
    label = say("onset: epoch {epoch}", epoch=f"{round(onset, 1):g}")
    if without:
        label = say("{onset} (not in {without} of {runs})", onset=label, without=without, runs=runs)
    return Rule(at=onset, axis="x", color="soft", width=1.2, dash=DOTTED, label=label, key="onset")


def stopped(curves: Curves) -> int:
    """Return how many epochs all runs trained."""
    return next((k for k, n in enumerate(curves.training) if n < curves.runs), len(curves.training))


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
