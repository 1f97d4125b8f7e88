"""Colours can be told apart from their ground, and by eyes that see no colours."""

import pytest

from overfitlab.report import palette
from overfitlab.report.palette import COLORS

TEXT, MARKS = 4.5, 3.0  # WCAG 2.2: 1.4.3 and 1.4.11


def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_contrasts(ground):
    color = {name: getattr(found, ground) for name, found in COLORS.items()}
    for surface in ("surface", "panel"):
        for text in ("ink", "soft", "link", "helps", "harms"):
            assert contrast(color[text], color[surface]) >= TEXT, (text, surface)
    assert contrast(color["ink"], color["share"]) >= TEXT  # numbers in the cells of a confusion matrix
    for mark in ("train", "val", "method", "other"):
        assert contrast(color[mark], color["surface"]) >= MARKS, mark
        assert contrast(color["ink"], color["margin"]) >= TEXT


def test_every_color_can_be_told_from_its_value():
    """Else a figure's colour could not be replaced in the dark."""
    values = [color.light for color in COLORS.values()]
    assert len({*values}) == len(values)


def test_the_contrast_that_the_code_reckons_with_is_that_of_wcag():
    assert palette.contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    for one in COLORS.values():
        pair = [[int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)] for color in (one.light, one.dark)]
        assert palette.contrast(*pair) == pytest.approx(contrast(one.light, one.dark))
    assert palette.readable_on("#000000") == "#ffffff"
    assert palette.readable_on("#ffffff") == COLORS["ink"].light


def test_letters_can_be_read_on_every_shade():
    shades = [palette.shade(number / 1000) for number in range(1001)]
    assert all(contrast(shade, palette.readable_on(shade)) >= 4 for shade in shades)  # of the two, on the worst shade
    light = [luminance(shade) for shade in shades]
    assert light == sorted(light, reverse=True)
    assert len(set(shades)) > 200
