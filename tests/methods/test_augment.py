"""Augmentation: each image against SciPy's resampling, whole moves to the pixel, and how the moves are distributed."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch

from overfitlab.methods import registry
from overfitlab.randomness import Key


class Drawn:
    """A generator whose draws are given: those that the card names, in the order in which they are drawn."""

    def __init__(self, *, mirror=0.0, angle=0.0, zoom=1.0, right=0.0, down=0.0):
        self._mirror = mirror
        self._uniform = iter((angle, zoom, right, down))  # right and down as shares of width and height

    def random(self, count):
        return np.full(count, 1.0 - self._mirror)

    def uniform(self, low, high, count):
        value = next(self._uniform)
        assert low <= value <= high
        return np.full(count, value)


EVERYTHING = registry.parse("augment:flip=0.5,shift=0.5,rotate=180,zoom=0.5")


def pictures(height, width, count=1):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(count, 3, height, width)))


def moved(x, **drawn):
    y = torch.eye(len(x))
    images, labels = EVERYTHING.batch(x.clone(), y, Drawn(**drawn))
    assert labels is y
    assert images.is_contiguous(memory_format=torch.channels_last)
    return images


def with_scipy(image, *, mirror=0.0, angle=0.0, zoom=1.0, right=0.0, down=0.0):
    """The card's equation on one channel [H, W]; SciPy wants rows before columns, and an origin in the corner."""
    height, width = image.shape
    cos, sin, sign = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle)), -1 if mirror else 1
    matrix = np.array([[cos, sin], [-sign * sin, sign * cos]]) / zoom
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    shift = np.array([round(down * height), round(right * width)])
    return scipy.ndimage.affine_transform(image, matrix, centre + shift - matrix @ centre, order=1, mode="reflect")


MOVES = [
    {"mirror": 1.0},
    {"right": 0.3, "down": -0.2},
    {"angle": 30.0},
    {"angle": -115.0},
    {"zoom": 0.6},
    {"zoom": 1.4},
    {"mirror": 1.0, "angle": 17.0, "zoom": 0.8, "right": -0.4, "down": 0.26},
    {"mirror": 0.0, "angle": -170.0, "zoom": 1.3, "right": 0.5, "down": 0.5},
]


@pytest.mark.parametrize("size", [(12, 12), (10, 17), (21, 8)])
@pytest.mark.parametrize("move", MOVES, ids=str)
def test_it_equals_scipy(move, size):
    x = pictures(*size)
    for ours, channel in zip(moved(x, **move)[0], x[0], strict=True):
        np.testing.assert_allclose(ours.numpy(), with_scipy(channel.numpy(), **move), atol=1e-9)


def test_each_image_of_a_batch_has_its_own_move():
    x = pictures(9, 14, count=6)
    method = registry.parse("augment:flip=0.5,shift=0.2,rotate=40,zoom=0.3")
    found, _ = method.batch(x.clone(), torch.eye(6), Key(2).generator())
    matrices = method.transforms(6, 9, 14, Key(2).generator())
    assert len(np.unique(matrices.round(6), axis=0)) == 6
    for image, original, matrix in zip(found, x, matrices, strict=True):
        (a, b, right), (c, d, down) = matrix  # of coordinates from -1 to 1 across 14 and 9 pixels
        inverse = {"mirror": float(a * d < 0 or (a * d == 0 and b * c > 0)), "right": right / 2, "down": down / 2}
        inverse |= {"angle": np.rad2deg(np.arctan2(c * 9 / 14, d)), "zoom": 1 / np.hypot(c * 9 / 14, d)}
        for ours, channel in zip(image, original, strict=True):
            np.testing.assert_allclose(ours.numpy(), with_scipy(channel.numpy(), **inverse), atol=1e-9)


@pytest.mark.parametrize(("right", "down"), [(0.25, 0.0), (0.0, -0.5), (-0.125, 0.25)])
def test_a_shift_copies_pixels_and_mirrors_them_at_the_edge(right, down):
    x = pictures(12, 16).float()
    across, along = round(right * 16), round(down * 12)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (12, 12), (16, 16)), mode="symmetric")
    wanted = padded[:, :, 12 + along : 24 + along, 16 + across : 32 + across]
    np.testing.assert_allclose(moved(x, right=right, down=down).numpy(), wanted, atol=2e-5)  # float32 coordinates


def test_a_flip_mirrors_left_and_right():
    x = pictures(12, 16).float()
    np.testing.assert_allclose(moved(x, mirror=1.0).numpy(), x.flip(3).numpy(), atol=2e-5)


@pytest.mark.parametrize("size", [(12, 12), (12, 20), (20, 12)])
def test_a_quarter_turn_keeps_squares_square_on_any_image(size):
    """A 10x10 square in the middle comes out turned, to the pixel: width and height are in one scale."""
    x = pictures(*size)
    y, left = (size[0] - 10) // 2, (size[1] - 10) // 2
    middle = (slice(None), slice(None), slice(y, y + 10), slice(left, left + 10))
    turned = moved(x, angle=90.0)[middle].numpy()
    np.testing.assert_allclose(turned, np.rot90(x[middle].numpy(), k=1, axes=(2, 3)), atol=1e-9)


def test_zoom_magnifies():
    """Above 1 a disc in the middle has zoom^2 times the pixels."""
    row, column = np.mgrid[:64, :64] - 31.5
    disc = torch.from_numpy((row**2 + column**2 < 100).astype(float))[None, None]
    for zoom in (0.7, 0.8, 1.25, 1.5):
        assert moved(disc, zoom=zoom).sum().item() / disc.sum().item() == pytest.approx(zoom**2, rel=0.03)


def test_moves_are_distributed_as_the_card_says():
    flip, shift, rotate, zoom, count, height, width = 0.3, 0.2, 25.0, 0.4, 20_000, 24, 40
    method = registry.make("augment", flip=flip, shift=shift, rotate=rotate, zoom=zoom)
    moves = method.transforms(count, height, width, Key(0).generator())
    sin, cos = moves[:, 1, 0] * height / width, moves[:, 1, 1]
    angle, magnified = np.rad2deg(np.arctan2(sin, cos)), 1 / np.hypot(sin, cos)
    mirrored = np.sign(moves[:, 0, 0]) == -1  # angles are far from 90 degrees
    right, down = moves[:, 0, 2] * width / 2, moves[:, 1, 2] * height / 2
    assert scipy.stats.kstest(angle, scipy.stats.uniform(-rotate, 2 * rotate).cdf).pvalue > 0.01
    assert scipy.stats.kstest(magnified, scipy.stats.uniform(1 - zoom, 2 * zoom).cdf).pvalue > 0.01
    assert mirrored.mean() == pytest.approx(flip, abs=4 * np.sqrt(flip * (1 - flip) / count))
    for pixels, longest in ((right, shift * width), (down, shift * height)):
        np.testing.assert_allclose(pixels, pixels.round(), atol=1e-9)
        assert np.unique(pixels.round()).tolist() == list(range(-round(longest), round(longest) + 1))
        edges = np.clip(np.arange(-round(longest), round(longest) + 2) - 0.5, -longest, longest)
        expected = np.diff(edges) / (2 * longest) * count  # a uniform draw, rounded to whole pixels
        seen = np.unique_counts(pixels.round()).counts
        assert scipy.stats.chisquare(seen, expected).pvalue > 0.01
    correlations = np.corrcoef([angle, magnified, mirrored, right, down]) - np.eye(5)
    assert np.abs(correlations).max() < 5 / np.sqrt(count)


@pytest.mark.parametrize("single", ["flip=1,shift=0", "flip=0,shift=0.2", "flip=0,shift=0,rotate=10"])
def test_what_is_not_asked_for_does_not_happen(single):
    moves = registry.parse(f"augment:{single}").transforms(200, 16, 16, Key(0).generator())
    linear, shifts = moves[:, :, :2], moves[:, :, 2]
    assert (np.abs(shifts).max() > 0) == ("shift=0.2" in single)
    assert np.allclose(np.linalg.det(linear), -1 if "flip=1" in single else 1)
    assert np.allclose(np.abs(linear), np.eye(2)) == ("rotate" not in single)
