"""The learning curves of a single run: as plain data, and as the notebook draws them."""

import math
from collections.abc import Sequence
from dataclasses import replace

from matplotlib.ticker import MaxNLocator

from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import legible_lines, lettering
from overfitlab.report.marks import DOTTED, Dash, Line, Mark, Panel, Rule, Values
from overfitlab.report.paper import draw_marks
from overfitlab.report.scales import around, axis
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset
from overfitlab.words.language import ENGLISH, Language

NOTEBOOK = {"train": "blue", "val": "orange", "soft": "0.4"}  # its colours, in place of our palette's
DASHED: Dash = (3.7, 1.6)
DOT = 6.0  # points


def run_panels(rows: Sequence[EpochRow], say: Language = ENGLISH, planned: int = 1) -> list[Panel]:
    """Return two panels, loss and accuracy over the epochs, training and validation on one axis.

    There is room for as many epochs as are `planned`, where more are still to come.
    The onset of overfitting, the epoch with the lowest validation loss, is a dashed line in both. Where training images
    were measured in evaluation mode, that is the line of training, and what the progress bar showed a thin, dotted one.
    """
    return [_panel(rows, metric, say, planned) for metric in ("loss", "acc")]


def learning_curves(rows: Sequence[EpochRow], title: str = "") -> DisplayedFigure:
    """Return the notebook's figure: two panels, `loss` and `acc`, training in blue, validation in orange.

    What is in it, `run_panels` says.
    """
    figure = DisplayedFigure(figsize=(10, 5), layout="constrained")
    for axes, panel in zip(figure.subplots(1, 2), run_panels(rows), strict=True):
        handles = draw_marks(axes, panel.marks, NOTEBOOK.__getitem__)
        axes.set(title=panel.title, xlabel=panel.x.label, xlim=(panel.x.low, panel.x.high),
                 ylim=(panel.y.low, panel.y.high))  # fmt: skip
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))  # it is large enough for many ticks
        axes.legend(handles=handles)
    if title:
        with lettering():
            figure.suptitle(legible_lines(title))
    return figure


def _panel(rows: Sequence[EpochRow], metric: str, say: Language, planned: int) -> Panel:
    epochs = tuple(float(row.epoch) for row in rows)
    clean = bool(rows) and rows[0].train_loss is not None
    train, val = _column(rows, f"train_{metric}" if clean else metric), _column(rows, f"val_{metric}")
    running = _column(rows, metric)
    dot = DOT if len(rows) == 1 else 0.0  # a line through one point is invisible
    line = Line(x=epochs, y=train, color="train", marker=dot, label=f"train_{metric}", key="train")
    marks: list[Mark] = [line]
    if clean:
        label = say("{name}, while training", name=metric)
        marks.append(replace(line, y=running, dash=DOTTED, width=1.0, label=label, key="running"))
    marks.append(replace(line, y=val, color="val", label=f"val_{metric}", key="val"))
    lowest = onset(list(rows))
    words = say("validation loss was lowest in the last epoch, so overfitting has not begun")
    if lowest is not None and lowest is not rows[-1]:  # else nothing has come after it: no overfitting seen yet
        words = say("the onset of overfitting lies at epoch {onset}", onset=lowest.epoch)
        label = say("onset (epoch {epoch})", epoch=lowest.epoch)
        marks.append(Rule(at=lowest.epoch, axis="x", color="soft", width=1.0, dash=DASHED, label=label, key="onset"))
    shown = [value for values in (train, running, val) for value in values if value is not None]
    alternative = say(
        "{metric} over {epochs} epochs: after the last epoch training is at {train}, validation at {val}; {onset}.",
        metric=metric, epochs=len(rows), train=_last(train), val=_last(val), onset=words,
    )  # fmt: skip
    return Panel(
        title=metric, alternative=alternative, marks=tuple(marks), key=metric,
        x=axis(0.5, max(len(rows), planned, 1) + 0.5, say("epoch"), whole=True),  # epochs count from 1
        y=axis(*around(shown)),
    )  # fmt: skip


def _column(rows: Sequence[EpochRow], name: str) -> Values:
    values = [getattr(row, name) for row in rows]
    return tuple(value if value is not None and math.isfinite(value) else None for value in values)


def _last(values: Values) -> str:
    return "-" if not values or values[-1] is None else f"{values[-1]:.3f}"
