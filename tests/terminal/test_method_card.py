"""Cards and the list of methods at a terminal."""

import io
import re

from overfitlab.describe.card import card
from overfitlab.describe.demonstration import exhibit
from overfitlab.methods import registry
from overfitlab.terminal.method_card import card_text, show_cards, show_methods


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def cards():
    return [card(registry.make(name)) for name in registry.built_in_names()]


def test_a_line_each_where_nobody_watches():
    stream = io.StringIO()
    show_methods(stream, cards(), {"mine": "cannot be imported: no such library"})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 19
    assert lines == sorted(lines)
    assert lines[3] == (
        "dropout           Dropout after every pooling: each activation is set to zero with probability rate while "
        "training.  [rate=0.2]"
    )
    assert "mine              cannot be used: cannot be imported: no such library" in lines


def test_lines_are_folded_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    show_methods(stream, cards(), {})
    lines = re.sub(r"\x1b\[\d*m", "", stream.getvalue()).splitlines()
    assert max(len(line) for line in lines) <= 60
    assert sum(not line.startswith(" ") for line in lines) == 18
    monkeypatch.delenv("NO_COLOR")
    stream = Terminal()
    show_methods(stream, cards(), {})
    assert "\x1b[1m" in stream.getvalue()


def test_a_card_fits_and_has_no_markup():
    for one in cards():
        text = card_text(one)
        assert max(len(line) for line in text.splitlines()) <= 80
        assert "`" not in text
        assert "not measured" in text or "a step takes" in text


def test_the_table_says_what_was_given():
    text = card_text(card(registry.parse("dropout:rate=0.5")))
    assert text.startswith("dropout:rate=0.5\n")
    assert "Hyperparameter  here  default  allowed    worth trying\n" in text
    assert "rate            0.5   0.2      0 to 0.99  0.1, 0.2, 0.3, 0.4, 0.5\n" in text
    assert "here" not in card_text(card(registry.make("dropout"))).split("Hyperparameter")[1]
    assert "Off        dropout:rate=0 has no effect\n" in text
    assert "it has no setting without effect" in card_text(card(registry.make("batch_norm")))
    assert "It has no hyperparameters." in card_text(card(registry.make("none")))


def test_a_drawing_follows_each_card(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    stream = Terminal()
    parts = registry.parse("mixup+l2").parts
    show_cards(stream, [card(part) for part in parts], [exhibit(part) for part in parts])
    text = stream.getvalue()
    assert text.index("L2 penalty:") < text.index("added to the loss:") < text.index("Mixup:") < text.index("before:")
    stream = io.StringIO()  # whose encoding nobody knows
    show_cards(stream, [card(registry.make("none"))], [exhibit(registry.make("none"))])
    assert stream.getvalue().endswith("\nNone changes nothing, so there is nothing to show.\n\n")
