"""Methods for people at a terminal: the list of all, and the card of one."""

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from overfitlab.describe.card import Card, Hyperparameter
from overfitlab.describe.panels import Exhibit
from overfitlab.terminal.drawing import drawn, letters_for
from overfitlab.terminal.folding import hanging
from overfitlab.words.columns import padded, wrapped
from overfitlab.words.language import ENGLISH, Language

WIDTH = 80  # of a card, where the terminal has as many columns
LABEL = 11
NAME = 18


def show_methods(stream: TextIO, cards: Sequence[Card], problems: Mapping[str, str], say: Language = ENGLISH) -> None:
    """Print every method: its name, what it does, its defaults; one line each, folded on a terminal.

    `problems` are the methods of other packages that cannot be had, with the reason.
    """
    console = _console(stream)
    entries = {card.name: (_plain(card.summary), f"  [{card.defaults}]" if card.defaults else "") for card in cards}
    entries |= {name: (say("cannot be used: {reason}", reason=reason), "") for name, reason in problems.items()}
    for name, (summary, defaults) in sorted(entries.items()):
        text = Text.assemble((f"{name:<{NAME}}", "bold"), (summary, "red" if name in problems else ""))
        text.append(defaults, "cyan")
        console.print(hanging(text, console.width, NAME) if stream.isatty() else text, soft_wrap=True)


def show_cards(stream: TextIO, cards: Sequence[Card], exhibits: Sequence[Exhibit], say: Language = ENGLISH) -> None:
    """Print cards, each with a drawing of what the method does."""
    console = _console(stream)
    width = min(WIDTH, console.width) if stream.isatty() else WIDTH
    letters = letters_for(stream.encoding)
    for number, (card, exhibit) in enumerate(zip(cards, exhibits, strict=True)):
        if number:
            console.print()
        console.print(_card(card, width, say), soft_wrap=True)
        for demonstration in exhibit.demonstrations:
            console.print(Text(drawn(demonstration, width, letters, say)), soft_wrap=True)
        if exhibit.note:
            note = "\n".join(wrapped(exhibit.note[0].upper() + exhibit.note[1:], width))
            console.print(Text(f"{note}.\n"))


def card_text(card: Card, width: int = WIDTH, say: Language = ENGLISH) -> str:
    """Return the card as plain text, without a drawing."""
    return _card(card, width, say).plain


def _card(card: Card, width: int, say: Language) -> Text:
    text = Text()
    text.append(f"{card.label}\n\n", "bold")
    for paragraph in (card.summary, *card.details):
        lines = "\n".join(wrapped(_plain(paragraph), width))
        text.append(f"{lines}\n\n")
    entries = {say(name): body for name, body in card.sections.items()}
    entries |= {say("Measured"): card.measured, say("Needs"): card.needs}
    if card.off:
        entries[say("Off")] = say("{setting} has no effect", setting=card.off)
    elif card.hyperparameters:
        entries[say("Off")] = say("no setting turns it off; leave it out instead")
    for label, body in entries.items():
        text.append(padded(label, LABEL), "bold")
        text.append(f"{_indented(_plain(body), width)}\n")
    text.append("\n")
    if card.hyperparameters:
        text.append_text(_table(card.hyperparameters, say))
    else:
        text.append(say("It has no hyperparameters."))
        text.append("\n")
    return text


def _table(hyperparameters: Sequence[Hyperparameter], say: Language) -> Text:
    given = any(one.value != one.default for one in hyperparameters)
    here = (say("here"),) if given else ()
    rows = [(say("Hyperparameter"), *here, say("default"), say("allowed"), say("worth trying"))]
    rows += [
        (one.name, *((f"{one.value:g}",) if given else ()), f"{one.default:g}", one.allowed, one.worth_trying)
        for one in hyperparameters
    ]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = Text()
    for number, row in enumerate(rows):
        line = "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        text.append(f"{line}\n", "" if number else "bold")
    return text


def _indented(body: str, width: int) -> str:
    return "\n".join(wrapped(body, width, " " * LABEL))[LABEL:]


def _plain(text: str) -> str:
    return text.replace("`", "")


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, soft_wrap=True)
