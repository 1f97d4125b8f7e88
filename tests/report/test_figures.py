"""Figures as files, and in a notebook."""

import importlib.util
import io
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

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


def test_a_report_has_the_dots_that_papers_ask_for():
    """Of the module as users have it: that of the tests has fewer, for speed."""
    found = importlib.util.find_spec("overfitlab.report.figures")
    fresh = importlib.util.module_from_spec(found)
    found.loader.exec_module(fresh)
    dots = fresh.pixels(figure())
    assert dots.shape == (300, 600, 4)
    with Image.open(io.BytesIO(fresh.compressed(dots))) as picture:
        assert picture.size == (600, 300)
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_text_alternative_of_an_svg_is_its_title():
    root = ET.fromstring(rendered(figure(), "svg", "two points"))
    assert "two points" in [each.text for each in root.iter() if each.tag.endswith("title")]
