"""An evaluation in words, for a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from overfitlab.display import display_name
from overfitlab.results.evaluation import ClassNumbers, EvaluationNumbers, Mistaken
from overfitlab.words.columns import padded
from overfitlab.words.language import ENGLISH, Language

LISTED_CLASSES = 20  # more are in the file; then those with the lowest F1 are shown
LISTED_CONFUSIONS = 5
LONGEST_NAME = 28
PARTS = {
    "test": "its test images",
    "validation": "its validation images, which were watched during training",
    "training": "its training images: this shows how well they are fitted, not how well it generalizes",
    "all": "all images of other data",
}
COLUMNS = (("images", 7), ("precision", 9), ("recall", 6), ("F1", 6))  # of the table of classes, and their widths


def evaluation_text(found: EvaluationNumbers, say: Language = ENGLISH) -> str:
    """Return the numbers in lines without a line break at the end."""
    lines = [
        *_about(found, say),
        "",
        *_aligned(_measures(found, say)),
        "",
        *_confusions(found.confusions, say),
        *_classes(found.classes, say),
    ]
    return "\n".join(lines)


def _about(found: EvaluationNumbers, say: Language) -> Iterator[str]:
    what = say("{method}, run {run}, on {data}", method=say.method(found.method), run=found.run,
               data=found.data.name)  # fmt: skip
    yield display_name(what)
    part = say(PARTS[found.part])
    yield say("{images:,} images: {part} ({precision})",
              images=found.images, part=part, precision=found.precision)  # fmt: skip
    if found.part == "test":
        yield say(
            "The test images are for judging at the end. A method or a setting that is chosen by them will look "
            "better than it is; choose with --part validation."
        )
    if found.unreadable:
        yield say("{files:,} files are left out, as they are not readable images", files=found.unreadable)


def _measures(found: EvaluationNumbers, say: Language) -> Iterator[tuple[str, float, str]]:
    """Yield what was measured: its name, its value, and what to make of it."""
    low, high = found.accuracy_interval
    interval = say("95 % interval {range}", range=say("{low} to {high}", low=f"{low:.4f}", high=f"{high:.4f}"))
    yield say("accuracy"), found.accuracy, interval
    yield say("balanced accuracy"), found.balanced_accuracy, say("every class counts the same")
    yield say("loss"), found.loss, say("mean cross-entropy, nats")
    yield say("Brier score"), found.brier, say("0 is perfect, 2 the worst")
    confidence, surety = f"{found.mean_confidence:.4f}", _surety(found, say)
    yield (
        say("ECE"),
        found.ece,
        say("mean confidence {confidence}: {surety}", confidence=confidence, surety=surety),
    )


def _aligned(measures: Iterable[tuple[str, float, str]]) -> Iterator[str]:
    measures = list(measures)
    width = max(cell_len(name) for name, _, _ in measures)
    for name, value, text in measures:
        yield f"{padded(name, width)}  {value:.4f}   {text}"


def _surety(found: EvaluationNumbers, say: Language) -> str:
    """Compare confidence with accuracy, as far as so many images can tell them apart."""
    low, high = found.accuracy_interval
    if found.mean_confidence > high:
        return say("overconfident")
    if found.mean_confidence < low:
        return say("underconfident")
    return say("not clearly different from the accuracy")


def _confusions(confusions: Sequence[Mistaken], say: Language) -> list[str]:
    if not confusions:
        return [say("No image is misclassified."), ""]
    lines = [
        say("  {count:>6,} of {true} predicted as {predicted} ({share:.1%})", count=one.images,
            true=_short(one.true), predicted=_short(one.predicted), share=one.share)
        for one in confusions[:LISTED_CONFUSIONS]
    ]  # fmt: skip
    return [say("Most frequent mistakes:"), *lines, ""]


def _classes(classes: Sequence[ClassNumbers], say: Language) -> Iterator[str]:
    shown = classes
    if len(classes) > LISTED_CLASSES:
        scored = [row for row in classes if row.f1 is not None]
        shown = sorted(scored, key=lambda row: row.f1 or 0.0)[:LISTED_CLASSES]
        yield say("The {shown} classes with the lowest F1, of {all} (per_class.csv has all):",
                  shown=len(shown), all=len(classes))  # fmt: skip
    names = [_short(row.name) for row in shown]
    head, *columns = map(say, ("class", *(name for name, _ in COLUMNS)))
    width = max(map(cell_len, [head, *names]))
    yield _row(padded(head, width), columns)
    for name, row in zip(names, shown, strict=True):
        rates = ("-" if rate is None else f"{rate:.4f}" for rate in (row.precision, row.recall, row.f1))
        yield _row(padded(name, width), (f"{row.images:,}", *rates))


def _row(name: str, cells: Iterable[str]) -> str:
    aligned = (padded(cell, width, right=True) for cell, (_, width) in zip(cells, COLUMNS, strict=True))
    return "  ".join((name, *aligned))


def _short(name: str) -> str:
    shown = display_name(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 3]}..."
