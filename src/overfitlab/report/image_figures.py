"""The confusion matrices of a study, from its evidence."""

from collections.abc import Sequence
from dataclasses import replace

from overfitlab.report.lettering import inches, told_apart
from overfitlab.report.marks import Axis, Matrix, Panel, Tick
from overfitlab.report.scales import axis
from overfitlab.study.evidence import Evidence, MethodPredictions
from overfitlab.words.language import ENGLISH, Language

COUNTED_CLASSES = 20  # up to so many each has its name, and every cell its number
LONGEST_NAME = 24  # letters of a class
LETTERS = 6.5  # points
MATRIX, MOST_ROOM = 2.85, 1.1  # inches: of the height without what lies below, and of the names of classes
BESIDE_NAMES, NUMBERS = 0.36, 0.1  # inches of a margin that are not names, and of numbers in place of names
LEAST_SHOWN = 0.5  # percent


def confusion(evidence: Evidence, say: Language = ENGLISH) -> list[Panel]:
    """Return a panel for each method: its confusion matrix over all seeds, in percent of the true class."""
    classes = evidence.data.classes
    found = [
        confusion_panel(str(say.method(each.label)), evidence.predictions[each.method], classes, say, each.method)
        for each in evidence.methods
    ]
    return [panel for panel in found if panel is not None]


def confusion_panel(
    name: str, said: MethodPredictions, classes: Sequence[str], say: Language, key: str = ""
) -> Panel | None:
    """Return the panel of one method or run; None where there are too many classes."""
    if said.confusion is None:
        return None
    names = told_apart(classes, LONGEST_NAME, size=LETTERS, width=MOST_ROOM)
    counted = len(names) <= COUNTED_CLASSES
    margin = BESIDE_NAMES + (max(inches(name, LETTERS) for name in names) if counted else NUMBERS)
    x, y = replace(_classes(names), label=say("predicted class"), turned=counted), _classes(names)
    y = replace(y, label=say("true class"), low=y.high, high=y.low)  # from the top
    shares = tuple(tuple(count / max(sum(row), 1) for count in row) for row in said.confusion)
    texts = tuple(tuple(_percent(share) if counted else "" for share in row) for row in shares)
    top = frequent_mistakes(said, classes, say) or "-"
    alternative = f"{say('Confusion matrices of {methods}', methods=name)}: {top}."
    return Panel(
        title=name, alternative=alternative, x=x, y=y, marks=(Matrix(values=shares, texts=texts),),
        height=MATRIX + margin, left=margin, bottom=margin, key=key,
    )  # fmt: skip


def frequent_mistakes(said: MethodPredictions, classes: Sequence[str], say: Language) -> str:
    """Return what is most often taken for what, the most frequent mistake first; "" where there is none."""
    return ", ".join(
        say("{true} predicted as {predicted} ({share} %)", true=classes[one.true], predicted=classes[one.predicted],
            share=f"{100 * one.share:.1f}")
        for one in sorted(said.top_confusions, key=lambda one: -one.share)
    )  # fmt: skip


def _classes(names: Sequence[str]) -> Axis:
    """Return an axis of classes: each one's name, or where they are too many, a few of their numbers."""
    low, high = -0.5, len(names) - 0.5
    if len(names) > COUNTED_CLASSES:
        return axis(low, high, whole=True, grid=False)
    ticks = tuple(Tick(float(number), name) for number, name in enumerate(names))
    return Axis(low=low, high=high, ticks=ticks, grid=False, letters=LETTERS)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if 100 * share >= LEAST_SHOWN else ""
