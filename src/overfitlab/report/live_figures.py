"""The curves of a study as somebody wants to see them who looks on: while runs are trained, and afterwards.

A mean with its band is that of runs that have ended, so that no curve changes its meaning from epoch to epoch; a run
that is being trained is a thin line of its own, which grows.
"""

import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    """What is drawn over the epochs: the name of a curve, and of what a glance at a run has."""

    curve: str
    label: str
    color: str
    unit: float = 1.0


@dataclass(frozen=True)
class _Reach:
    """What an axis has to hold: the lowest value, the highest one, and the lowest for a logarithmic axis."""

    low: float = math.inf
    high: float = -math.inf
    positive: float = math.inf

    def __or__(self, other: "_Reach") -> "_Reach":
        return _Reach(min(self.low, other.low), max(self.high, other.high), min(self.positive, other.positive))

    @property
    def known(self) -> bool:
        """Whether there is any value."""
        return self.low <= self.high


def _reach(values: Iterable[float | None]) -> _Reach:
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return _Reach()
    return _Reach(min(known), max(known), min((value for value in known if value >= LEAST_LOSS), default=math.inf))


def live_curves(evidence: Evidence, runs: Sequence[Glance], view: View, say: Language) -> list[Panel]:
    """Return a panel for each method and metric: training and validation over the epochs on one axis."""
    words = {"loss": say("loss"), "acc": say("accuracy")}
    quantities = {
        metric: (
            _Quantity(f"train_{metric}", say("training"), "train"),
            _Quantity(f"val_{metric}", say("validation"), "val"),
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
    gap = _Quantity("gap", say("gap"), "method", PERCENT)
    return _panels(evidence, runs, view, (gap,), "gap", say("gap, points"), say)


def _panels(
    evidence: Evidence, runs: Sequence[Glance], view: View, quantities: Sequence[_Quantity], metric: str, word: str,
    say: Language,
) -> list[Panel]:  # fmt: skip
    log = view.log and metric == "loss"
    shown = [each for each in evidence.methods if view.shows(each.method)]
    drawn: dict[str, tuple[list[Mark], _Reach]] = {}
    for each in shown:
        own = [run for run in runs if run.method == each.method]
        of_each = [_marks(evidence.curves[each.method], own, one, view, say) for one in quantities]
        reach = functools.reduce(operator.or_, (reach for _, reach in of_each))
        drawn[each.method] = [mark for marks, _ in of_each for mark in marks], reach
    y = _scale([reach for _, reach in drawn.values() if reach.known], word, metric, log=log)
    x = axis(0.5, evidence.plan.protocol.epochs + 0.5, say("epoch"), whole=True)
    found = []
    for each in shown:
        name, (marks, reach) = str(say.method(each.label)), drawn[each.method]
        own = [run for run in runs if run.method == each.method]
        ground: list[Mark] = [Rule(at=0.0, axis="y", color="soft")] if metric == "gap" else []
        notes = _notes(each, evidence.curves[each.method], own, view, say)
        if reach.high > y.high:
            notes.append(Remark(label=say("off the scale, up to {value}", value=f"{reach.high:.3g}")))
        found.append(
            Panel(
                title=f"{name}: {word}", alternative=_alternative(each, own, quantities, name, word, say), x=x, y=y,
                marks=(*ground, *marks, *notes), key=f"{each.method}:{metric}",
                height=HEIGHT + LEGEND * sum(bool(mark.label) for mark in (*marks, *notes)),
            )
        )  # fmt: skip
    return found


def _marks(
    curves: Curves, runs: Sequence[Glance], one: _Quantity, view: View, say: Language
) -> tuple[list[Mark], _Reach]:
    """Return a curve with its band, and single runs: those that are trained, and the others where that is wanted."""
    carried = say("{name}, carried forward after a stop", name=one.label)
    below, above, reach = _mean(curves, one, view.smoothing, carried)
    lines: list[Mark] = []
    for run in runs:
        if run.rows and (view.single or not run.ended):
            values = smoothed(_times(run.columns[one.curve], one.unit), view.smoothing)
            reach |= _reach(values)
            dot = 2.5 if len(values) == 1 else 0.0
            lines.append(Line(x=tuple(float(row.epoch) for row in run.rows), y=values, color=one.color, width=THIN,
                              opacity=FAINT, marker=dot, key=f"{one.curve}:{run.name}"))  # fmt: skip
    return [*below, *lines, *above], reach


@functools.lru_cache(256)  # it stays while runs are trained
def _mean(
    curves: Curves, one: _Quantity, smoothing: float, carried: str
) -> tuple[tuple[Mark, ...], tuple[Mark, ...], _Reach]:
    """Return what lies below single runs, what lies above them, and what an axis has to hold of both."""
    if not curves.runs:
        return (), (Line(x=(), y=(), color=one.color, width=THIN, label=one.label),), _Reach()
    epochs = tuple(map(float, curves.epochs))
    curve: Curve = curves.curve(one.curve)
    mean, deviation = _times(curve.mean, one.unit), _times(curve.deviation, one.unit)
    below: list[Mark] = []
    above: list[Mark] = []
    reach = _reach(mean)
    if None not in deviation:
        low, high = _beside(mean, deviation, -1), _beside(mean, deviation, 1)
        below.append(Band(x=epochs, low=low, high=high, color=one.color, key=f"{one.curve}:band"))
        reach |= _reach((*low, *high))
    if smoothing:
        above.append(Line(x=epochs, y=mean, color=one.color, width=THIN, opacity=0.4))
    stopped = next((k for k, n in enumerate(curves.training) if n < curves.runs), len(epochs))
    line, dot = smoothed(mean, smoothing), 3.5 if len(epochs) == 1 else 0.0
    above.append(Line(x=epochs[:stopped], y=line[:stopped], color=one.color, marker=dot, label=one.label,
                      key=one.curve))  # fmt: skip
    if stopped < len(epochs):
        first = max(stopped - 1, 0)
        above.append(Line(x=epochs[first:], y=line[first:], color=one.color, dash=CARRIED, key=one.curve,
                          label=carried))  # fmt: skip
    return tuple(below), tuple(above), reach


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
        label = say("smoothed, weight {weight}; faint: unsmoothed", weight=f"{view.smoothing:g}")
        found.append(Line(x=(), y=(), color="soft", dash=DASHED, width=THIN, label=label))
    found += _onset(method, curves, say)
    return found


def _onset(method: MethodSummary, curves: Curves, say: Language) -> list[Mark]:
    if not curves.runs:
        return []
    if method.onset is None or method.without_onset == method.finished:
        return [Remark(label=say("no onset yet"), key="onset")]
    label = say("onset: epoch {epoch}", epoch=f"{round(method.onset.mean, 1):g}")
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
        values = {one.label: [run.columns[one.curve][-1] for run in ended] for one in quantities}
        known = {label: [each for each in of if each is not None] for label, of in values.items()}
        units = {one.label: one.unit for one in quantities}
        last = ", ".join(f"{label} {units[label] * sum(of) / len(of):.3g}" for label, of in known.items() if of)
        said.append(say("{n} runs have ended, after the last epoch: {values}; {onset}", n=len(ended), values=last,
                        onset=onset_words(method, say)))  # fmt: skip
    said += [say("seed {seed}: epoch {epoch} done", seed=run.seed, epoch=len(run.rows))
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


def _scale(reaches: Sequence[_Reach], label: str, metric: str, *, log: bool) -> Axis:
    """Return one axis for all methods, so that panels can be compared by eye.

    Its ends are round, so that it stays from epoch to epoch, and with it all that is drawn already.
    """
    if not reaches:
        return axis(0.0, 1.0, label)
    whole = functools.reduce(operator.or_, reaches)
    high = whole.high
    if metric == "loss":
        highest = sorted(reach.high for reach in reaches)
        high = min(high, FARTHEST * highest[(len(highest) - 1) // 2])
    if not log:
        return axis(*_round_ends(*around((whole.low, high), 0.04)), label)
    low = whole.positive if math.isfinite(whole.positive) else LEAST_LOSS
    high = max(high, 1.1 * low)
    ends = _round_ends(*around((math.log10(low), math.log10(high)), 0.04))
    return axis(10 ** ends[0], 10 ** ends[1], label, log=True)


def _round_ends(low: float, high: float) -> tuple[float, float]:
    """Return ends that lie beyond these, by less than a twentieth of what is between them."""
    step = 10.0 ** math.floor(math.log10((high - low) / 20))
    step *= next((each for each in (5, 2) if step * each <= (high - low) / 20), 1)
    return step * math.floor(low / step), step * math.ceil(high / step)


def _times(values: Iterable[float | None], unit: float) -> Values:
    return tuple(None if value is None else unit * value for value in values)


def _beside(mean: Values, deviation: Values, sign: int) -> Values:
    return tuple(None if m is None or d is None else m + sign * d for m, d in zip(mean, deviation, strict=True))


FIGURES: Mapping[str, tuple[Callable[[Evidence, Sequence[Glance], View, Language], list[Panel]], int]] = {
    "learning_curves": (live_curves, 2),
    "gap_curves": (live_gaps, 3),
}
