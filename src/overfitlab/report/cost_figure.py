"""The figure of cost and benefit: methods as dots whose names stand beside them, apart from each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from overfitlab.report import metric_words
from overfitlab.report.curve_figures import baseline_name
from overfitlab.report.lettering import on_a_line, told_apart
from overfitlab.report.marks import HEIGHT, LETTERS, Axis, Dot, Dots, Line, Mark, Panel, Text, Tick
from overfitlab.report.numbers import interval_name
from overfitlab.report.scales import around, axis, minus
from overfitlab.report.study_tables import difference
from overfitlab.results.metric import BY_NAME
from overfitlab.stats.verdict import Contrast
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH, Language

LONGEST_NAME = 44  # letters of a method
LABEL_HEIGHT, LABEL_WIDTH = 0.14, 1.15  # inches
ROW_HEIGHT, AROUND_AXES = 0.24, 0.95  # inches for each method, and of a panel's height that are not its axes
SIZE, FAINT = 6.0, 0.5  # points of a dot, opacity of what is uncertain about it
NARROWEST = 0.1  # of the times: less is not spread over the whole panel
BEFORE, BESIDE, BEHIND = 0.08, 0.06, 0.95  # of the times' width: room on the left, up to the names, and for them
GAP = 0.02  # of it: between a name and the line that leads to it
NEAR = 0.2  # of it: no other tick stands nearer to that of the baseline


@dataclass(frozen=True)
class Method:
    """A method beside the baseline: its difference in the metric, at so many times the time of an epoch."""

    contrast: Contrast
    name: str
    ratio: float
    gain: float


@dataclass(frozen=True)
class Times:
    """From the least to the greatest multiple that is shown."""

    least: float
    greatest: float

    @property
    def width(self) -> float:
        """How far they are spread."""
        return max(self.greatest - self.least, NARROWEST)


def cost_and_benefit(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: the difference in the metric from the baseline against the time of an epoch."""
    methods = [
        Method(each, str(say.method(each.label)), each.time_ratio, each.metric.mean) for each in evidence.contrasts
        if each.against == evidence.baseline and each.time_ratio and each.metric.mean is not None
    ]  # fmt: skip
    if not methods:
        return []
    said = "; ".join(
        say("{name}: {difference} {unit} at {ratio} times the time", name=each.name,
            difference=difference(each.gain, metric_words.table_digits(evidence.metric)),
            unit=say(BY_NAME[evidence.metric].unit), ratio=f"{each.ratio:.2f}")
        for each in methods
    )  # fmt: skip
    base = baseline_name(evidence, say)
    ends = [1.0, *(end for each in methods for end in (each.ratio, *(each.contrast.time_quartiles or ())))]
    times = Times(min(ends), max(ends))
    findings = [each.contrast.metric for each in methods]
    reached = [value for one in findings for value in (one.mean, one.low, one.high) if value is not None]
    y = axis(*around((0.0, *reached)), metric_words.axis(evidence.metric, say))
    height = max(HEIGHT, 1.4 + ROW_HEIGHT * len(methods))
    dots = tuple(Dot(each.ratio, each.gain, SIZE, each.contrast.method, tip=each.name) for each in methods)
    marks = (
        *_names(base, methods, times, y, LABEL_HEIGHT / (height - AROUND_AXES) * (y.high - y.low)),
        Line(x=(times.least - BEFORE * times.width, times.greatest + 0.04 * times.width), y=(0.0, 0.0), color="soft",
             width=0.8),
        *(mark for each in methods for mark in _uncertain(each)),
        Dots(dots=dots, color="method", size=SIZE,
             label=say("mean, {interval}", interval=interval_name(evidence, say))),
        Line(x=(), y=(), color="method", opacity=FAINT, label=say("the middle half of the times")),
        Dots(dots=(Dot(1.0, 0.0, SIZE, evidence.baseline, tip=base),), color="other", shape="square", size=SIZE),
    )  # fmt: skip
    panel = Panel(
        title=say("Benefit against cost"), height=height, marks=marks, y=y,
        x=_time_axis(times, say("time of an epoch, times that of {baseline}", baseline=on_a_line(base, 20))),
        alternative=say("Difference in {metric} from {baseline} against time: {said}.",
                        metric=metric_words.name(evidence.metric, say), baseline=base, said=said),
    )  # fmt: skip
    return [panel]


def _names(base: str, methods: Sequence[Method], times: Times, y: Axis, least: float) -> list[Mark]:
    """Return the names of the baseline and the methods, `least` apart from each other, and lines that lead to them."""
    names = told_apart([base, *(each.name for each in methods)], LONGEST_NAME, size=LETTERS, width=LABEL_WIDTH)
    places = apart([0.0, *(each.gain for each in methods)], least)
    places = within(places, least, y.low + least / 2, y.high - least / 2)
    beside = times.greatest + BESIDE * times.width
    leaders = [  # the baseline lies on a line of its own
        Line(x=(beside, each.ratio), y=(place, each.gain), color="grid", width=0.8)
        for each, place in zip(methods, places[1:], strict=True)
    ]
    return [
        *leaders,
        *(Text(x=beside + GAP * times.width, y=place, text=name, ground=True)
          for name, place in zip(names, places, strict=True)),
    ]  # fmt: skip


def _uncertain(method: Method) -> list[Mark]:
    """Return the interval of the gain, and between which times the middle half of the pairs lies."""
    found: list[Mark] = []
    contrast = method.contrast
    low, high = contrast.metric.low, contrast.metric.high
    if low is not None and high is not None:
        found.append(Line(x=(method.ratio,) * 2, y=(low, high), color="method", opacity=FAINT,
                          key=f"{contrast.method}:interval"))  # fmt: skip
    if contrast.time_quartiles is not None:
        found.append(Line(x=contrast.time_quartiles, y=(method.gain,) * 2, color="method", opacity=FAINT,
                          key=f"{contrast.method}:times"))  # fmt: skip
    return found


def _time_axis(times: Times, label: str) -> Axis:
    """Return the axis of times, with room for names; it always says where the baseline lies."""
    least, greatest, width = times.least, times.greatest, times.width
    found = axis(least - BEFORE * width, greatest + BEHIND * width, label)
    values = [tick.value for tick in found.ticks if least - 0.1 * width <= tick.value <= greatest + 0.1 * width]
    shown = [1.0, *(value for value in values if abs(value - 1) > NEAR * width)]
    return replace(found, ticks=tuple(Tick(value, minus(f"{value:.2f}")) for value in shown))


def apart(values: Sequence[float], least: float) -> list[float]:
    """Return places near the values, in their order, of which no two are nearer than `least` to each other."""
    order = sorted(range(len(values)), key=lambda k: values[k])
    places = list(map(float, values))
    for _ in range(100):
        moved = False
        for below, above in pairwise(order):
            lacking = least - (places[above] - places[below])
            if lacking > 1e-9 * least:
                places[below] -= lacking / 2
                places[above] += lacking / 2
                moved = True
        if not moved:
            break
    return places


def within(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Return places that are `least` apart, moved as little as it takes to lie between `low` and `high`."""
    order = sorted(range(len(places)), key=lambda k: places[k])
    found = list(places)
    for rank, k in enumerate(order):
        found[k] = max(found[k], low + rank * least)
    for rank, k in enumerate(reversed(order)):
        found[k] = min(found[k], high - rank * least)
    return found
