"""Names of strangers in figures."""

import logging
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager

from overfitlab.report import lettering
from overfitlab.report.evaluation_figures import Mistake, calibration_figure, confusion_figure, mistakes_figure
from overfitlab.report.explanation_figure import Explained, explanation_sheet
from overfitlab.report.figures import DisplayedFigure, rendered
from overfitlab.report.run_figure import learning_curves
from overfitlab.results.history import EpochRow
from overfitlab.stats.calibration import calibration


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("$x_1$ <b>", "$x_1$ <b>"),
        ("two\nlines\tand  spaces ", "two lines and spaces"),
        ("\x00\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}x", "[31mx"),
        ("\udcff\udcfe", "\N{WHITE SQUARE}" * 2),
        ("abcdefghijklmnopqrstuvwxyz", "abcde\N{HORIZONTAL ELLIPSIS}wxyz"),
        ("", ""),
    ],
)
def test_they_become_one_short_line(text, shown):
    assert lettering.legible(text, 10 if len(text) == 26 else 40) == shown


def test_letters_that_no_font_has_become_squares(monkeypatch):
    monkeypatch.setattr(lettering, "_fallbacks", tuple)
    assert lettering.legible("고양이 x", 20) == "□□□ x"
    assert lettering.labels(["고양이", "강아지", "cat"], 20) == ["0 □□□", "1 □□□", "cat"]
    assert lettering.told_apart(["고양이", "강아지", "cat"], 20) == [
        "고양이",
        "강아지",
        "cat",
    ]  # for a reader's browser


def test_names_that_look_alike_get_their_numbers():
    long = [f"{'a' * 30}{k}{'b' * 30}" for k in range(3)]
    assert len(set(lettering.labels([*long, "", " "], 12))) == 5
    assert lettering.labels(["cat", "dog"], 12) == ["cat", "dog"]
    narrow = lettering.told_apart([*long, "$"], 40, size=8, width=0.6)
    assert len(set(narrow)) == 4
    assert all(lettering.inches(label, 8) <= 0.6 for label in narrow)


def test_a_font_that_is_installed_is_used_for_letters_that_the_first_lacks(monkeypatch):
    """With a stand-in: a font of matplotlib's own that has letters which the first lacks."""
    letters = lettering._letters("STIXGeneral") - lettering._letters(lettering.DEFAULT_FONT)
    sign = next(chr(code) for code in sorted(letters) if chr(code).isprintable() and code < 0xE000)
    monkeypatch.setattr(lettering, "_fallbacks", tuple)
    assert lettering.legible(sign, 5) == lettering.MISSING
    monkeypatch.setattr(lettering, "_fallbacks", lambda: ("STIXGeneral",))
    assert lettering.legible(sign, 5) == sign
    with lettering.lettering():
        figure = DisplayedFigure()
        figure.text(0.5, 0.5, sign)
    rendered(figure, "png")  # a missing letter would be a warning, and warnings are errors here


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_no_name_is_mathematics_or_breaks_the_file(kind):
    names = ["$\\frac{1}{0}$", "$", "a_b^c", '--> <x> & "', "ع ש", "\N{GRINNING FACE}\N{ZERO WIDTH JOINER}", "\ud800"]
    with lettering.lettering():
        figure = DisplayedFigure()
        axes = figure.subplots()
        axes.set_xticks(range(len(names)), [lettering.legible(name, 30) for name in names])
        axes.set_title(lettering.legible("$x", 9))
    assert rendered(figure, kind)


def test_titles_of_every_figure_take_any_name():
    """Names of data and methods come from the user too; a letter that no font has would be a warning."""
    title = "none on 한글 $x_1$ \udcff\nits test images"
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    image = Explained(pixels, np.ones((4, 4)), "a", "a", 0.9, "a", 0.9)
    found = calibration(np.array([[0.7, 0.3]]), np.array([0]))
    for figure in (
        learning_curves([EpochRow(1, 1.0, 1.0, 0.5, 1.0, 0.5)], title),
        confusion_figure(np.eye(2, dtype=np.int64), ["a", "b"], title),
        calibration_figure(found, title),
        mistakes_figure([Mistake(pixels, "a", "b", 0.1, 0.9, "x")], title),
        explanation_sheet([image], title),
    ):
        assert rendered(figure, "svg")


def test_a_font_that_was_installed_after_matplotlib_made_its_list_is_found(monkeypatch):
    fonts = [font for font in font_manager.fontManager.ttflist if font.name != "DejaVu Serif"]
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in folder.glob("*.ttf")])
    monkeypatch.setattr(lettering, "FALLBACK_FONTS", ("DejaVu Serif",))
    monkeypatch.setattr(lettering, "FALLBACK_FILES", ("dejavuserif", "cm"))
    lettering._fallbacks.cache_clear()
    try:
        assert lettering._fallbacks() == ("DejaVu Serif",)
    finally:
        lettering._fallbacks.cache_clear()


def test_a_font_without_bold_letters_is_no_news(caplog):
    with lettering.lettering():
        logging.getLogger("matplotlib.font_manager").warning("findfont: Failed to find font weight bold")
    assert not caplog.records
    logging.getLogger("matplotlib.font_manager").warning("outside")
    assert caplog.records
