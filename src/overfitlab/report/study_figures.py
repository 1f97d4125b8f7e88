"""The figures of a study, from its evidence; docs/statistics.md says what the numbers are."""

from collections.abc import Callable, Mapping, Sequence

from overfitlab.report import metric_words
from overfitlab.report.cost_figure import cost_and_benefit
from overfitlab.report.curve_figures import equal_fit, gap_curves, learning_curves
from overfitlab.report.layout import RIGHT, with_area
from overfitlab.report.lettering import told_apart
from overfitlab.report.marks import (
    DASHED,
    LETTERS,
    WIDTH,
    Area,
    Axis,
    Bar,
    Bars,
    Dot,
    Dots,
    Line,
    Mark,
    Panel,
    Rule,
    Text,
)
from overfitlab.report.numbers import interval_name, other_images
from overfitlab.report.overlay_figure import validation_loss
from overfitlab.report.scales import around, axis
from overfitlab.report.study_tables import between, difference, pair, runs_cell
from overfitlab.results.metric import BY_NAME
from overfitlab.stats.crossed import Crossed
from overfitlab.stats.findings import Finding
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.study.evidence import Evidence, MethodCalibration
from overfitlab.words.language import ENGLISH, Language

LONGEST_LABEL = 44  # letters of a contrast
MARGIN = 0.12  # inches: left of rows, whose labels stand above them
ROW_HEIGHT = 0.52  # inches of a contrast
FIRST_ROW, LAST_ROW = 0.72, 0.45  # of a row: so much lies above the dots of the first one; the last one is cut there
JITTER = (0.0, 0.09, -0.09, 0.18, -0.18)  # so that dots with equal values stay apart
ABOVE, BELOW = 0.33, 0.3  # of a row: where its label stands, and the interval lies below its dots
LOWEST = 0.42  # and that for other images
UNNOTICED = 0.01  # of confidence
CERTAIN = 1.04  # the end of a scale of probabilities, with room for a large dot at 1
SEED, MEAN = 3.5, 6.0  # points: sizes of dots


def paired_differences(evidence: Verdict, say: Language = ENGLISH) -> list[Panel]:
    """Return two panels, test accuracy and gap: the difference of each seed as a dot, the mean with its interval."""
    contrasts = [each for each in evidence.contrasts if each.metric.n]
    if not contrasts:
        return []
    found, metric = [], BY_NAME[evidence.metric]
    places = metric_words.table_digits(metric.name)
    side = say(metric_words.HELPING_SIDE[metric.unit, metric.smaller_is_better])
    for name, title, better, margin in (
        ("metric", metric_words.title(metric.name, say), side, evidence.margin),
        ("gap", say("Generalization gap"), say(metric_words.HELPING_GAP[metric.unit]), evidence.gap_margin),
    ):
        if name not in evidence.axes:
            continue
        findings = [each.axis(name) for each in contrasts]
        said = "; ".join(
            say("{contrast}: mean {mean}, {intervals}, n = {n}",
                contrast=pair(each, say), mean=difference(one.mean, places),
                intervals=_intervals(one, evidence, say), n=runs_cell(one))
            for each, one in zip(contrasts, findings, strict=True)
        )  # fmt: skip
        dotted = next((row for row, one in enumerate(findings) if one.differences), None)
        alternative = (
            say("Differences, with their intervals. {title}: {said}.", title=title, said=said) if dotted is None
            else say("Differences, a dot for each pair of runs. {title}: {said}.", title=title, said=said)
            if evidence.in_order
            else say("Paired differences, a dot for each seed. {title}: {said}.", title=title, said=said)
        )  # fmt: skip
        bounds = (bound for one in findings for interval in (one, other_images(one)) if interval
                  for bound in (interval.low, interval.high))  # fmt: skip
        shown = [value for value in (*(each for one in findings for each in one.differences), *bounds)
                 if value is not None]  # fmt: skip
        marks = [
            Area(low=-margin, high=margin, axis="x", color="margin", label=say("equivalence margin")),
            Rule(at=0.0, axis="x", color="soft", width=1.0),
            *_labels(contrasts, around((*shown, -margin, margin))[0], say),
            *(mark for row, each in enumerate(contrasts)
              for mark in _differences(row, each, each.axis(name), evidence, say, named=row == dotted)),
            *_image_intervals(contrasts, name, say),
        ]  # fmt: skip
        found.append(
            Panel(
                title=title, alternative=alternative, x=axis(*around((*shown, -margin, margin)), better),
                y=_rows(contrasts), marks=tuple(marks), left=MARGIN, key=name,
            )
        )  # fmt: skip
    return [with_area(panel, _rows_height(contrasts)) for panel in found]


def noise(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: how far the mean difference is uncertain because of the seeds, and of the test images."""
    known = [(each, each.metric.crossed) for each in evidence.contrasts if each.metric.crossed is not None]
    if not known:
        return []
    places = metric_words.table_digits(evidence.metric)
    said = "; ".join(
        say("{contrast}: seeds {seeds}, test images {images}",
            contrast=pair(each, say), seeds=f"{crossed.seed_deviation:.{places}f}",
            images=f"{crossed.image_deviation:.{places}f}")
        for each, crossed in known
    )  # fmt: skip
    unit = say(BY_NAME[evidence.metric].unit)
    alternative = say("Standard deviation of the mean difference in {metric}, in {unit}: {said}.",
                      metric=metric_words.name(evidence.metric, say), unit=unit, said=said)  # fmt: skip
    contrasts = [each for each, _ in known]
    by_cause: tuple[tuple[str, str, str, float, Callable[[Crossed], float]], ...] = (
        ("seeds", "method", say("seeds: reduced by more seeds"), 0.08, lambda found: found.seed_deviation),
        ("images", "val", say("test images: reduced only by more images"), -0.14, lambda found: found.image_deviation),
    )
    bars = [
        Bars(
            bars=tuple(Bar(offset - row, size(crossed), _key(each)) for row, (each, crossed) in enumerate(known)),
            thickness=0.18, color=color, label=label, key=cause,
        )
        for cause, color, label, offset, size in by_cause
    ]  # fmt: skip
    longest = max(bar.length for one in bars for bar in one.bars)
    x = axis(0.0, 1.05 * longest or 1.0, say("standard deviation of the mean difference, {unit}", unit=unit))
    panel = Panel(
        title=say("Where the noise comes from"), alternative=alternative, x=x, y=_rows(contrasts),
        marks=(*_labels(contrasts, 0.0, say), *bars), left=MARGIN,
    )  # fmt: skip
    return [with_area(panel, _rows_height(contrasts))]


def calibration(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: accuracy against confidence on the test images, all seeds together."""
    known = [(each, evidence.predictions[each.method].calibration) for each in evidence.methods]
    return [
        calibration_panel(str(say.method(each.label)), found, say, each.method)
        for each, found in known if found is not None
    ]  # fmt: skip


def calibration_panel(name: str, known: MethodCalibration, say: Language, key: str = "") -> Panel:
    """Return the panel of one method or run."""
    surplus = known.mean_confidence - known.accuracy
    sure = say("well calibrated")
    if abs(surplus) > UNNOTICED:
        sure = say("overconfident") if surplus > 0 else say("underconfident")
    alternative = say(
        "Calibration of {name}: mean confidence {confidence}, accuracy {accuracy}, so it is {sure}; expected "
        "calibration error {error}.",
        name=name, confidence=f"{known.mean_confidence:.3f}", accuracy=f"{known.accuracy:.3f}", sure=sure,
        error=f"{known.expected_error.mean:.3f}",
    )  # fmt: skip
    x, y = axis(0.0, CERTAIN, say("confidence")), axis(0.0, CERTAIN, say("accuracy"))
    return Panel(title=name, alternative=alternative, x=x, y=y, marks=_reliability(known, say), key=key)


FIGURES: Mapping[str, tuple[Callable[..., list[Panel]], int]] = {  # with the number of columns in a paper
    "paired_differences": (paired_differences, 2),
    "validation_loss": (validation_loss, 1),
    "learning_curves": (learning_curves, 2),
    "gap_curves": (gap_curves, 3),
    "equal_fit": (equal_fit, 3),
    "noise": (noise, 1),
    "cost_and_benefit": (cost_and_benefit, 1),
    "calibration": (calibration, 3),
}


def _key(contrast: Contrast) -> str:
    return f"{contrast.method}:{contrast.against}"


def _rows(contrasts: Sequence[Contrast]) -> Axis:
    """Return an axis with a row for each contrast, from the top: row r lies at -r."""
    return Axis(low=LAST_ROW - len(contrasts), high=FIRST_ROW, grid=False, line=False)


def _rows_height(contrasts: Sequence[Contrast]) -> float:
    """Return the inches of all rows: each is as high as any other, or labels would lie on dots where there are few."""
    return ROW_HEIGHT * (len(contrasts) + FIRST_ROW - LAST_ROW)


def _labels(contrasts: Sequence[Contrast], left: float, say: Language) -> list[Text]:
    """Return the names of rows; they stand above them at the left edge, so no margin is needed.

    They lie above lines and areas, which would cross them, but below dots and bars.
    """
    names = told_apart([pair(each, say) for each in contrasts], LONGEST_LABEL, size=LETTERS,
                       width=WIDTH - MARGIN - RIGHT)  # fmt: skip
    return [Text(x=left, y=ABOVE - row, text=name, stands=True, ground=True) for row, name in enumerate(names)]


def _intervals(finding: Finding, verdict: Verdict, say: Language) -> str:
    """Return the intervals of a finding in words."""
    places = metric_words.table_digits(verdict.metric)
    found = [f"{interval_name(verdict, say)} {between(finding, say, places) or '-'}"]
    crossed = other_images(finding)
    if crossed is not None:
        found.append(say("for other images {range}", range=between(crossed, say, places)))
    return ", ".join(found)


def _image_intervals(contrasts: Sequence[Contrast], axis: str, say: Language) -> list[Mark]:
    """Return the intervals for other images, below those of the words."""
    known = [(row, each, crossed) for row, each in enumerate(contrasts)
             if (crossed := other_images(each.axis(axis))) is not None]  # fmt: skip
    return [
        Line(x=(crossed.low, crossed.high), y=(y := -row - LOWEST, y), color="val", width=1.2,
             label=say("for other images") if place == 0 else "", key=f"{_key(each)}:images")
        for place, (row, each, crossed) in enumerate(known)
    ]  # fmt: skip


def _differences(
    row: int, contrast: Contrast, finding: Finding, verdict: Verdict, say: Language, *, named: bool
) -> list[Mark]:  # fmt: skip
    """Return the dots of the seeds of one contrast, `named` in the legend, and the mean with its interval below."""
    places = metric_words.table_digits(verdict.metric)
    dots = tuple(
        Dot(value, JITTER[number % len(JITTER)] - row, SEED, f"{_key(contrast)}:{seed}",
            tip=say("pair {seed}: {difference}" if verdict.in_order else "seed {seed}: {difference}",
                    seed=verdict.seed_name(seed), difference=difference(value, places)))
        for number, (seed, value) in enumerate(zip(finding.seeds, finding.differences, strict=True))
    )  # fmt: skip
    label = say("a pair of runs" if verdict.in_order else "a seed") if named else ""
    found: list[Mark] = [Dots(dots=dots, color="other", size=SEED, opacity=0.8, label=label)]
    y = -row - BELOW
    if finding.low is not None and finding.high is not None:
        interval = (finding.low, finding.high)
        found.append(Line(x=interval, y=(y, y), color="method", width=2.2, key=f"{_key(contrast)}:interval"))
    label = say("mean, {interval}", interval=interval_name(verdict, say)) if row == 0 else ""
    mean = () if finding.mean is None else (Dot(finding.mean, y, MEAN, f"{_key(contrast)}:mean"),)
    return [*found, Dots(dots=mean, color="method", size=MEAN, shape="diamond", label=label)]


def _reliability(known: MethodCalibration, say: Language) -> tuple[Mark, ...]:
    """Return accuracy against confidence, the area of a dot growing with the number of images."""
    most = max(each.images for each in known.bins)
    dots = tuple(Dot(each.confidence, each.accuracy, (8 + 70 * each.images / most) ** 0.5) for each in known.bins)
    error = known.expected_error
    spread = "" if error.deviation is None else f" ±{error.deviation:.3f}"
    return (
        Line(x=(0.0, 1.0), y=(0.0, 1.0), color="soft", dash=DASHED, width=1.0, label=say("perfect calibration")),
        Dots(dots=dots, color="method", size=5.0, opacity=0.85, label=f"ECE {error.mean:.3f}{spread}"),
    )
