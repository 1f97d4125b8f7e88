"""Lists for people: the data on this machine, and what the doctor found."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from overfitlab.data.catalog import inventory
from overfitlab.data.catalog.inventory import Entry, Found
from overfitlab.doctor import LEVELS, NOTE, OK, PROBLEM, Check

INDENT = 15
STYLES = {
    OK: "green",
    NOTE: "yellow",
    PROBLEM: "bold red",
    inventory.OFFICIAL: "green",
    inventory.OTHER: "yellow",
    inventory.UNVERIFIED: "yellow",
    inventory.DAMAGED: "bold red",
}


def show_inventory(stream: TextIO, entries: Sequence[Entry]) -> None:
    """Print every data set with its copies; coloured on a terminal."""
    console = _console(stream)
    for entry in entries:
        shape = "x".join(map(str, entry.image_shape))
        what = f"{entry.title}: {entry.images:,} images {shape}, {entry.classes} classes"
        _print(console, Text(f"{entry.name:<{INDENT}}", "bold"), what)
        for found in entry.found:
            _print(console, " " * INDENT, *_described(found))
        if entry.to_fetch is None:
            _print(console, " " * INDENT, Text("always here", STYLES[OK]), ", it comes with scikit-learn")
        elif not entry.here:
            partly = f", of which {entry.partly_fetched / 1e6:.1f} are here" if entry.partly_fetched else ""
            how = f"; overfitlab data fetch {entry.name} ({entry.to_fetch / 1e6:.1f} MB{partly})"
            _print(console, " " * INDENT, Text("not here" if not entry.found else "not usable", STYLES[NOTE]), how)


def show_verified(stream: TextIO, found: Sequence[Found]) -> None:
    """Print what a verification found."""
    console = _console(stream)
    for one in found:
        _print(console, f"{one.copy.published.name:<{INDENT}}", *_described(one))
    if not found:
        _print(console, "There is no copy to verify; overfitlab data list says how to get one.")


def show_found(stream: TextIO, found: Found) -> None:
    """Print one copy."""
    _print(_console(stream), f"{found.copy.published.name}: ", *_described(found))


def show_checks(stream: TextIO, checks: Sequence[Check]) -> None:
    """Print what the doctor found, one line each, and what it amounts to."""
    console = _console(stream)
    widest = max(len(level) for level in LEVELS)
    for check in checks:
        advice = f": {check.advice}" if check.advice else ""
        _print(
            console,
            Text(f"{check.level:<{widest}}", STYLES[check.level]),
            f"  {check.name:<{INDENT}}{check.text}{advice}",
        )
    counts = {level: sum(check.level == level for check in checks) for level in LEVELS}
    if counts[PROBLEM]:
        _print(console, Text("\nTraining does not work until the problems are mended.", STYLES[PROBLEM]))
    else:
        notes = "; the notes are about what could be better" if counts[NOTE] else ""
        _print(console, f"\nTraining works here{notes}.")


def _described(found: Found) -> list[str | Text]:
    size = f"{found.copy.size() / 1e6:,.1f} MB"
    parts: list[str | Text] = [f"{found.copy.path} ({found.copy.place.label}), {size}: "]
    parts.append(Text(found.state, STYLES[found.state]))
    if found.state == inventory.UNVERIFIED:
        fits = "its size is right" if found.size_fits else "overfitlab data verify does that"
        parts.append(f" yet, {fits}")
    elif found.verified:
        parts.append(f", verified {found.verified[:10]}")
    if found.repacked:
        parts.append(", packed anew by somebody")
    if found.state == inventory.OTHER:
        parts.append(", used because it was named" if found.used else ", not used; --data-dir would use it")
    if found.problem:
        parts.append(f"; {found.problem}")
    return parts


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, soft_wrap=True)


def _print(console: Console, *parts: str | Text) -> None:
    console.print(Text.assemble(*parts), soft_wrap=True)
