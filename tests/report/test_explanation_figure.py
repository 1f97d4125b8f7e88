"""The sheet of images and maps."""

import numpy as np
import pytest

from overfitlab.report.explanation_figure import Explained, explanation_sheet
from overfitlab.report.figures import rendered


def image(explained="cat", map_value=2.0, channels=3):
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    heat = np.zeros((20, 30))
    heat[3, 4] = map_value
    return Explained(picture, heat, "a/$b\n.png", "cat", 0.75, explained, 0.1)


def texts(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3, 4, 12])
def test_every_image_stands_beside_its_map(count):
    figure = explanation_sheet([image()] * count, "$t_")
    assert texts(figure) == ["cat 0.750", "evidence for cat"] * count
    plain, overlaid = figure.axes[:2]
    assert len(plain.get_images()) == 1
    gray, heat = overlaid.get_images()
    assert gray.get_array().ndim == 2
    np.testing.assert_allclose(heat.get_array(), image().map / 2)
    assert 0 < heat.get_alpha() < 1
    assert plain.get_xlabel() == "a/$b .png"
    assert rendered(figure, "png")


def test_another_class_than_the_predicted_one_is_named_with_its_probability():
    assert texts(explanation_sheet([image("dog")])) == ["cat 0.750", "evidence for dog (0.100)"]


def test_a_map_of_zeros_is_said_to_be_one():
    figure = explanation_sheet([image(map_value=0.0, channels=1)])
    overlaid = figure.axes[1]
    assert len(overlaid.get_images()) == 1
    assert overlaid.get_xlabel() == "the map is zero everywhere"


def test_the_colour_scale_stays_within_the_sheet():
    for count in (1, 3):
        figure = explanation_sheet([image()] * count)
        figure.draw_without_rendering()
        scale = figure.axes[-1]
        assert scale.get_xlabel() == "evidence, as a share of each map's largest value"
        box = scale.get_tightbbox()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
