"""An evaluation in words, for a terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len

from overfitlab.files import display_name

LISTED_CLASSES = 20  # more are in the file; then those with the lowest F1 are shown
LISTED_CONFUSIONS = 5
LONGEST_NAME = 28
TEST_WARNING = (
    "The test images are for judging at the end. A method or a setting that is chosen by them will look better\n"
    "than it is; choose with --part validation."
)
PARTS = {
    "test": "its test images",
    "validation": "its validation images, which training was watched with",
    "training": "its training images: this says how well they are fitted, not how well it generalizes",
    "all": "all images of other data",
}


def evaluation_text(document: dict[str, Any]) -> str:
    """Return what `Evaluation.as_dict()` says, in lines without a line break at the end."""
    low, high = document["accuracy_interval"]
    lines = [
        display_name(f"{document['method']}, run {document['run']}, on {document['data']['name']}"),
        f"{document['images']:,} images: {PARTS[document['part']]} ({document['precision']})",
        *([TEST_WARNING] if document["part"] == "test" else []),
        *(
            [f"{document['unreadable']:,} files are left out: they are no readable images"]
            if document["unreadable"]
            else []
        ),
        "",
        f"accuracy           {document['accuracy']:.4f}   95 % interval {low:.4f} to {high:.4f}",
        f"balanced accuracy  {document['balanced_accuracy']:.4f}   every class counts the same",
        f"loss               {document['loss']:.4f}   mean cross-entropy, nats",
        f"Brier score        {document['brier']:.4f}   0 is perfect, 2 the worst",
        f"ECE                {document['ece']:.4f}   mean confidence {document['mean_confidence']:.4f}: "
        f"{_surety(document)}",
        "",
        *_confusions(document["confusions"]),
        *_classes(document["classes"]),
    ]
    return "\n".join(lines)


def _surety(document: dict[str, Any]) -> str:
    """Compare confidence with accuracy, as far as so many images can tell them apart."""
    low, high = document["accuracy_interval"]
    if document["mean_confidence"] > high:
        return "surer than it is right"
    return (
        "less sure than it is right" if document["mean_confidence"] < low else "no clear difference from the accuracy"
    )


def _confusions(confusions: Sequence[dict[str, Any]]) -> list[str]:
    if not confusions:
        return ["No image is taken for another class.", ""]
    lines = [
        f"  {one['images']:>6,} of {_short(one['true'])} taken for {_short(one['predicted'])} ({one['share']:.1%})"
        for one in confusions[:LISTED_CONFUSIONS]
    ]
    return ["Most frequent mistakes:", *lines, ""]


def _classes(classes: Sequence[dict[str, Any]]) -> Iterable[str]:
    shown = classes
    if len(classes) > LISTED_CLASSES:
        scored = [row for row in classes if row["f1"] is not None]
        shown = sorted(scored, key=lambda row: float(row["f1"]))[:LISTED_CLASSES]
        yield f"The {len(shown)} classes with the lowest F1, of {len(classes)} (per_class.csv has all):"
    names = [_short(row["class"]) for row in shown]
    width = max(map(cell_len, ["class", *names]))
    yield f"{'class'.ljust(width)}   images  precision  recall      F1"
    for name, row in zip(names, shown, strict=True):
        rates = (f"{'-' if row[key] is None else format(row[key], '.4f'):>{w}}" for key, w in RATES)
        yield f"{name}{' ' * (width - cell_len(name))}  {row['images']:>7,}  {'  '.join(rates)}"


RATES = (("precision", 9), ("recall", 6), ("f1", 6))


def _short(name: str) -> str:
    shown = display_name(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 3]}..."
