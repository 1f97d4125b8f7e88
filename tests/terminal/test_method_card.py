"""Cards and the list of methods at a terminal."""

import io
import re

import pytest
from rich.cells import cell_len

from overfitlab.describe.card import card
from overfitlab.describe.demonstration import exhibit
from overfitlab.describe.panels import Grid
from overfitlab.methods import registry
from overfitlab.terminal.drawing import BLOCKS, drawn
from overfitlab.terminal.method_card import card_text, show_cards, show_methods
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

KOREAN = language_named("ko")


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
    assert len(lines) == 20
    assert lines == sorted(lines)
    assert lines[4] == (
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
    assert sum(not line.startswith(" ") for line in lines) == 19
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
    assert "no setting turns it off" in card_text(card(registry.make("batch_norm")))
    assert "It has no hyperparameters." in card_text(card(registry.make("none")))


@pytest.mark.parametrize("name", registry.built_in_names())
def test_a_korean_card_fits_too(name):
    method = registry.make(name)
    text = card_text(card(method, KOREAN), say=KOREAN)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "`" not in text
    for shown in exhibit(method, KOREAN).demonstrations:
        lines = drawn(shown, 60, BLOCKS, KOREAN).splitlines()
        assert max(map(cell_len, lines)) <= 60
        assert [panel.as_dict()["kind"] for panel in shown.panels]


def test_what_stands_around_a_korean_card():
    text = card_text(card(registry.parse("dropout:rate=0.5"), KOREAN), say=KOREAN)
    assert text.startswith("dropout:rate=0.5\n\n드롭아웃: 풀링 다음마다")
    assert "\n수식       y = x * mask" in text
    assert "\n언제 쓰나  밀집층이" in text
    assert "\n끄기       dropout:rate=0으로 두면 효과가 없습니다\n" in text
    assert "하이퍼파라미터  지금  기본값  허용 범위  시도할 만한 값\n" in text
    assert "rate            0.5   0.2     0~0.99     0.1, 0.2, 0.3, 0.4, 0.5\n" in text
    assert "하이퍼파라미터가 없습니다." in card_text(card(registry.make("none"), KOREAN), say=KOREAN)


def test_a_demonstration_shows_the_same_in_any_language():
    for name in registry.built_in_names():
        english, korean = (exhibit(registry.make(name), say) for say in (ENGLISH, KOREAN))
        for one, other in zip(english.demonstrations, korean.demonstrations, strict=True):
            assert one.caption != other.caption
            numbers = [re.findall(r"\d[\d.,]*(?<![.,])", caption) for caption in (one.caption, other.caption)]
            assert sorted(set(numbers[0])) == sorted(set(numbers[1]))
            for panel, same in zip(one.panels, other.panels, strict=True):
                assert panel.as_dict()["kind"] == same.as_dict()["kind"]
                if isinstance(panel, Grid):
                    assert (panel.values == same.values).all()


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
