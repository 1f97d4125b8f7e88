"""The curves of a study as somebody wants to see them who looks on: while runs are trained, and afterwards.

A mean with its band is that of runs that have ended, so that no curve changes its meaning from epoch to epoch; a run
that is being trained is a thin line of its own, which grows.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from overfitlab.report.curve_figures import onset_words
from overfitlab.report.marks import (
    CARRIED,
    DASHED,
    DOTTED,
    HEIGHT,
    Axis,
    Band,
    Line,
    Mark,
    Panel,
    Remark,
    Rule,
    Values,
)
from overfitlab.report.scales import around, axis
from overfitlab.results.history import EpochRow
from overfitlab.stats.method_summary import MethodSummary
from overfitlab.study.evidence import Curve, Curves, Evidence
from overfitlab.study.watching import Glance
from overfitlab.words.language import Language

METRICS = ("loss", "acc")
MOST_SMOOTHING = 0.95
FARTHEST = 6.0  # times the middle of the highest losses: an axis reaches no higher for the sake of one method
THIN, FAINT = 0.9, 0.55  # points and opacity of a single run
LEAST_LOSS = 1e-4  # on a logarithmic axis
PERCENT = 100.0
LEGEND = 0.09  # inches that a line of the legend adds: the axes keep their size


@dataclass(frozen=True)
class View:
    """What somebody wants to see."""

    metrics: tuple[str, ...] = METRICS
    methods: frozenset[str] | None = None  # None: all
    smoothing: float = 0.0  # weight of the epochs before, from 0 to `MOST_SMOOTHING`
    log: bool = False  # the axis of the loss
    single: bool = False  # a line for each run that has ended, too

    def shows(self, method: str) -> bool:
        """Return whether a method is to be seen."""
        return self.methods is None or method in self.methods


@dataclass(frozen=True)
class _Quantity:
    """What is drawn over the epochs, and where it is found in rows and in curves."""

    curve: str
    label: str
    color: str
    value: Callable[[EpochRow], float | None]
    unit: float = 1.0


@dataclass
class _Seen:
    """What has been drawn of a panel: values that an axis has to hold."""

    values: list[float] = field(default_factory=list)

    def add(self, values: Iterable[float | None]) -> None:
        self.values += [value for value in values if value is not None and math.isfinite(value)]


def live_curves(evidence: Evidence, runs: Sequence[Glance], view: View, say: Language) -> list[Panel]:
    """Return a panel for each method and metric: training and validation over the epochs on one axis."""
    words = {"loss": say("loss"), "acc": say("accuracy")}
    quantities = {
        metric: (
            _Quantity(f"train_{metric}", say("training"), "train", _getter(f"train_{metric}")),
            _Quantity(f"val_{metric}", say("validation"), "val", _getter(f"val_{metric}")),
        )
        for metric in view.metrics
    }
    by_metric = {
        metric: _panels(evidence, runs, view, quantities[metric], metric, words[metric], say) for metric in view.metrics
    }
    count = len(next(iter(by_metric.values()), []))
    return [by_metric[metric][place] for place in range(count) for metric in view.metrics]


def live_gaps(evidence: Evidence, runs: Sequence[Glance], view: View, say: Language) -> list[Panel]:
    """Return a panel for each method: training minus validation accuracy over the epochs, in points."""
    gap = _Quantity("gap", say("gap"), "method", _gap, PERCENT)
    return _panels(evidence, runs, view, (gap,), "gap", say("gap, points"), say)


def _panels(
    evidence: Evidence, runs: Sequence[Glance], view: View, quantities: Sequence[_Quantity], metric: str, word: str,
    say: Language,
) -> list[Panel]:  # fmt: skip
    log = view.log and metric == "loss"
    shown = [each for each in evidence.methods if view.shows(each.method)]
    drawn: dict[str, tuple[list[Mark], _Seen]] = {}
    for each in shown:
        seen = _Seen()
        own = [run for run in runs if run.method == each.method]
        marks = [mark for one in quantities for mark in _marks(evidence.curves[each.method], own, one, view, seen, say)]
        drawn[each.method] = marks, seen
    y = _scale([seen.values for _, seen in drawn.values()], word, metric, log=log)
    x = axis(0.5, evidence.plan.protocol.epochs + 0.5, say("epoch"), whole=True)
    found = []
    for each in shown:
        name, (marks, seen) = str(say.method(each.label)), drawn[each.method]
        own = [run for run in runs if run.method == each.method]
        ground: list[Mark] = [Rule(at=0.0, axis="y", color="soft")] if metric == "gap" else []
        notes = _notes(each, evidence.curves[each.method], own, view, say)
        if seen.values and max(seen.values) > y.high:
            notes.append(Remark(label=say("off the scale, up to {value}", value=f"{max(seen.values):.3g}")))
        found.append(
            Panel(
                title=f"{name}: {word}", alternative=_alternative(each, own, quantities, name, word, say), x=x, y=y,
                marks=(*ground, *marks, *notes), key=f"{each.method}:{metric}",
                height=HEIGHT + LEGEND * sum(bool(mark.label) for mark in (*marks, *notes)),
            )
        )  # fmt: skip
    return found


def _marks(
    curves: Curves, runs: Sequence[Glance], one: _Quantity, view: View, seen: _Seen, say: Language
) -> list[Mark]:
    """Return a curve with its band, and single runs: those that are trained, and the others where that is wanted."""
    found: list[Mark] = []
    epochs = tuple(map(float, curves.epochs))
    if curves.runs:
        curve: Curve = curves.curve(one.curve)
        mean, deviation = _times(curve.mean, one.unit), _times(curve.deviation, one.unit)
        if None not in deviation:
            low, high = _beside(mean, deviation, -1), _beside(mean, deviation, 1)
            found.append(Band(x=epochs, low=low, high=high, color=one.color, key=f"{one.curve}:band"))
            seen.add((*low, *high))
        seen.add(mean)
    for run in runs:
        if run.rows and (view.single or not run.ended):
            values = smoothed(_times([one.value(row) for row in run.rows], one.unit), view.smoothing)
            seen.add(values)
            dot = 2.5 if len(values) == 1 else 0.0
            found.append(Line(x=tuple(float(row.epoch) for row in run.rows), y=values, color=one.color, width=THIN,
                              opacity=FAINT, marker=dot, key=f"{one.curve}:{run.name}"))  # fmt: skip
    if curves.runs:
        if view.smoothing:
            found.append(Line(x=epochs, y=mean, color=one.color, width=THIN, opacity=0.4))
        stopped = next((k for k, n in enumerate(curves.training) if n < curves.runs), len(epochs))
        line, dot = smoothed(mean, view.smoothing), 3.5 if len(epochs) == 1 else 0.0
        found.append(Line(x=epochs[:stopped], y=line[:stopped], color=one.color, marker=dot, label=one.label,
                          key=one.curve))  # fmt: skip
        if stopped < len(epochs):
            first = max(stopped - 1, 0)
            found.append(Line(x=epochs[first:], y=line[first:], color=one.color, dash=CARRIED, key=one.curve,
                              label=say("{name}, carried forward after a stop", name=one.label)))  # fmt: skip
    else:
        found.append(Line(x=(), y=(), color=one.color, width=THIN, label=one.label))
    return found


def _notes(method: MethodSummary, curves: Curves, runs: Sequence[Glance], view: View, say: Language) -> list[Mark]:
    """Return what the legend says besides: what the band is, single runs, smoothing, and the onset."""
    found: list[Mark] = []
    if curves.runs > 1:
        label = say("band: ±1 SD over {n} seeds", n=curves.runs)
        found.append(Band(x=(), low=(), high=(), color="soft", opacity=0.25, label=label))
    elif curves.runs == 1:
        found.append(Remark(label=say("one seed so far, so no band")))
    training = [run for run in runs if not run.ended]
    if view.single and curves.runs:
        found.append(Line(x=(), y=(), color="soft", width=THIN, opacity=FAINT, label=say("thin: single runs")))
    elif training:
        label = say("thin: in training, seed {seeds}", seeds=", ".join(str(run.seed) for run in training))
        found.append(Line(x=(), y=(), color="soft", width=THIN, opacity=FAINT, label=label))
    if view.smoothing and runs:
        label = say("smoothed, weight {weight}; faint: as it is", weight=f"{view.smoothing:g}")
        found.append(Line(x=(), y=(), color="soft", dash=DASHED, width=THIN, label=label))
    found += _onset(method, curves, say)
    return found


def _onset(method: MethodSummary, curves: Curves, say: Language) -> list[Mark]:
    if not curves.runs:
        return []
    if method.onset is None or method.without_onset == method.finished:
        return [Remark(label=say("no onset yet"), key="onset")]
    label = say("onset: epoch {epoch}", epoch=f"{method.onset.mean:.1f}")
    if method.without_onset:
        label = say("{onset} (not in {without} of {runs})", onset=label, without=method.without_onset,
                    runs=method.finished)  # fmt: skip
    return [Rule(at=method.onset.mean, axis="x", color="soft", width=1.2, dash=DOTTED, label=label, key="onset")]


def _alternative(
    method: MethodSummary, runs: Sequence[Glance], quantities: Sequence[_Quantity], name: str, word: str, say: Language
) -> str:
    """Return in words what a panel shows."""
    ended = [run for run in runs if run.ended and run.rows]
    said = []
    if ended:
        values = {one.label: [one.value(run.rows[-1]) for run in ended] for one in quantities}
        known = {label: [each for each in of if each is not None] for label, of in values.items()}
        units = {one.label: one.unit for one in quantities}
        last = ", ".join(f"{label} {units[label] * sum(of) / len(of):.3g}" for label, of in known.items() if of)
        said.append(say("{n} runs have ended, after the last epoch: {values}; {onset}", n=len(ended), values=last,
                        onset=onset_words(method, say)))  # fmt: skip
    said += [say("seed {seed} is after epoch {epoch}", seed=run.seed, epoch=len(run.rows))
             for run in runs if not run.ended]  # fmt: skip
    if not said:
        said = [say("no run has begun")]
    return say("{metric} of {name} over the epochs: {said}.", metric=word, name=name, said="; ".join(said))


def smoothed(values: Values, weight: float) -> Values:
    """Return the exponential moving mean of values, without the pull of a beginning at 0; what is None stays so."""
    if not weight:
        return values
    found: list[float | None] = []
    total = norm = 0.0
    for value in values:
        if value is None:
            found.append(None)
            continue
        total, norm = weight * total + (1 - weight) * value, weight * norm + (1 - weight)
        found.append(total / norm)
    return tuple(found)


def _scale(values: Sequence[Sequence[float]], label: str, metric: str, *, log: bool) -> Axis:
    """Return one axis for all methods, so that panels can be compared by eye."""
    known = [value for of_method in values for value in of_method]
    if not known:
        return axis(0.0, 1.0, label)
    highest = sorted(max(of_method) for of_method in values if of_method)
    high = max(known)
    if metric == "loss":
        high = min(high, FARTHEST * highest[(len(highest) - 1) // 2])
    if not log:
        return axis(*around((min(known), high), 0.04), label)
    above = [value for value in known if value >= LEAST_LOSS] or [LEAST_LOSS]
    low, high = min(above), max(high, 1.1 * min(above))
    room = (high / low) ** 0.04
    return axis(low / room, high * room, label, log=True)


def _getter(name: str) -> Callable[[EpochRow], float | None]:
    """Return what reads a column; of a run without clean training metrics, what its progress bar showed is not one."""
    return lambda row: _finite(getattr(row, name))


def _gap(row: EpochRow) -> float | None:
    return None if row.train_acc is None else _finite(row.train_acc - row.val_acc)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _times(values: Iterable[float | None], unit: float) -> Values:
    return tuple(None if value is None else unit * value for value in values)


def _beside(mean: Values, deviation: Values, sign: int) -> Values:
    return tuple(None if m is None or d is None else m + sign * d for m, d in zip(mean, deviation, strict=True))


FIGURES: Mapping[str, tuple[Callable[[Evidence, Sequence[Glance], View, Language], list[Panel]], int]] = {
    "learning_curves": (live_curves, 2),
    "gap_curves": (live_gaps, 3),
}
