"""What users write, as values of the configuration."""

import math
from typing import Literal

from overfitlab.config import (
    LARGEST_IMAGE,
    SMALLEST_IMAGE,
    VARIED,
    StudyConfig,
    check_one_of,
    check_whole,
)
from overfitlab.errors import UsageError

SECONDS = {"s": 1, "m": 60, "h": 3600}


def image_size(text: str) -> tuple[int, int]:
    """Return (height, width) in pixels from `"64"` or `"48x64"`; raises `UsageError`."""
    sides = [side.strip(" ") for side in text.lower().split("x")]
    if len(sides) not in (1, 2) or not all(side.isascii() and side.isdigit() and len(side) < 10 for side in sides):
        raise UsageError(
            "no_image_size", "image size must be a number of pixels, or HEIGHTxWIDTH, not {text!r}", text=text
        )
    height, width = int(sides[0]), int(sides[-1])
    for side in (height, width):
        check_whole("image size", side, low=SMALLEST_IMAGE, high=LARGEST_IMAGE)
    return height, width


def varied(text: str) -> tuple[str, ...]:
    """Return what the seed decides from `"split,init,order"`, some of them, or `"nothing"`; raises `UsageError`."""
    words = tuple(word.strip() for word in text.split(","))
    if words == ("nothing",):
        return ()
    for word in words:
        check_one_of("word after --vary:", word, VARIED)
    return words


def looks(text: str) -> tuple[int, ...]:
    """Return after how many seeds a study is looked at, from `"8"` or `"6,12"`; raises `UsageError`."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise UsageError(
            "no_numbers_of_seeds", "--seeds takes a number, or numbers of seeds for planned looks: 6,12; not {text!r}",
            text=text,
        )  # fmt: skip
    return tuple(int(word) for word in words)


def until_decided(text: str) -> int | Literal["none"]:
    """Return the largest number of seeds from `"12"`, or `"none"`; raises `UsageError`."""
    word = text.strip().lower()
    if word == "none":
        return "none"
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise UsageError(
            "no_maximum_of_seeds", "--until-decided takes the largest number of seeds, or none; not {text!r}", text=text
        )
    return int(word)


def seconds(text: str) -> int:
    """Return the seconds of `"90s"`, `"10m"` or `"1.5h"`; raises `UsageError`."""
    number, unit = text.strip()[:-1], text.strip()[-1:].lower()
    try:
        value = float(number) * SECONDS[unit]
    except (KeyError, ValueError):
        raise UsageError("no_budget", "a budget is a time like 90s, 10m or 1.5h, not {text!r}", text=text) from None
    if not math.isfinite(value) or value < 1:
        raise UsageError("budget_of_no_time", "a budget of {text!r} is no time", text=text)
    return round(value)


def margins(text: str, gap_margin: float = StudyConfig.gap_margin) -> tuple[float, float]:
    """Return the margins of metric and gap, in the metric's unit, from `"0.5,1"`, or `"0.5"` with that gap's margin.

    Raises `UsageError`.
    """
    words = text.split(",")
    try:
        metric, gap = (float(words[0]), float(words[-1]) if len(words) > 1 else gap_margin)
    except ValueError:
        words = []
    if len(words) not in (1, 2):
        raise UsageError(
            "no_equivalence",
            "--equivalence takes a size in the metric's unit, and one of the gap after a comma: 0.5,1; not {text!r}",
            text=text,
        )  # fmt: skip
    return metric, gap
