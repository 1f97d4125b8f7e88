"""The figure of near-duplicates: every pair is there, with names that cannot do harm."""

import numpy as np
import pytest

from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.twins import NearDuplicates, Twins
from overfitlab.report.data_figures import SHOWN_PAIRS, duplicate_pairs
from overfitlab.report.figures import rendered


def dataset(channels, names):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 12, 10, channels), dtype=np.uint8)
    return Dataset(
        "x", images, np.zeros(40, np.int64), ("$a_1$ <b>",), np.arange(0), "", "x", official=False, image_names=names
    )


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 5, 20])
def test_the_most_alike_are_shown_image_above_twin(channels, count):
    names = [f"folder/{'long ' * 10}{row} $x$.png" for row in range(40)] if channels == 3 else None
    data = dataset(channels, names)
    pairs = [Twins(row, row + 20, 0.9 + row / 1000) for row in range(count)]
    figure = duplicate_pairs(data, [NearDuplicates("validation", 20, pairs), NearDuplicates("test", 0, [])])
    pictures = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(pictures) == 2 * min(count, SHOWN_PAIRS)
    best = count - 1  # it correlates most
    np.testing.assert_array_equal(np.squeeze(data.images[best]), pictures[0])
    headings = [axes.get_title().split("\n")[0] for axes in figure.axes if axes.images]
    assert headings[:1] == ["validation"]
    assert f"its twin, r = {0.9 + best / 1000:.3f}" in headings
    assert rendered(figure, "png")
    assert rendered(figure, "svg")


def test_names_in_other_letters_are_drawn_with_the_fonts_that_have_them():
    """Else matplotlib warns of each of them, which is an error here."""
    data = dataset(3, [f"고양이/사진{row}.png" for row in range(40)])
    figure = duplicate_pairs(data, [NearDuplicates("validation", 20, [Twins(0, 20, 0.95)])])
    assert rendered(figure, "png")
