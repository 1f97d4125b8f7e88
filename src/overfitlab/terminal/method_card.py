"""Methods for people at a terminal: the list of all, and the card of one."""

import textwrap
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from overfitlab.describe.card import Card, Hyperparameter
from overfitlab.describe.panels import Exhibit
from overfitlab.terminal.drawing import drawn, letters_for

WIDTH = 80  # of a card, where the terminal has as many columns
LABEL = 11
NAME = 18


def show_methods(stream: TextIO, cards: Sequence[Card], problems: dict[str, str]) -> None:
    """Print every method: its name, what it does, its defaults; one line each, folded on a terminal.

    `problems` are the methods of other packages that cannot be had, with the reason.
    """
    console = _console(stream)
    entries = {card.name: (_plain(card.summary), f"  [{card.defaults}]" if card.defaults else "") for card in cards}
    entries |= {name: (f"cannot be used: {reason}", "") for name, reason in problems.items()}
    for name, (summary, defaults) in sorted(entries.items()):
        text = Text.assemble((f"{name:<{NAME}}", "bold"), (summary, "red" if name in problems else ""))
        text.append(defaults, "cyan")
        console.print(_hanging(text, console.width) if stream.isatty() else text, soft_wrap=True)


def show_cards(stream: TextIO, cards: Sequence[Card], exhibits: Sequence[Exhibit]) -> None:
    """Print cards, each with a drawing of what the method does."""
    console = _console(stream)
    width = min(WIDTH, console.width) if stream.isatty() else WIDTH
    letters = letters_for(stream.encoding)
    for number, (card, exhibit) in enumerate(zip(cards, exhibits, strict=True)):
        if number:
            console.print()
        console.print(_card(card, width), soft_wrap=True)
        for demonstration in exhibit.demonstrations:
            console.print(Text(drawn(demonstration, width, letters)), soft_wrap=True)
        if exhibit.note:
            console.print(Text(f"{textwrap.fill(exhibit.note[0].upper() + exhibit.note[1:], width)}.\n"))


def card_text(card: Card, width: int = WIDTH) -> str:
    """Return the card as plain text, without a drawing."""
    return _card(card, width).plain


def _card(card: Card, width: int) -> Text:
    text = Text()
    text.append(f"{card.label}\n\n", "bold")
    for paragraph in (card.summary, *card.details):
        text.append(f"{textwrap.fill(_plain(paragraph), width)}\n\n")
    entries = {**card.sections, "Measured": card.measured, "Needs": card.needs}
    if card.off:
        entries["Off"] = f"{card.off} has no effect"
    elif card.hyperparameters:
        entries["Off"] = "it has no setting without effect; leave it out instead"
    for label, body in entries.items():
        text.append(f"{label:<{LABEL}}", "bold")
        text.append(f"{_indented(_plain(body), width)}\n")
    text.append("\n")
    if card.hyperparameters:
        text.append_text(_table(card.hyperparameters))
    else:
        text.append("It has no hyperparameters.\n")
    return text


def _table(hyperparameters: Sequence[Hyperparameter]) -> Text:
    given = any(one.value != one.default for one in hyperparameters)
    rows = [("Hyperparameter", *(("here",) if given else ()), "default", "allowed", "worth trying")]
    rows += [
        (one.name, *((f"{one.value:g}",) if given else ()), f"{one.default:g}", one.allowed, one.worth_trying)
        for one in hyperparameters
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = Text()
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        text.append(f"{line}\n", "" if number else "bold")
    return text


def _indented(body: str, width: int) -> str:
    return textwrap.fill(body, width, initial_indent=" " * LABEL, subsequent_indent=" " * LABEL)[LABEL:]


def _hanging(text: Text, width: int) -> Text:
    """Fold an entry of the list, with everything but its name indented."""
    name, rest = text[:NAME], text[NAME:]
    console = Console(width=max(NAME, width - NAME))
    lines = rest.wrap(console, console.width)
    return Text.assemble(name, Text(f"\n{' ' * NAME}").join(lines))


def _plain(text: str) -> str:
    return text.replace("`", "")


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, soft_wrap=True)
