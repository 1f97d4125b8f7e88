"""Figures as files, and in a notebook."""

from xml.etree import ElementTree as ET

import pytest

from overfitlab.report.figures import DisplayedFigure, compressed, pixels, rendered


def figure():
    found = DisplayedFigure(figsize=(2, 1))
    found.add_subplot().plot([1, 2], [3, 4])
    return found


def test_a_notebook_shows_it():
    assert figure()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_equal_figures_give_equal_bytes(kind):
    one, other = (rendered(figure(), kind) for _ in range(2))
    assert one == other
    if kind == "svg":
        ET.fromstring(one)
    else:
        assert one.startswith(b"\x89PNG")


def test_pixels():
    found = pixels(figure(), 50)
    assert found.shape == (50, 100, 4)
    assert compressed(found, 50) == compressed(pixels(figure(), 50), 50)


def test_the_text_alternative_of_an_svg_is_its_title():
    root = ET.fromstring(rendered(figure(), "svg", "two points"))
    assert "two points" in [each.text for each in root.iter() if each.tag.endswith("title")]
