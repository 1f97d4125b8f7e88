"""Numbers and tables in Markdown."""

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return the median, and the range that the values lie in."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def counted(number: int, what: str) -> str:
    """Return `1 thread`, or `2 threads`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def ratios(values: Sequence[float], by: Sequence[float]) -> list[float]:
    """Return the ratios of the values of each round."""
    return [value / other for value, other in zip(values, by, strict=True)]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, with an empty line after it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


def missing_row(name: str, why: str, columns: int) -> list[str]:
    """Return the row of a contender that could not take part."""
    return [name, f"not measured: {why}", *[""] * (columns - 2)]
