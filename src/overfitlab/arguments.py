"""What users write, as values of the configuration."""

import math
from collections.abc import Iterable, Mapping, Set
from typing import Literal

from overfitlab.config import (
    LARGEST_IMAGE,
    SMALLEST_IMAGE,
    VARIED,
    StudyConfig,
)
from overfitlab.errors import UsageError
from overfitlab.values import check_one_of, check_whole, number, pair, shown, whole

SECONDS = {"s": 1, "m": 60, "h": 3600}


def image_size(given: object) -> tuple[int, int]:
    """Return (height, width) in pixels from `"64"`, `"48x64"`, `64` or `(48, 64)`; raises `UsageError`."""
    both = pair(given)
    if both is not None and all(whole(side) is not None for side in both):
        given = "x".join(str(whole(side)) for side in both)
    single = whole(given)
    text = str(single) if single is not None else given if isinstance(given, str) else shown(given)
    sides = [side.strip(" ") for side in text.lower().split("x")]
    if len(sides) not in (1, 2) or not all(side.isascii() and side.isdigit() and len(side) < 10 for side in sides):
        raise UsageError(
            "no_image_size", "image size must be a number of pixels, or HEIGHTxWIDTH, not {text!r}", text=text
        )
    height, width = int(sides[0]), int(sides[-1])
    for side in (height, width):
        check_whole("image size", side, low=SMALLEST_IMAGE, high=LARGEST_IMAGE)
    return height, width


def varied(given: object) -> tuple[str, ...]:
    """Return what the seed decides from `"split,init,order"`, some of them, a list of these, or `"nothing"`.

    Raises `UsageError`.
    """
    words = tuple(word.strip() for word in joined(given).split(","))
    if words == ("nothing",):
        return ()
    for word in words:
        check_one_of("word after --vary:", word, VARIED)
    return words


def looks(given: object) -> tuple[int, ...]:
    """Return after how many seeds a study is looked at, from `"8"`, `8`, `"6,12"` or `(6, 12)`; raises `UsageError`."""
    text = joined(given)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise UsageError(
            "no_numbers_of_seeds", "--seeds takes a number of seeds, or several for planned looks: 6,12; not "
                                   "{text!r}",
            text=text,
        )  # fmt: skip
    return tuple(int(word) for word in words)


def until_decided(given: object) -> int | Literal["none"]:
    """Return the largest number of seeds from `"12"` or `12`, or `"none"`; raises `UsageError`."""
    text = joined(given)
    word = text.strip().lower()
    if word == "none":
        return "none"
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise UsageError(
            "no_maximum_of_seeds", "--until-decided takes the maximum number of seeds, or none; not {text!r}", text=text
        )
    return int(word)


def seconds(given: object) -> int:
    """Return the seconds of `"90s"`, `"10m"` or `"1.5h"`; raises `UsageError`."""
    text = joined(given)
    amount, unit = text.strip()[:-1], text.strip()[-1:].lower()
    try:
        value = float(amount) * SECONDS[unit]
    except (KeyError, ValueError):
        raise UsageError("no_budget", "a budget is a time like 90s, 10m or 1.5h, not {text!r}", text=text) from None
    if not math.isfinite(value) or value < 1:
        raise UsageError("budget_of_no_time", "a budget must be longer than {text!r}", text=text)
    return round(value)


def margins(given: object, gap_margin: float = StudyConfig.gap_margin) -> tuple[float, float]:
    """Return the margins of metric and gap, in the metric's unit, from `"0.5,1"`, or `"0.5"` with that gap's margin.

    Numbers and pairs of numbers do as well. Raises `UsageError`.
    """
    text = joined(given)
    words = text.split(",")
    try:
        metric, gap = (float(words[0]), float(words[-1]) if len(words) > 1 else gap_margin)
    except ValueError:
        words = []
    if len(words) not in (1, 2):
        raise UsageError(
            "no_equivalence",
            "--equivalence takes a margin in the unit of the metric, and after a comma one for the gap: 0.5,1; not "
            "{text!r}",
            text=text,
        )  # fmt: skip
    return metric, gap


def joined(given: object) -> str:
    """Return what was given as it would be typed: a list with commas; what cannot be typed as it is shown."""
    if isinstance(given, str):
        return given
    if isinstance(given, Iterable) and not isinstance(given, bytes | Mapping | Set):
        entries = list(given) if getattr(given, "shape", (0,)) != () else []
        if entries and all(isinstance(entry, str) or number(entry) is not None for entry in entries):
            return ",".join(map(joined, entries))
    found: float | int | None = whole(given)
    if found is None:
        found = number(given)
    return shown(given) if found is None else str(found)
