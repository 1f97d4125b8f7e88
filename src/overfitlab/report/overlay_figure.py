"""The validation loss of all methods in one panel: who is lowest, and whose loss rises again."""

from dataclasses import replace
from statistics import median_low

from overfitlab.interop.evidence import Document
from overfitlab.report.curve_figures import DOT, FARTHEST, PADDING, onset_words, stopped
from overfitlab.report.layout import with_area
from overfitlab.report.lettering import told_apart
from overfitlab.report.marks import LETTERS, Dot, Dots, Line, Mark, Panel, Remark
from overfitlab.report.method_looks import Look, looks
from overfitlab.report.scales import around, axis
from overfitlab.study.evidence import Curves
from overfitlab.words.language import ENGLISH, Language

LONGEST_NAME = 44  # letters of a method
NAME_WIDTH = 1.35  # inches of it in the legend, which has two columns
FAINT = 0.45  # opacity of what is carried forward
AREA = 2.0  # inches, of the height inside the axes


def validation_loss(evidence: Document, say: Language = ENGLISH) -> list[Panel]:
    """Return one panel: the mean validation loss of every method over the epochs, with a dot where it is lowest.

    The legend has the methods in the order in which their lines end, from the top.
    """
    names = told_apart([str(say.method(each.label)) for each in evidence.methods], LONGEST_NAME, size=LETTERS,
                       width=NAME_WIDTH)  # fmt: skip
    labels = {each.method: name for each, name in zip(evidence.methods, names, strict=True)}
    known = [(each, curves) for each in evidence.methods if (curves := evidence.curves[each.method]).runs
             and curves.epochs and None not in curves.val_loss.mean]  # fmt: skip
    if not known:
        return []
    ends = {each.method: _values(curves)[-1] for each, curves in known}
    known.sort(key=lambda found: -ends[found[0].method])
    low, high = _scale([curves for _, curves in known])
    seen = looks(evidence)
    marks: list[Mark] = []
    said, beyond = [], []
    for each, curves in known:
        marks += _curve(each.method, curves, seen[each.method], labels[each.method])
        said.append(say("{name} ends at {loss}, {onset}", name=say.method(each.label), loss=f"{ends[each.method]:.2f}",
                        onset=onset_words(each, say)))  # fmt: skip
        if max(_values(curves)) > high:
            beyond.append(labels[each.method])
    marks += [_lowest(each.method, curves, seen[each.method]) for each, curves in known]
    marks.append(Dots(dots=(), color="soft", size=2 * DOT, label=say("lowest point")))
    if any(stopped(curves) < len(curves.epochs) for _, curves in known):
        marks.append(Line(x=(), y=(), color="soft", opacity=FAINT, label=say("carried forward after a stop")))
    if beyond:
        marks.append(Remark(label=say("off the scale: {names}", names=", ".join(beyond))))
    epochs = max(len(curves.epochs) for _, curves in known)
    panel = Panel(
        title=say("Validation loss"), marks=tuple(marks), y=axis(low, high),
        x=axis(0.5, epochs + 0.5, say("epoch"), whole=True), key="val_loss",
        alternative=say("Validation loss of all methods over {epochs} epochs, means over the seeds: {said}.",
                        epochs=epochs, said="; ".join(said)),
    )  # fmt: skip
    return [with_area(panel, AREA)]


def _curve(method: str, curves: Curves, look: Look, label: str) -> list[Line]:
    """Return a curve, faint where the last values of runs that were stopped are carried forward."""
    epochs, mean, end = tuple(map(float, curves.epochs)), curves.val_loss.mean, stopped(curves)
    line = Line(x=epochs[:end], y=mean[:end], color=look.color, dash=look.dash, width=look.width, label=label,
                key=method)  # fmt: skip
    found = [line]
    if end < len(epochs):
        first = max(end - 1, 0)
        found.append(replace(line, x=epochs[first:], y=mean[first:], opacity=FAINT, label="", key=f"{method}:carried"))
    return found


def _lowest(method: str, curves: Curves, look: Look) -> Dots:
    values = _values(curves)
    epoch = min(range(len(values)), key=values.__getitem__)
    dot = Dot(float(curves.epochs[epoch]), values[epoch], 2 * DOT if look.color == "ink" else 1.6 * DOT,
              f"{method}:lowest")  # fmt: skip
    return Dots(dots=(dot,), color=look.color, size=dot.size)


def _values(curves: Curves) -> list[float]:
    return [value for value in curves.val_loss.mean if value is not None]


def _scale(found: list[Curves]) -> tuple[float, float]:
    """Return the ends of the scale; a loss that grows without end does not press the others flat."""
    highest = [max(_values(curves)) for curves in found]
    top = min(max(highest), FARTHEST * median_low(highest))
    return around((min(min(_values(curves)) for curves in found), top), PADDING)
