"""Scales of axes: how far they reach, and which values are said at them."""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from matplotlib.ticker import MaxNLocator

from overfitlab.report.marks import Axis, Tick

TICKS = 5  # on an axis: each is drawn many times, and a small panel has no room for more
MARGIN = 0.05  # of what is shown, on both sides
MOST_DIGITS, LARGEST = 6, 1e5  # after the point; greater values are said as 1e+06
NEAR = 1e-9  # of a scale's length


def axis(
    low: float, high: float, label: str = "", *, whole: bool = False, log: bool = False, grid: bool = True
) -> Axis:
    """Return an axis with a few ticks at round values, `whole` numbers alone where that is asked for.

    On one with `log`, both ends of which are above 0, they are powers of ten where there are two of them.
    """
    powers = _powers(low, high) if log else []
    values = powers if len(powers) > 1 else _round_values(low, high, whole=whole)
    return Axis(low=low, high=high, label=label, ticks=ticks(values), log=log, grid=grid)


def ticks(values: Sequence[float]) -> tuple[Tick, ...]:
    """Return ticks that say their values, all with as many digits after the point as one of them needs."""
    largest = max(map(abs, values), default=0.0)
    if largest >= LARGEST:
        return tuple(Tick(value, minus(f"{value:.4g}")) for value in values)
    slack = 1e-3 * min((abs(after - before) for before, after in pairwise(values)), default=largest)
    digits = next((d for d in range(MOST_DIGITS) if all(abs(round(v, d) - v) <= slack for v in values)), MOST_DIGITS)
    return tuple(Tick(value, minus(f"{value:.{digits}f}")) for value in values)


def around(values: Iterable[float], margin: float = MARGIN) -> tuple[float, float]:
    """Return the ends of a scale that holds all values and has some room beside them."""
    known = list(values)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = margin * (high - low) or margin * (abs(high) or 1.0)
    return low - room, high + room


def share(axis: Axis, value: float) -> float:
    """Return where a value lies on the axis: 0 at its lower end, 1 at its upper one.

    On a logarithmic axis what is not above 0 lies far below its lower end.
    """
    if not axis.log:
        return (value - axis.low) / (axis.high - axis.low)
    low, high = math.log10(axis.low), math.log10(axis.high)
    return ((math.log10(value) if value > 0 else low - 100 * (high - low)) - low) / (high - low)


def minus(text: str) -> str:
    """Return a number with the sign of print for that of the keyboard."""
    return text.replace("-", "\N{MINUS SIGN}")


@lru_cache(256)
def _round_values(low: float, high: float, *, whole: bool) -> tuple[float, ...]:
    found = MaxNLocator(TICKS, integer=whole, min_n_ticks=1).tick_values(low, high)
    slack = NEAR * (high - low)
    shown = (value for value in found if low - slack <= value <= high + slack)
    return tuple(0.0 if abs(value) <= slack else float(value) for value in shown)


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - NEAR), math.floor(math.log10(high) + NEAR)
    return [10.0**power for power in range(first, last + 1, max(1, math.ceil((last - first) / TICKS)))]
