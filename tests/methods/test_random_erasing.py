"""Random erasing: what is erased, where, and how much, against the paper's distribution."""

import numpy as np
import pytest
import scipy.stats
import torch

from overfitlab.methods import registry
from overfitlab.randomness import Key

SIZE = 120  # pixels a side: rounding to whole pixels does not blur the distributions


def rectangles(method, count, height=SIZE, width=SIZE, step=0):
    """Return which pixels were erased [B, H, W] of images without a zero, and top, left, rows, columns [B] of them."""
    x = torch.arange(1.0, 3.0)[None, :, None, None].expand(count, 2, height, width)
    x = x.contiguous(memory_format=torch.channels_last)
    y = torch.ones(count, 2)
    erased, labels = method.batch(x.clone(memory_format=torch.preserve_format), y, (Key(0) / step).generator())
    assert labels is y
    gone = erased[:, 0] == 0
    assert torch.equal(erased, torch.where(gone[:, None], torch.zeros(()), x)), "in all channels alike, and to 0"
    gone = gone.numpy()
    down, across = gone.any(2), gone.any(1)
    top, left, rows, columns = down.argmax(1), across.argmax(1), down.sum(1), across.sum(1)
    assert (gone.sum((1, 2)) == rows * columns).all(), "one full rectangle"
    return gone, top, left, rows, columns


def kolmogorov(values, low, high):
    return scipy.stats.kstest(values, scipy.stats.uniform(low, high - low).cdf).statistic


@pytest.fixture(scope="module")
def measured():
    """With an area of at most a fifth no side is cut: the longest is sqrt(0.2 / 0.3) of the image."""
    return rectangles(registry.make("random_erasing", probability=1.0, area=0.2), count=1200)


def test_area_and_aspect_are_distributed_as_in_the_paper(measured):
    _, _, _, rows, columns = measured
    limit = 1.63 / np.sqrt(len(rows)) + 0.01  # 1 % critical value, and what rounding to pixels may add
    assert kolmogorov(rows * columns / SIZE**2, 0.02, 0.2) < limit
    assert kolmogorov(np.log(rows / columns), np.log(0.3), -np.log(0.3)) < limit


def test_the_place_is_uniform_among_those_where_it_fits(measured):
    _, top, left, rows, columns = measured
    limit = 1.63 / np.sqrt(len(rows)) + 0.02
    for place, side in ((top, rows), (left, columns)):
        assert (place + side <= SIZE).all()
        assert kolmogorov(place / (SIZE - side), 0, 1) < limit
        assert (place == 0).any()
        assert (place + side == SIZE).any()


@pytest.mark.parametrize("probability", [0.25, 0.5, 1.0])
def test_each_image_is_erased_with_that_probability(probability):
    gone, *_ = rectangles(registry.make("random_erasing", probability=probability), 4000, 16, 16)
    share = gone.any((1, 2)).mean()
    assert share == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / 4000))


def test_a_side_longer_than_the_image_is_cut():
    gone, _, _, rows, columns = rectangles(registry.make("random_erasing", probability=1.0, area=1.0), 1000, 40, 20)
    assert (rows.max(), columns.max()) == (40, 20)
    assert (rows[columns == 20] < 40).any()
    area = gone.mean((1, 2))
    uncut = (rows < 40) & (columns < 20)
    assert area[uncut].max() > 0.7, "large ones too"
    assert 0.2 < uncut.mean() < 0.8


def test_the_smallest_images_lose_a_pixel_at_least():
    gone, *_ = rectangles(registry.make("random_erasing", probability=1.0, area=0.02), 300, 8, 8)
    assert gone.sum((1, 2)).min() >= 1
    assert gone.mean() == pytest.approx(0.02, abs=0.01)
