"""The figures of a study, drawn from the document of its evidence; docs/statistics.md says what the numbers are."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from overfitlab.report.language import ENGLISH, Language
from overfitlab.report.lettering import legible
from overfitlab.report.palette import light
from overfitlab.report.panels import HEIGHT, TICKS, Panel
from overfitlab.report.study_tables import between, difference, pair

Json = Mapping[str, Any]
LONGEST_LABEL = 44  # letters of a contrast
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")
MARGIN = 0.12  # inches: left of rows, whose labels stand above them
ROW_HEIGHT = 0.56  # inches of a contrast
JITTER = (0.0, 0.09, -0.09, 0.18, -0.18)  # so that dots with equal values stay apart
BELOW = 0.3  # of a row: where the interval lies below its dots
CARRIED = (0, (2, 1.5))  # dashes
UNNOTICED = 0.01  # of confidence
LABELS_APART = 0.075  # of the height of the panel


def learning_curves(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return two panels for each method: loss and accuracy over the epochs, training and validation on one axis."""
    found = []
    for each in evidence["methods"]:
        curves, name = evidence["curves"][each["method"]], say.method(each["label"])
        if not curves["runs"] or any(curves[name]["mean"][-1] is None for name in CURVES):
            continue
        onset = each["onset"] and each["onset"]["mean"]
        for metric, word, digits in (("loss", say("loss"), 2), ("acc", say("accuracy"), 3)):
            train, val = f"train_{metric}", f"val_{metric}"
            alternative = say(
                "{metric} of {name} over {epochs} epochs, means of {n} seeds: after the last epoch training is at "
                "{train}, validation at {val}; the onset of overfitting lies at epoch {onset}.",
                metric=word, name=name, epochs=len(curves["epochs"]), n=curves["runs"],
                train=f"{curves[train]['mean'][-1]:.{digits}f}", val=f"{curves[val]['mean'][-1]:.{digits}f}",
                onset="-" if onset is None else f"{onset:.1f}",
            )  # fmt: skip
            lines = ((curves, train, say("training"), "train"), (curves, val, say("validation"), "val"))
            found.append(Panel(f"{name}: {word}", _curves_drawn(lines, onset, say), alternative))
    return found


def gap_curves(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: its gap in accuracy over the epochs, beside that of the baseline."""
    found = []
    for each, curves, base, name in _beside_baseline(evidence, say):
        onset = each["onset"] and each["onset"]["mean"]
        gap = curves["gap"]["mean"]
        alternative = say(
            "Generalization gap of {name} over the epochs, mean of {n} seeds: {first} points after the first epoch, "
            "{last} after the last.",
            name=name, n=curves["runs"], first=f"{100 * gap[0]:.1f}", last=f"{100 * gap[-1]:.1f}",
        )  # fmt: skip
        lines = [(curves, "gap", name, "other" if base is None else "method")]
        if base is not None:
            lines.insert(0, (base, "gap", _baseline_name(evidence, say), "other"))
        draw = _curves_drawn(lines, onset, say, share=True)
        found.append(Panel(name, draw, alternative))
    return found


def equal_fit(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method but the baseline: validation against training accuracy, epoch by epoch."""
    found = []
    for each, curves, base, name in _beside_baseline(evidence, say):
        if base is None:
            continue
        known = [contrast for contrast in evidence["contrasts"]
                 if (contrast["method"], contrast["against"]) == (each["method"], evidence["baseline"])]  # fmt: skip
        fit = known[0]["equal_fit"] if known else None
        words = say("the two never fit the training images equally well")
        if fit is not None:
            words = say(
                "at the best fit that both reach, its gap is {difference} points beside that of {baseline}, n = {n}",
                difference=difference(fit["mean"]), baseline=_baseline_name(evidence, say), n=fit["n"],
            )  # fmt: skip
        alternative = say(
            "Validation accuracy against training accuracy of {name}, from epoch to epoch: {words}.",
            name=name, words=words,
        )  # fmt: skip
        found.append(Panel(name, _fit_drawn(curves, base, (name, _baseline_name(evidence, say)), say), alternative))
    return found


def paired_differences(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return two panels, test accuracy and gap: the difference of each seed as a dot, the mean with its interval."""
    contrasts = [each for each in evidence["contrasts"] if each["accuracy"]["n"]]
    if not contrasts:
        return []
    found = []
    for axis, title, better, zone in (
        ("accuracy", say("Test accuracy"), say("points; right of 0: generalizes better"), evidence["accuracy_zone"]),
        ("gap", say("Generalization gap"), say("points; left of 0: overfits less"), evidence["gap_zone"]),
    ):
        said = "; ".join(
            say("{contrast}: mean {mean}, 95 % interval {range}, n = {n}",
                contrast=pair(each, say), mean=difference(each[axis]["mean"]),
                range=between(each[axis], say) or "-", n=each[axis]["n"])
            for each in contrasts
        )  # fmt: skip
        alternative = say("Paired differences, a dot for each seed. {title}: {said}.", title=title, said=said)
        height = 1.1 + ROW_HEIGHT * len(contrasts)
        found.append(Panel(title, _differences_drawn(contrasts, axis, zone, better, say), alternative, height, MARGIN))
    return found


def noise(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: how far the mean difference is uncertain because of the seeds, and of the test images."""
    known = [each for each in evidence["contrasts"] if each["accuracy"]["crossed"]]
    if not known:
        return []
    said = "; ".join(
        say("{contrast}: seeds {seeds}, test images {images}",
            contrast=pair(each, say), seeds=f"{each['accuracy']['crossed']['seed_deviation']:.2f}",
            images=f"{each['accuracy']['crossed']['image_deviation']:.2f}")
        for each in known
    )  # fmt: skip
    alternative = say("Standard deviation of the mean difference in test accuracy, in points: {said}.", said=said)
    return [Panel(say("Where the noise comes from"), _noise_drawn(known, say), alternative,
                  1.3 + ROW_HEIGHT * len(known), MARGIN)]  # fmt: skip


def cost_and_benefit(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: the gain in test accuracy over the baseline against the time of an epoch."""
    known = [
        each for each in evidence["contrasts"]
        if each["against"] == evidence["baseline"] and each["time_ratio"] and each["accuracy"]["mean"] is not None
    ]  # fmt: skip
    if not known:
        return []
    said = "; ".join(
        say("{name}: {difference} points at {ratio} times the time",
            name=say.method(each["label"]), difference=difference(each["accuracy"]["mean"]),
            ratio=f"{each['time_ratio']:.2f}")
        for each in known
    )  # fmt: skip
    base = _baseline_name(evidence, say)
    alternative = say("Gain in test accuracy over {baseline} against time: {said}.", baseline=base, said=said)
    height = max(HEIGHT, 1.4 + 0.24 * len(known))
    return [Panel(say("Benefit against cost"), _cost_drawn(known, base, say), alternative, height)]


def calibration(evidence: Json, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: accuracy against confidence on the test images, all seeds together."""
    found = []
    for each in evidence["methods"]:
        known, name = evidence["predictions"][each["method"]]["calibration"], say.method(each["label"])
        if known is None:
            continue
        error = known["expected_error"]["mean"]
        surplus = known["mean_confidence"] - known["accuracy"]
        sure = say("about as sure as it should be")
        if abs(surplus) > UNNOTICED:
            sure = say("too sure") if surplus > 0 else say("not sure enough")
        alternative = say(
            "Calibration of {name}: mean confidence {confidence}, accuracy {accuracy}, so it is {sure}; expected "
            "calibration error {error}.",
            name=name, confidence=f"{known['mean_confidence']:.3f}", accuracy=f"{known['accuracy']:.3f}", sure=sure,
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


def _baseline_name(evidence: Json, say: Language) -> str:
    [label] = [each["label"] for each in evidence["methods"] if each["method"] == evidence["baseline"]]
    return say.method(label)


def _beside_baseline(evidence: Json, say: Language) -> list[tuple[Json, Json, Json | None, str]]:
    """Return each method that has curves, with them, those of the baseline (None for itself), and its name."""
    base = evidence["curves"][evidence["baseline"]]
    found = []
    for each in evidence["methods"]:
        curves = evidence["curves"][each["method"]]
        if curves["runs"] and None not in curves["gap"]["mean"]:
            other = each["method"] != evidence["baseline"] and base["runs"] and None not in base["gap"]["mean"]
            found.append((each, curves, base if other else None, str(say.method(each["label"]))))
    return found


def _curves_drawn(
    lines: Sequence[tuple[Json, str, str, str]], onset: float | None, say: Language, *, share: bool = False
) -> Callable[[Axes], None]:
    """Draw lines, given as curves, which of them, label and colour."""

    def draw(axes: Axes) -> None:
        for curves, name, label, color in lines:
            _line(axes, curves, name, legible(label, LONGEST_LABEL), light(color))
        epochs = max(len(curves["epochs"]) for curves, *_ in lines)
        if any(None not in curves[name]["deviation"] for curves, name, *_ in lines):
            note = say("band: ±1 SD over {n} seeds", n=lines[-1][0]["runs"])
            axes.fill_between([], [], color=light("soft"), alpha=0.25, linewidth=0, label=note)
        if any(_stopped(curves) < len(curves["epochs"]) for curves, *_ in lines):
            axes.plot([], [], color=light("soft"), linestyle=CARRIED, label=say("carried forward after a stop"))
        if onset is not None:
            label = say("onset: epoch {epoch}", epoch=f"{onset:.1f}")
            axes.axvline(onset, color=light("soft"), linestyle=":", linewidth=1.2, label=label)
        axes.set_xlabel(say("epoch"))
        axes.set_xlim(0.5, epochs + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True, min_n_ticks=1))
        if share:
            axes.axhline(0, color=light("soft"), linewidth=0.8)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
            axes.set_ylabel(say("gap, points"))

    return draw


def _line(axes: Axes, curves: Json, name: str, label: str, color: str) -> None:
    epochs, stopped = np.array(curves["epochs"]), _stopped(curves)
    mean = np.array(curves[name]["mean"], dtype=float)
    marker = "o" if len(epochs) == 1 else ""  # a line through one point is invisible
    axes.plot(epochs[:stopped], mean[:stopped], label=label, color=color, marker=marker)
    if stopped < len(epochs):  # from where runs were stopped, their last values are carried forward
        first = max(stopped - 1, 0)
        axes.plot(epochs[first:], mean[first:], color=color, linestyle=CARRIED)
    if None not in curves[name]["deviation"]:
        deviation = np.array(curves[name]["deviation"], dtype=float)
        axes.fill_between(epochs, mean - deviation, mean + deviation, color=color, alpha=0.2, linewidth=0)


def _stopped(curves: Json) -> int:
    """Return how many epochs all runs trained."""
    return next((k for k, n in enumerate(curves["training"]) if n < curves["runs"]), len(curves["training"]))


def _fit_drawn(curves: Json, base: Json, names: tuple[str, str], say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        for line, name, color in ((base, names[1], "other"), (curves, names[0], "method")):
            train, val = line["train_acc"]["mean"], line["val_acc"]["mean"]
            label = legible(name, LONGEST_LABEL)
            axes.plot(train, val, color=light(color), marker="o", markersize=2.5, label=label)
        low = min(min(line["val_acc"]["mean"]) for line in (base, curves))
        axes.plot([low, 1], [low, 1], color=light("soft"), linestyle=(0, (3, 2)), linewidth=1, label=say("no gap"))
        axes.set_xlabel(say("training accuracy"))
        axes.set_ylabel(say("validation accuracy"))

    return draw


def _differences_drawn(
    contrasts: Sequence[Json], axis: str, zone: float, better: str, say: Language
) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        _rows(axes, [pair(each, say) for each in contrasts])
        axes.axvspan(-zone, zone, color=light("zone"), zorder=0, label=say("differences that do not matter"))
        axes.axvline(0, color=light("soft"), linewidth=1, zorder=1)
        for row, each in enumerate(contrasts):
            finding = each[axis]
            values = np.array(finding["differences"])
            heights = -row + np.array([JITTER[k % len(JITTER)] for k in range(len(values))])
            label = say("a seed") if row == 0 else None
            axes.plot(values, heights, "o", color=light("other"), markersize=3.5, alpha=0.8, markeredgewidth=0,
                      label=label)  # fmt: skip
            label = say("mean, 95 % interval") if row == 0 else None
            if finding["low"] is not None:
                axes.plot([finding["low"], finding["high"]], [-row - BELOW] * 2, color=light("method"), linewidth=2.2,
                          solid_capstyle="butt")  # fmt: skip
            axes.plot(finding["mean"], -row - BELOW, "D", color=light("method"), markersize=5, label=label)
        axes.set_xlabel(better)

    return draw


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """Give the axes a row for each label, from the top; the labels stand above their rows, so no margin is needed."""
    axes.set_ylim(-len(labels) + 0.45, 0.72)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    for row, label in enumerate(labels):
        axes.text(0.0, -row + 0.33, legible(label, LONGEST_LABEL), transform=axes.get_yaxis_transform(), fontsize=7.5,
                  color=light("ink"), zorder=5)  # fmt: skip


def _noise_drawn(contrasts: Sequence[Json], say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        _rows(axes, [pair(each, say) for each in contrasts])
        rows = -np.arange(len(contrasts), dtype=float)
        for name, label, color, offset in (
            ("seed_deviation", say("seeds: more of them narrow it"), "method", 0.08),
            ("image_deviation", say("test images: only more of them do"), "val", -0.14),
        ):
            sizes = [each["accuracy"]["crossed"][name] for each in contrasts]
            axes.barh(rows + offset, sizes, height=0.18, color=light(color), label=label)
        axes.set_xlim(left=0)
        axes.set_xlabel(say("standard deviation of the mean difference, points"))

    return draw


def _cost_drawn(contrasts: Sequence[Json], base: str, say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        ratios = [1.0] + [each["time_ratio"] for each in contrasts]
        means = [0.0] + [each["accuracy"]["mean"] for each in contrasts]
        names = [base] + [str(say.method(each["label"])) for each in contrasts]
        for each in contrasts:
            finding = each["accuracy"]
            if finding["low"] is not None:
                axes.plot([each["time_ratio"]] * 2, [finding["low"], finding["high"]], color=light("method"), alpha=0.5)
        axes.plot(ratios[1:], means[1:], "o", color=light("method"), markersize=5, label=say("mean, 95 % interval"))
        axes.plot(ratios[:1], means[:1], "s", color=light("other"), markersize=5)
        low, high = axes.get_ylim()
        left, right = min(ratios), max(ratios)
        width = max(right - left, 0.1)
        axes.set_xlim(left - 0.08 * width, right + 0.95 * width)  # room for the names
        axes.set_ylim(low, high)
        places = apart(means, LABELS_APART * (high - low))
        for ratio, mean, name, place in zip(ratios, means, names, places, strict=True):
            axes.annotate(
                legible(name, 28), (ratio, mean), (right + 0.06 * width, place), va="center", fontsize=7.5,
                arrowprops={"arrowstyle": "-", "color": light("grid"), "linewidth": 0.8, "shrinkA": 1, "shrinkB": 3},
            )  # fmt: skip
        axes.hlines(0, left - 0.08 * width, right, color=light("soft"), linewidth=0.8)
        axes.set_xticks([tick for tick in axes.get_xticks() if left - 0.1 * width <= tick <= right + 0.1 * width])
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


def _calibration_drawn(known: Json, say: Language) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        axes.plot(
            [0, 1], [0, 1], color=light("soft"), linestyle=(0, (3, 2)), linewidth=1, label=say("right as often as sure")
        )
        confidence = [each["confidence"] for each in known["bins"]]
        accuracy = [each["accuracy"] for each in known["bins"]]
        most = max(each["images"] for each in known["bins"])
        sizes = [8 + 70 * each["images"] / most for each in known["bins"]]
        axes.scatter(confidence, accuracy, s=sizes, color=light("method"), linewidths=0, alpha=0.85)
        error = known["expected_error"]
        spread = "" if error["deviation"] is None else f" ±{error['deviation']:.3f}"
        axes.plot([], [], "o", color=light("method"), markersize=4, label=f"ECE {error['mean']:.3f}{spread}")
        axes.set_xlim(0, 1.03)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel(say("confidence"))
        axes.set_ylabel(say("accuracy"))

    return draw
