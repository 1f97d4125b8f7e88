"""How texts call the metric that a study compares by: its name, unit and sizes."""

from collections.abc import Mapping
from dataclasses import dataclass

from overfitlab.results.metric import BY_NAME, POINTS
from overfitlab.words.language import ENGLISH, Language


@dataclass(frozen=True)
class MetricWords:
    """The English of one metric; fields `size` and `points` of the templates are both the number."""

    name: str  # of the test images
    title: str
    same: str
    more: str
    less: str
    headline: str  # a method and its difference
    axis: str  # of a figure: what the baseline is exceeded by


TEST_WORDS: Mapping[str, MetricWords] = {
    "accuracy": MetricWords(
        "test accuracy", "Test accuracy", "the same test accuracy", "{points} points more test accuracy",
        "{points} points less test accuracy", "{name} ({difference} points of test accuracy)",
        "difference in test accuracy, points",
    ),
    "balanced_accuracy": MetricWords(
        "balanced test accuracy", "Balanced test accuracy", "the same balanced test accuracy",
        "{size} points more balanced test accuracy", "{size} points less balanced test accuracy",
        "{name} ({difference} points of balanced test accuracy)", "difference in balanced test accuracy, points",
    ),
    "f1": MetricWords(
        "test macro F1", "Test macro F1", "the same test macro F1", "{size} points more test macro F1",
        "{size} points less test macro F1", "{name} ({difference} points of test macro F1)",
        "difference in test macro F1, points",
    ),
    "loss": MetricWords(
        "test loss", "Test loss", "the same test loss", "{size} nats more test loss", "{size} nats less test loss",
        "{name} ({difference} nats of test loss)", "difference in test loss, nats",
    ),
}  # fmt: skip
VALIDATION_WORDS: Mapping[str, MetricWords] = {  # of logs of others, where there are no test images
    "validation_accuracy": MetricWords(
        "validation accuracy", "Validation accuracy", "the same validation accuracy",
        "{size} points more validation accuracy", "{size} points less validation accuracy",
        "{name} ({difference} points of validation accuracy)", "difference in validation accuracy, points",
    ),
    "validation_balanced_accuracy": MetricWords(
        "balanced validation accuracy", "Balanced validation accuracy", "the same balanced validation accuracy",
        "{size} points more balanced validation accuracy", "{size} points less balanced validation accuracy",
        "{name} ({difference} points of balanced validation accuracy)",
        "difference in balanced validation accuracy, points",
    ),
    "validation_f1": MetricWords(
        "validation macro F1", "Validation macro F1", "the same validation macro F1",
        "{size} points more validation macro F1", "{size} points less validation macro F1",
        "{name} ({difference} points of validation macro F1)", "difference in validation macro F1, points",
    ),
    "validation_loss": MetricWords(
        "validation loss", "Validation loss", "the same validation loss", "{size} nats more validation loss",
        "{size} nats less validation loss", "{name} ({difference} nats of validation loss)",
        "difference in validation loss, nats",
    ),
}  # fmt: skip
COLUMN_WORDS: Mapping[str, MetricWords] = {  # of a column that a user named, by unit; {column} is its name
    "points": MetricWords(
        "{column}", "{column}", "the same {column}", "{size} points more {column}", "{size} points less {column}",
        "{name} ({difference} points of {column})", "difference in {column}, points",
    ),
    "nats": MetricWords(
        "{column}", "{column}", "the same {column}", "{size} more {column}", "{size} less {column}",
        "{name} ({difference} of {column})", "difference in {column}",
    ),
}  # fmt: skip
GAP_WORDS_BY_UNIT: Mapping[str, MetricWords] = {
    "points": MetricWords(
        "gap", "Generalization gap", "its gap is the same", "its gap is {points} points larger",
        "its gap is {points} points smaller", "{name} ({difference} points of gap)", "",
    ),
    "nats": MetricWords(
        "gap", "Generalization gap", "its gap is the same", "its gap is {size} nats larger",
        "its gap is {size} nats smaller", "{name} ({difference} nats of gap)", "",
    ),
}  # fmt: skip
TEXTS = {
    text
    for words in (*TEST_WORDS.values(), *VALIDATION_WORDS.values(), *COLUMN_WORDS.values(), *GAP_WORDS_BY_UNIT.values())
    for text in vars(words).values()
    if text
}
HELPING_SIDE = {  # of an axis of differences, by unit and by whether less is better
    ("points", False): "points; right of 0: generalizes better",
    ("points", True): "points; left of 0: generalizes better",
    ("nats", True): "nats; left of 0: generalizes better",
    ("nats", False): "right of 0: generalizes better",
}
HELPING_GAP = {"points": "points; left of 0: overfits less", "nats": "nats; left of 0: overfits less"}


def column(metric: str) -> str:
    """Return the column of a user's that a metric is; empty for one that has a name of its own."""
    return "" if metric in TEST_WORDS or metric in VALIDATION_WORDS else metric.split(":", 2)[-1]


def name(metric: str, say: Language = ENGLISH) -> str:
    """Return what the metric is called, of test images: `test accuracy`."""
    return say(words_of(metric, "metric").name, column=column(metric))


def title(metric: str, say: Language = ENGLISH) -> str:
    """Return it as the title of a figure."""
    return say(words_of(metric, "metric").title, column=column(metric))


def axis(metric: str, say: Language = ENGLISH) -> str:
    """Return what an axis of a figure says of it: what the baseline is exceeded by."""
    return say(words_of(metric, "metric").axis, column=column(metric))


def words_of(metric: str, axis: str) -> MetricWords:
    """Return the words of an axis: `metric` or `gap`."""
    if axis == "gap":
        return GAP_WORDS_BY_UNIT[BY_NAME[metric].unit]
    return TEST_WORDS.get(metric) or VALIDATION_WORDS.get(metric) or COLUMN_WORDS[BY_NAME[metric].unit]


def digits(metric: str) -> int:
    """Return how many decimals a size has in a sentence."""
    return 1 if BY_NAME[metric].unit == POINTS else 3


def table_digits(metric: str) -> int:
    """Return how many decimals a difference has in tables and figures."""
    return 2 if BY_NAME[metric].unit == POINTS else 3


def size(mean: float | None, metric: str, axis: str, say: Language = ENGLISH) -> str:
    """Return a difference in words: `1.2 points more test accuracy`, `its gap is 0.030 nats smaller`."""
    words = words_of(metric, axis)
    if not mean:
        return say(words.same, column=column(metric))
    number = f"{abs(mean):.{digits(metric)}f}"
    return say(words.more if mean > 0 else words.less, size=number, points=number, column=column(metric))


def amount(number: float, metric: str, say: Language = ENGLISH) -> str:
    """Return a margin with its unit: `0.5 points`, `0.02 nats`."""
    if BY_NAME[metric].unit == POINTS:
        return say("{number} point" if number == 1 else "{number} points", number=f"{number:g}")
    return say("{number} nats", number=f"{number:g}")
