"""The figure of cost and benefit: methods as dots, each with its name beside it in the same colour."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overfitlab.interop.evidence import Document
from overfitlab.report import metric_words
from overfitlab.report.curve_figures import baseline_name
from overfitlab.report.label_places import placed
from overfitlab.report.layout import ASCENT, DESCENT, Layout, layout, with_area
from overfitlab.report.lettering import POINTS, inches, on_a_line, told_apart
from overfitlab.report.marks import LETTERS, Axis, Dot, Dots, Line, Mark, Panel, Text, Tick
from overfitlab.report.method_looks import looks
from overfitlab.report.numbers import interval_name
from overfitlab.report.scales import around, axis, minus
from overfitlab.report.study_tables import difference
from overfitlab.results.metric import BY_NAME
from overfitlab.stats.verdict import Contrast
from overfitlab.words.language import ENGLISH, Language

LONGEST_NAME = 44  # letters of a method
LABEL_WIDTH = 1.15  # inches
ROW_HEIGHT, AREA = 0.2, 1.9  # inches of the height inside the axes: for each method, and at least
LEADER = 0.7  # points: width of a line from a name to its dot
SIZE, FAINT = 6.0, 0.5  # points of a dot, opacity of what is uncertain about it
NARROWEST = 0.1  # of the times: less is not spread over the whole panel
BEFORE, BEHIND = 0.22, 0.45  # of the times' width: room for names on the left and on the right
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


def cost_and_benefit(evidence: Document, say: Language = ENGLISH) -> list[Panel]:
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
    seen = looks(evidence)
    zero = Line(x=(times.least - BEFORE * times.width, times.greatest + BEHIND * times.width), y=(0.0, 0.0),
                color="soft", width=0.8)  # fmt: skip
    legend = (
        Dots(dots=(), color="soft", size=SIZE, label=say("mean, {interval}", interval=interval_name(evidence, say))),
        Line(x=(), y=(), color="soft", opacity=FAINT, label=say("middle half of the epoch times")),
    )
    panel = Panel(
        title=say("Benefit against cost"), marks=legend,
        y=axis(*around((0.0, *reached)), metric_words.axis(evidence.metric, say)),
        x=_time_axis(times, say("epoch time, relative to {baseline}", baseline=on_a_line(base, 20))),
        alternative=say("Difference in {metric} from {baseline} against time: {said}.",
                        metric=metric_words.name(evidence.metric, say), baseline=base, said=said),
    )  # fmt: skip
    panel = with_area(panel, max(AREA, ROW_HEIGHT * len(methods)))
    uncertain = [mark for each in methods for mark in _uncertain(each, seen[each.contrast.method].color)]
    colors = [seen[evidence.baseline].color, *(seen[each.contrast.method].color for each in methods)]
    dots = [Dots(dots=(Dot(1.0, 0.0, SIZE, evidence.baseline, tip=base),), color=colors[0], shape="square", size=SIZE)]
    dots += [
        Dots(dots=(Dot(each.ratio, each.gain, SIZE, each.contrast.method, tip=each.name),), color=color, size=SIZE)
        for each, color in zip(methods, colors[1:], strict=True)
    ]
    names = _names([base, *(each.name for each in methods)], dots, colors, uncertain, layout(panel))
    return [replace(panel, marks=(zero, *uncertain, *names, *dots, *legend))]


def _names(
    names: Sequence[str], dots: Sequence[Dots], colors: Sequence[str], lines: Sequence[Line], place: Layout
) -> list[Mark]:
    """Return the name of each dot beside it, in its colour, and a line that leads to it where it stands farther off."""
    shown = told_apart(names, LONGEST_NAME, size=LETTERS, width=LABEL_WIDTH)
    points = [(place.x(one.dots[0].x), place.y(one.dots[0].y)) for one in dots]
    sizes = [(POINTS * inches(name, LETTERS) + 2.0, (ASCENT + DESCENT) * LETTERS + 1.0) for name in shown]
    drawn = [
        [(place.x(x), place.y(y)) for x, y in zip(line.x, line.y, strict=True) if x is not None and y is not None]
        for line in lines
    ]
    places = placed(points, SIZE / 2, sizes, [(ends[0], ends[-1]) for ends in drawn], place.box)
    found: list[Mark] = []
    for color, spot in zip(colors, places, strict=True):
        if spot.leader is not None:
            ends = [place.values(*point) for point in spot.leader]
            found.append(Line(x=tuple(x for x, _ in ends), y=tuple(y for _, y in ends), color=color, width=LEADER))
    for name, color, spot in zip(shown, colors, places, strict=True):
        x, y = place.values(spot.x, spot.y)
        found.append(Text(x=x, y=y, text=name, color=color, anchor="middle", ground=True))
    return found


def _uncertain(method: Method, color: str) -> list[Line]:
    """Return the interval of the gain, and between which times the middle half of the pairs lies."""
    found = []
    contrast = method.contrast
    low, high = contrast.metric.low, contrast.metric.high
    if low is not None and high is not None:
        found.append(Line(x=(method.ratio,) * 2, y=(low, high), color=color, opacity=FAINT,
                          key=f"{contrast.method}:interval"))  # fmt: skip
    if contrast.time_quartiles is not None:
        found.append(Line(x=contrast.time_quartiles, y=(method.gain,) * 2, color=color, opacity=FAINT,
                          key=f"{contrast.method}:times"))  # fmt: skip
    return found


def _time_axis(times: Times, label: str) -> Axis:
    """Return the axis of times, with room for names; it always says where the baseline lies."""
    least, greatest, width = times.least, times.greatest, times.width
    found = axis(least - BEFORE * width, greatest + BEHIND * width, label)
    values = [tick.value for tick in found.ticks]
    shown = [1.0, *(value for value in values if abs(value - 1) > NEAR * width)]
    return replace(found, ticks=tuple(Tick(value, minus(f"{value:.2f}")) for value in shown))
