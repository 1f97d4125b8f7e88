"""Columns of a terminal: a syllable of Hangul takes two."""

import textwrap

import pytest
from rich.cells import cell_len

from overfitlab.words.columns import centred, cut, padded, wrapped

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
    assert wrapped(ENGLISH, width) == textwrap.wrap(ENGLISH, width, break_on_hyphens=False)
    indented = {"initial_indent": "  ", "subsequent_indent": "  ", "break_on_hyphens": False}
    assert wrapped(ENGLISH, width, "  ") == textwrap.wrap(ENGLISH, width, **indented)


@pytest.mark.parametrize("width", range(24, 60))
def test_numbers_stay_with_their_signs_and_units(width):
    text = "It gains 0.7 points (95 % interval -0.2 to +1.6, p = 0.020, p < 0.001, n = 7) in 12 min: --first-seed 7."
    lines = wrapped(text, width)
    assert " ".join(lines) == text
    for kept in ("0.7 points", "95 %", "-0.2 to +1.6", "p = 0.020", "p < 0.001", "n = 7", "12 min", "--first-seed"):
        assert any(kept in line for line in lines), kept


@pytest.mark.parametrize("width", [16, 23, 40, 80])
def test_korean_is_folded_by_its_columns(width):
    lines = wrapped(KOREAN, width, " ")
    assert max(map(cell_len, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(KOREAN.split())
    assert len(lines) <= 2 + cell_len(KOREAN) // (width - 12)
