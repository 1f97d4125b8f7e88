"""Columns of a terminal: a syllable of Hangul takes two."""

import io
import textwrap

import pytest
from rich.cells import cell_len

from overfitlab.words.columns import WIDEST, centred, cut, flowing, padded, screen_width, wrapped

KOREAN = "드롭아웃: 풀링 다음마다, 훈련 중에 각 활성화 값을 rate의 확률로 0으로 만듭니다(dropout:rate=0.5)."
ENGLISH = (
    "Dropout after every pooling: each activation is set to zero with probability rate, e.g. timm:NAME-or-other-one."
)


def test_both_sides():
    assert padded("가 a", 6) == "가 a  "
    assert padded("가 a", 6, right=True) == "  가 a"
    assert padded("가나다", 2) == "가나다"
    assert [centred(text, 8) for text in ("step", "스텝", "가")] == ["  step  ", "  스텝  ", "   가   "]


def test_what_fits():
    assert cut("가나다", 5) == "가나"
    assert cut("abc", 5) == "abc"


@pytest.mark.parametrize("width", [10, 23, 40, 80])
def test_english_is_folded_as_ever(width):
    assert wrapped(ENGLISH, width) == textwrap.wrap(ENGLISH, width, break_on_hyphens=False, break_long_words=False)
    indented = {"initial_indent": "  ", "subsequent_indent": "  ", "break_on_hyphens": False, "break_long_words": False}
    assert wrapped(ENGLISH, width, "  ") == textwrap.wrap(ENGLISH, width, **indented)


@pytest.mark.parametrize("width", range(24, 60))
def test_numbers_stay_with_their_signs_and_units(width):
    text = "It gains 0.7 points (95 % interval -0.2 to +1.6, p = 0.020, p < 0.001, n = 7) in 12 min: --first-seed 7."
    lines = wrapped(text, width)
    assert " ".join(lines) == text
    for kept in ("0.7 points", "95 %", "-0.2 to +1.6", "p = 0.020", "p < 0.001", "n = 7", "12 min", "--first-seed"):
        assert any(kept in line for line in lines), kept


COMMANDS = [
    ("methods are named: overfitlab compare dropout:rate=0.5", "overfitlab compare dropout:rate=0.5"),
    ("there is no option --foo; overfitlab compare --help lists all options", "overfitlab compare --help"),
    ("not here; overfitlab data fetch cifar100 (169.0 MB)", "overfitlab data fetch cifar100"),
    ("timm is not installed; pip install 'overfitlab[timm]'", "pip install 'overfitlab[timm]'"),
    ("시드를 늘려 다시 실험하세요(overfitlab show my-study --full)", "overfitlab show my-study --full"),
    (
        "it fits: overfitlab compare none dropout --budget 20m --seeds 7",
        "overfitlab compare none dropout --budget 20m --s",
    ),
]


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
@pytest.mark.parametrize("width", [20, 40, 60])
def test_commands_and_paths_can_be_copied(text, command, width):
    """A terminal breaks a line that is too long where nothing of it is lost; a line break of ours would be copied."""
    lines = wrapped(f"{text} at /tmp/a-folder/with-a-long-name/runs/study-1a2b3c", width)
    assert sum(command in line for line in lines) == 1
    assert lines[-1].endswith("/tmp/a-folder/with-a-long-name/runs/study-1a2b3c")


def test_the_words_around_a_command_flow():
    assert wrapped("(overfitlab show says why this is so and what to do)", 24) == [
        "(overfitlab show says", "why this is so and what", "to do)"
    ]  # fmt: skip
    assert wrapped("overfitlab train and overfitlab compare create runs", 30) == [
        "overfitlab train and", "overfitlab compare create runs"
    ]  # fmt: skip


def test_sentences_flow_and_tables_stay():
    assert flowing("one two three\n\na   b   c and more", 9) == "one two\nthree\n\na   b   c and more"
    assert flowing("one two three", None) == "one two three"
    assert max(map(len, flowing("word " * 99, 300).split("\n"))) <= WIDEST


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_only_a_terminal_has_a_width(monkeypatch):
    """What goes into a pipe or a file is never broken, whatever $COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "60")
    assert screen_width(io.StringIO()) is None
    assert screen_width(Terminal()) == 60


@pytest.mark.parametrize("width", [16, 23, 40, 80])
def test_korean_is_folded_by_its_columns(width):
    lines = wrapped(KOREAN, width, " ")
    assert max(map(cell_len, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(KOREAN.split())
    assert len(lines) <= 2 + cell_len(KOREAN) // (width - 12)
