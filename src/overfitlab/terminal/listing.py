"""Lists for people: the data on this machine, and what the doctor found."""

from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from overfitlab.data.catalog import inventory
from overfitlab.data.catalog.inventory import Entry, Found
from overfitlab.doctor import LEVELS, NOTE, OK, PROBLEM, Check
from overfitlab.terminal.folding import hanging
from overfitlab.words.columns import padded, screen_width
from overfitlab.words.language import ENGLISH, Language

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


def show_inventory(stream: TextIO, entries: Sequence[Entry], say: Language = ENGLISH) -> None:
    """Print every data set with its copies; coloured on a terminal."""
    console = _console(stream)
    for entry in entries:
        what = say(
            "{title}: {images:,} images {shape}, {classes} classes", title=say(entry.title), images=entry.images,
            shape="x".join(map(str, entry.image_shape)), classes=entry.classes,
        )  # fmt: skip
        _print(console, Text(f"{entry.name:<{INDENT}}", "bold"), what, indent=INDENT)
        for found in entry.found:
            _print(console, " " * INDENT, *_described(found, say), indent=INDENT)
        if entry.to_fetch is None:
            always = Text(say("always here"), STYLES[OK])
            _print(console, " " * INDENT, always, say(", it comes with scikit-learn"), indent=INDENT)
        elif not entry.here:
            partly = ""
            if entry.partly_fetched:
                partly = say(", of which {megabytes:.1f} are here", megabytes=entry.partly_fetched / 1e6)
            state = Text(say("not usable" if entry.found else "not here"), STYLES[NOTE])
            how = f"; overfitlab data fetch {entry.name} ({entry.to_fetch / 1e6:.1f} MB{partly})"
            _print(console, " " * INDENT, state, how, indent=INDENT)


def show_verified(stream: TextIO, found: Sequence[Found], say: Language = ENGLISH) -> None:
    """Print what a verification found."""
    console = _console(stream)
    for one in found:
        _print(console, f"{one.copy.published.name:<{INDENT}}", *_described(one, say), indent=INDENT)
    if not found:
        _print(console, say("There is no copy to verify; overfitlab data list says how to get one."))


def show_found(stream: TextIO, found: Found, say: Language = ENGLISH) -> None:
    """Print one copy."""
    _print(_console(stream), f"{found.copy.published.name}: ", *_described(found, say))


def show_checks(stream: TextIO, checks: Sequence[Check], say: Language = ENGLISH) -> None:
    """Print what the doctor found, one line each, and what it amounts to."""
    console = _console(stream)
    widest = max(cell_len(say(level)) for level in LEVELS)
    for check in checks:
        advice = f": {check.advice}" if check.advice else ""
        _print(
            console,
            Text(padded(say(check.level), widest), STYLES[check.level]),
            f"  {padded(check.name, INDENT)}{check.text}{advice}",
            indent=widest + 2 + INDENT,
        )
    counts = {level: sum(check.level == level for check in checks) for level in LEVELS}
    if counts[PROBLEM]:
        _print(console, "\n", Text(say("Training does not work until the problems are fixed."), STYLES[PROBLEM]))
    elif counts[NOTE]:
        _print(console, "\n", say("Training works here; the notes say what could be improved."))
    else:
        _print(console, "\n", say("Training works here."))


def _described(found: Found, say: Language) -> list[str | Text]:
    size = f"{found.copy.size() / 1e6:,.1f} MB"
    parts: list[str | Text] = [f"{found.copy.path} ({say(found.copy.place.label)}), {size}: "]
    parts.append(Text(say(found.state), STYLES[found.state]))
    if found.state == inventory.UNVERIFIED:
        parts.append(say(" yet, its size is right" if found.size_fits else " yet, overfitlab data verify does that"))
    elif found.verified:
        parts.append(say(", verified {day}", day=found.verified[:10]))
    if found.repacked:
        parts.append(say(", repacked by someone"))
    if found.state == inventory.OTHER:
        parts.append(
            say(
                ", used because it was named"
                if found.used
                else ", not used (name its folder with --data-dir to use it)"
            )
        )
    if found.problem:
        parts.append(f"; {say.error(found.problem)}")
    return parts


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, soft_wrap=True)


def _print(console: Console, *parts: str | Text, indent: int = 0) -> None:
    """Print a line; on a terminal it breaks at words, with what goes on below `indent` columns."""
    text = Text.assemble(*parts)
    width = screen_width(console.file)
    console.print(text if width is None else hanging(text, width, indent), soft_wrap=True)
