"""The figures of other people's runs: a study's own where it has what they need, and two that need less."""

import math
from collections.abc import Callable, Mapping

from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.report import metric_words
from overfitlab.report.cost_figure import cost_and_benefit
from overfitlab.report.curve_figures import equal_fit, gap_curves, onset_words
from overfitlab.report.marks import DASHED, DOTTED, Band, Dot, Dots, Line, Mark, Panel, Rule, Text
from overfitlab.report.marks import Axis as PanelAxis
from overfitlab.report.overlay_figure import validation_loss
from overfitlab.report.scales import around, axis
from overfitlab.report.study_figures import paired_differences
from overfitlab.results.metric import BY_NAME
from overfitlab.study.evidence import Curve
from overfitlab.words.language import ENGLISH, Language

ROW_HEIGHT = 0.42  # inches
ROOM_ABOVE = 0.3  # of a row: where its name stands


def runs(evidence: JudgedEvidence, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: the metric of every run as a dot, a row a method."""
    name = metric_words.name(evidence.metric, say)
    scale = BY_NAME[evidence.metric].scale
    rows = [(each, [scale * value for _, value in evidence.values[each.method]]) for each in evidence.methods
            if evidence.values[each.method]]  # fmt: skip
    values = [value for _, row in rows for value in row]
    if not values:
        return []
    low, high = around((min(values), max(values)))
    places = metric_words.table_digits(evidence.metric)
    marks: list[Mark] = []
    for row, (each, found) in enumerate(rows):
        dots = tuple(
            Dot(scale * value, -row, 3.5, f"{each.method}:{seed}", tip=f"{seed}: {scale * value:.{places}f}")
            for seed, value in evidence.values[each.method]
        )
        marks += [
            Dots(dots=dots, color="other", size=3.5, opacity=0.8, label=say("a run") if row == 0 else ""),
            Dots(dots=(Dot(sum(found) / len(found), -row, 6.0, f"{each.method}:mean"),), color="method", size=6.0,
                 shape="diamond", label=say("mean") if row == 0 else ""),
            Text(x=low, y=ROOM_ABOVE - row, text=str(say.method(each.label))[:60], stands=True, ground=True),
        ]  # fmt: skip
    said = "; ".join(f"{say.method(each.label)}: {sum(found) / len(found):.{places}f}, n = {len(found)}"
                     for each, found in rows)  # fmt: skip
    return [
        Panel(
            title=metric_words.title(evidence.metric, say), alternative=say("{metric}, means: {said}.", metric=name,
                                                                          said=said),
            x=axis(low, high, name), y=PanelAxis(low=0.4 - len(rows), high=0.65, grid=False, line=False),
            marks=tuple(marks), height=1.1 + ROW_HEIGHT * len(rows), left=0.12,
        )
    ]  # fmt: skip


def learning_curves(evidence: JudgedEvidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method and each of loss and accuracy that was logged on validation images."""
    found = []
    for metric, word, digits in (("loss", say("loss"), 2), ("acc", say("accuracy"), 3)):
        shown = [curve for each in evidence.curves.values() for curve in (each.curve(f"val_{metric}"),
                                                                         each.curve(f"train_{metric}"))]  # fmt: skip
        values = [value for curve in shown for value in curve.mean if value is not None]
        if not values or not any(each.curve(f"val_{metric}").mean[-1:] for each in evidence.curves.values()):
            continue
        y = axis(*around((min(values), max(values)), 0.04))
        for each in evidence.methods:
            curves, name = evidence.curves[each.method], str(say.method(each.label))
            validation, training = curves.curve(f"val_{metric}"), curves.curve(f"train_{metric}")
            last = validation.mean[-1] if validation.mean else None
            if last is None:
                continue
            train_word = say("training, as logged") if evidence.as_logged else say("training")
            marks = [*_curve(training, "train", train_word, dashed=evidence.as_logged),
                     *_curve(validation, "val", say("validation"))]  # fmt: skip
            if each.onset is not None:
                label = say("onset: epoch {epoch}", epoch=f"{round(each.onset.mean, 1):g}")
                marks.append(Rule(at=each.onset.mean, axis="x", color="soft", width=1.2, dash=DOTTED, label=label))
            found.append(
                Panel(
                    title=f"{name}: {word}",
                    alternative=say("{metric} of {name} over {epochs} epochs, means of {n} runs: validation "
                                    "ends at {last}; "
                                    "{onset}.", metric=word, name=name, epochs=len(curves.epochs), n=curves.runs,
                                    last=f"{last:.{digits}f}", onset=onset_words(each, say)),
                    x=axis(0.5, len(curves.epochs) + 0.5, say("epoch"), whole=True), y=y, marks=tuple(marks),
                    key=f"{each.method}:{metric}",
                )
            )  # fmt: skip
    return found


def equal_fit_of_others(evidence: JudgedEvidence, say: Language = ENGLISH) -> list[Panel]:
    """Return the panels of validation against training accuracy; none where training was logged as running means."""
    return [] if evidence.as_logged else equal_fit(evidence, say)


def _curve(curve: Curve, color: str, label: str, *, dashed: bool = False) -> list[Mark]:
    epochs = tuple(float(number) for number in range(1, len(curve.mean) + 1))
    if not any(value is not None and math.isfinite(value) for value in curve.mean):
        return []
    marker = 3.5 if len(epochs) == 1 else 0.0
    line = (
        Line(x=epochs, y=curve.mean, color=color, label=label, marker=marker, dash=DASHED)
        if dashed
        else Line(x=epochs, y=curve.mean, color=color, label=label, marker=marker)
    )
    if None in curve.deviation:
        return [line]
    low, high = (
        tuple(None if mean is None or sd is None else mean + sign * sd
              for mean, sd in zip(curve.mean, curve.deviation, strict=True))
        for sign in (-1, 1)
    )  # fmt: skip
    return [Band(x=epochs, low=low, high=high, color=color), line]


FIGURES: Mapping[str, tuple[Callable[..., list[Panel]], int]] = {  # with the number of columns in a paper
    "paired_differences": (paired_differences, 2),
    "runs": (runs, 1),
    "validation_loss": (validation_loss, 1),
    "learning_curves": (learning_curves, 2),
    "gap_curves": (gap_curves, 3),
    "equal_fit": (equal_fit_of_others, 3),
    "cost_and_benefit": (cost_and_benefit, 1),
}
