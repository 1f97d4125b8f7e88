"""The figures of a study, drawn from the document of its evidence; docs/statistics.md says what the numbers are."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter

from overfitlab.report.curve_figures import baseline_name, equal_fit, gap_curves, learning_curves
from overfitlab.report.lettering import labels as told_apart
from overfitlab.report.lettering import legible
from overfitlab.report.palette import light
from overfitlab.report.panels import HEIGHT, Panel
from overfitlab.report.study_tables import between, difference, pair
from overfitlab.stats.verdict import Contrast
from overfitlab.study.evidence import Evidence, MethodCalibration
from overfitlab.words.language import ENGLISH, Language

Json = Mapping[str, Any]
LONGEST_LABEL = 44  # letters of a contrast
MARGIN = 0.12  # inches: left of rows, whose labels stand above them
ROW_HEIGHT = 0.56  # inches of a contrast
JITTER = (0.0, 0.09, -0.09, 0.18, -0.18)  # so that dots with equal values stay apart
BELOW = 0.3  # of a row: where the interval lies below its dots
UNNOTICED = 0.01  # of confidence
LABEL_HEIGHT, LABEL_WIDTH = 0.14, 1.15  # inches
LETTERS = 7.5  # points, of labels
AROUND_AXES = 0.95  # inches of a panel's height that are not its axes


def paired_differences(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return two panels, test accuracy and gap: the difference of each seed as a dot, the mean with its interval."""
    contrasts = [each for each in evidence.contrasts if each.accuracy.n]
    if not contrasts:
        return []
    found = []
    for axis, title, better, zone in (
        ("accuracy", say("Test accuracy"), say("points; right of 0: generalizes better"), evidence.accuracy_zone),
        ("gap", say("Generalization gap"), say("points; left of 0: overfits less"), evidence.gap_zone),
    ):
        said = "; ".join(
            say("{contrast}: mean {mean}, 95 % interval {range}, n = {n}",
                contrast=pair(each, say), mean=difference(each.axis(axis).mean),
                range=between(each.axis(axis), say) or "-", n=each.axis(axis).n)
            for each in contrasts
        )  # fmt: skip
        alternative = say("Paired differences, a dot for each seed. {title}: {said}.", title=title, said=said)
        height = 1.1 + ROW_HEIGHT * len(contrasts)
        found.append(Panel(title, _differences_drawn(contrasts, axis, zone, better, say), alternative, height, MARGIN))
    return found


def noise(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: how far the mean difference is uncertain because of the seeds, and of the test images."""
    known = [each for each in evidence.contrasts if each.accuracy.crossed]
    if not known:
        return []
    said = "; ".join(
        say("{contrast}: seeds {seeds}, test images {images}",
            contrast=pair(each, say), seeds=f"{each.accuracy.crossed.seed_deviation:.2f}",
            images=f"{each.accuracy.crossed.image_deviation:.2f}")
        for each in known
    )  # fmt: skip
    alternative = say("Standard deviation of the mean difference in test accuracy, in points: {said}.", said=said)
    return [Panel(say("Where the noise comes from"), _noise_drawn(known, say), alternative,
                  1.3 + ROW_HEIGHT * len(known), MARGIN)]  # fmt: skip


def cost_and_benefit(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: the gain in test accuracy over the baseline against the time of an epoch."""
    known = [
        each for each in evidence.contrasts
        if each.against == evidence.baseline and each.time_ratio and each.accuracy.mean is not None
    ]  # fmt: skip
    if not known:
        return []
    said = "; ".join(
        say("{name}: {difference} points at {ratio} times the time",
            name=say.method(each.label), difference=difference(each.accuracy.mean),
            ratio=f"{each.time_ratio:.2f}")
        for each in known
    )  # fmt: skip
    base = baseline_name(evidence, say)
    alternative = say("Gain in test accuracy over {baseline} against time: {said}.", baseline=base, said=said)
    height = max(HEIGHT, 1.4 + 0.24 * len(known))
    apart_by = LABEL_HEIGHT / (height - AROUND_AXES)
    return [Panel(say("Benefit against cost"), _cost_drawn(known, base, apart_by, say), alternative, height)]


def calibration(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: accuracy against confidence on the test images, all seeds together."""
    found = []
    for each in evidence.methods:
        known, name = evidence.predictions[each.method].calibration, say.method(each.label)
        if known is None:
            continue
        error = known.expected_error.mean
        surplus = known.mean_confidence - known.accuracy
        sure = say("about as sure as it should be")
        if abs(surplus) > UNNOTICED:
            sure = say("too sure") if surplus > 0 else say("not sure enough")
        alternative = say(
            "Calibration of {name}: mean confidence {confidence}, accuracy {accuracy}, so it is {sure}; expected "
            "calibration error {error}.",
            name=name, confidence=f"{known.mean_confidence:.3f}", accuracy=f"{known.accuracy:.3f}", sure=sure,
            error=f"{error:.3f}",
        )  # fmt: skip
        found.append(Panel(name, _calibration_drawn(known, say), alternative))
    return found


FIGURES: Mapping[str, tuple[Callable[..., list[Panel]], int]] = {  # with the number of columns in a paper
    "paired_differences": (paired_differences, 2),
    "learning_curves": (learning_curves, 2),
    "gap_curves": (gap_curves, 3),
    "equal_fit": (equal_fit, 3),
    "noise": (noise, 1),
    "cost_and_benefit": (cost_and_benefit, 1),
    "calibration": (calibration, 3),
}


def _differences_drawn(
    contrasts: Sequence[Contrast], axis: str, zone: float, better: str, say: Language
) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        _rows(axes, [pair(each, say) for each in contrasts])
        axes.axvspan(-zone, zone, color=light("zone"), zorder=0, label=say("differences that do not matter"))
        axes.axvline(0, color=light("soft"), linewidth=1, zorder=1)
        for row, each in enumerate(contrasts):
            finding = each.axis(axis)
            values = np.array(finding.differences)
            heights = -row + np.array([JITTER[k % len(JITTER)] for k in range(len(values))])
            label = say("a seed") if row == 0 else None
            axes.plot(values, heights, "o", color=light("other"), markersize=3.5, alpha=0.8, markeredgewidth=0,
                      label=label)  # fmt: skip
            label = say("mean, 95 % interval") if row == 0 else None
            if finding.low is not None:
                axes.plot([finding.low, finding.high], [-row - BELOW] * 2, color=light("method"), linewidth=2.2,
                          solid_capstyle="butt")  # fmt: skip
            axes.plot(finding.mean, -row - BELOW, "D", color=light("method"), markersize=5, label=label)
        axes.set_xlabel(better)

    return draw


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """Give the axes a row for each label, from the top; the labels stand above their rows, so no margin is needed."""
    axes.set_ylim(-len(labels) + 0.45, 0.72)
    axes.set_yticks([])
    axes.spines.left.set_visible(False)
    axes.grid(visible=False, axis="y")
    for row, label in enumerate(told_apart(labels, LONGEST_LABEL)):
        axes.text(
            0.0, -row + 0.33, label, transform=axes.get_yaxis_transform(), fontsize=LETTERS,
            color=light("ink"), zorder=1.5, # below dots and bars, above lines and areas, which would cross it
            bbox={"facecolor": light("surface"), "edgecolor": "none", "pad": 1, "alpha": 0.85},
        )  # fmt: skip


def _noise_drawn(contrasts: Sequence[Contrast], say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        _rows(axes, [pair(each, say) for each in contrasts])
        rows = -np.arange(len(contrasts), dtype=float)
        for name, label, color, offset in (
            ("seed_deviation", say("seeds: more of them narrow it"), "method", 0.08),
            ("image_deviation", say("test images: only more of them do"), "val", -0.14),
        ):
            sizes = [getattr(each.accuracy.crossed, name) for each in contrasts]
            axes.barh(rows + offset, sizes, height=0.18, color=light(color), label=label)
        axes.set_xlim(left=0)
        axes.set_xlabel(say("standard deviation of the mean difference, points"))

    return draw


def _cost_drawn(contrasts: Sequence[Contrast], base: str, apart_by: float, say: Language) -> Callable[[Axes], None]:
    """Draw methods as dots with their names beside them, `apart_by` of the axes' height apart from each other."""

    def draw(axes: Axes) -> None:
        ratios = [1.0] + [each.time_ratio for each in contrasts]
        means = [0.0] + [each.accuracy.mean for each in contrasts]
        names = [base, *(str(say.method(each.label)) for each in contrasts)]
        names = told_apart(names, LONGEST_LABEL, size=LETTERS, width=LABEL_WIDTH)
        for each in contrasts:
            finding = each.accuracy
            if finding.low is not None:
                axes.plot([each.time_ratio] * 2, [finding.low, finding.high], color=light("method"), alpha=0.5)
            axes.plot(each.time_quartiles, [finding.mean] * 2, color=light("method"), alpha=0.5)
        axes.plot(ratios[1:], means[1:], "o", color=light("method"), markersize=5, label=say("mean, 95 % interval"))
        axes.plot([], [], color=light("method"), alpha=0.5, label=say("the middle half of the times"))
        axes.plot(ratios[:1], means[:1], "s", color=light("other"), markersize=5)
        low, high = axes.get_ylim()
        ends = [end for each in contrasts for end in each.time_quartiles]
        left, right = min(1.0, *ends), max(1.0, *ends)
        width = max(right - left, 0.1)
        axes.set_xlim(left - 0.08 * width, right + 0.95 * width)  # room for the names
        axes.set_ylim(low, high)
        least = apart_by * (high - low)
        places = within(apart(means, least), least, low + least / 2, high - least / 2)
        line = {"arrowstyle": "-", "color": light("grid"), "linewidth": 0.8, "shrinkA": 1, "shrinkB": 3,
                "relpos": (0, 0.5)}  # fmt: skip
        for row, (ratio, mean, name, place) in enumerate(zip(ratios, means, names, places, strict=True)):
            axes.annotate(
                name, (ratio, mean), (right + 0.06 * width, place), va="center",
                fontsize=LETTERS, zorder=1, arrowprops=line if row else None,  # the baseline lies on a line of its own
            )  # fmt: skip
        axes.hlines(0, left - 0.08 * width, right + 0.04 * width, color=light("soft"), linewidth=0.8)
        near = 0.2 * width
        ticks = [tick for tick in axes.get_xticks() if left - 0.1 * width <= tick <= right + 0.1 * width]
        axes.set_xticks([1.0, *(tick for tick in ticks if abs(tick - 1) > near)])
        axes.xaxis.set_major_formatter(FormatStrFormatter("%.2f"))
        axes.set_xlabel(say("time of an epoch, times that of {baseline}", baseline=legible(base, 20)))
        axes.set_ylabel(say("test accuracy, points more"))

    return draw


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


def _calibration_drawn(known: MethodCalibration, say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        axes.plot(
            [0, 1], [0, 1], color=light("soft"), linestyle=(0, (3, 2)), linewidth=1, label=say("right as often as sure")
        )
        confidence = [each.confidence for each in known.bins]
        accuracy = [each.accuracy for each in known.bins]
        most = max(each.images for each in known.bins)
        sizes = [8 + 70 * each.images / most for each in known.bins]
        axes.scatter(confidence, accuracy, s=sizes, color=light("method"), linewidths=0, alpha=0.85)
        error = known.expected_error
        spread = "" if error.deviation is None else f" ±{error.deviation:.3f}"
        axes.plot([], [], "o", color=light("method"), markersize=4, label=f"ECE {error.mean:.3f}{spread}")
        axes.set_xlim(0, 1.03)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel(say("confidence"))
        axes.set_ylabel(say("accuracy"))

    return draw
