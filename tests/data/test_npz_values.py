"""On which scale numbers are: nothing is rounded to next to nothing in silence, whoever divided by what."""

import numpy as np
import pytest
import torch
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.prepare.rounding import FEWEST
from overfitlab.errors import DataError
from overfitlab.reasons import reason

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (30, 12, 10), dtype=np.uint8)
X[0, 0, :2] = 0, 255
Y = np.arange(30) % 3


def loaded(tmp_path, **arrays):
    np.savez(tmp_path / "m.npz", **arrays)
    return loading.load(str(tmp_path / "m.npz"))


@pytest.mark.parametrize("factor", [1.0000002, 1.02, 1.2])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_goes_a_little_beyond_one_is_cut_off_there(tmp_path, factor, kind):
    x = (X / 255 * factor).astype(kind)
    data = loaded(tmp_path, x=x, y=Y)
    np.testing.assert_array_equal(data.images[..., 0], np.rint(np.minimum(x, 1) * kind(255)))
    cut = int((np.rint(x * kind(255)) > 255).sum())
    expected = (reason("values_cut_off", array="x", cut=cut, count=X.size, most=1),) if cut else ()
    assert data.notes == expected


def test_both_ends_of_a_bicubic_resize(tmp_path):
    for scale, most in ((1, 1), (255, 255)):
        x = (X / 255 * 1.3 - 0.1) * scale
        data = loaded(tmp_path, x=x, y=Y)
        np.testing.assert_array_equal(data.images[..., 0], np.rint(x * 255 / scale).clip(0, 255))
        (note,) = data.notes
        assert (note.code, note.values["most"]) == ("values_cut_off", most)
        assert note.values["cut"] == int(((np.rint(x * 255 / scale) < 0) | (np.rint(x * 255 / scale) > 255)).sum())


def test_the_cache_remembers_what_was_noted(tmp_path):
    first = loaded(tmp_path, x=X / 255 * 1.1, y=Y)
    again = loading.load(str(tmp_path / "m.npz"))
    assert first.notes
    assert again.notes == first.notes


@pytest.mark.parametrize(
    ("bits", "kind"), [(10, np.uint16), (12, np.uint16), (12, np.int32), (14, np.float32), (16, np.uint16)]
)
def test_whole_numbers_of_more_bits_end_at_the_last_level_of_those(tmp_path, bits, kind):
    white = 2**bits - 1
    levels = RNG.integers(0, white + 1, X.shape)
    levels[0, 0, 0] = white
    data = loaded(tmp_path, x=levels.astype(kind), y=Y)
    assert np.abs(data.images[..., 0] - levels * 255 / white).max() <= 0.5 + 1e-4
    assert data.white == white
    assert data.notes == (reason("levels_of_more_bits", array="x", white=white),)


def test_all_parts_of_more_bits_have_one_white(tmp_path):
    levels = RNG.integers(0, 4096, X.shape).astype(np.uint16)
    levels[0, 0, 0] = 4095
    dark = (levels[20:] // 8).astype(np.uint16)
    data = loaded(tmp_path, x_train=levels[:20], y_train=Y[:20], x_test=dark, y_test=Y[20:])
    np.testing.assert_array_equal(data.images[20:, ..., 0], np.rint(dark * (255 / 4095)))
    given = loading.load(str(tmp_path / "m.npz"), white=16383)
    assert given.white == 16383
    assert given.images.max() == 64


def test_bytes_beside_fractions_are_each_read_on_their_own_scale(tmp_path):
    for whole in (X[:20], X[:20].astype(np.int64)):
        data = loaded(tmp_path, x_train=whole, y_train=Y[:20], x_test=X[20:] / 255, y_test=Y[20:])
        np.testing.assert_array_equal(data.images[..., 0], X)
        assert data.notes == (reason("parts_scaled_apart", array="x_test"),)


def test_few_levels_are_kept_and_said(tmp_path):
    """As of scikit-learn's digits, whose white is 16."""
    for kind in (np.uint8, np.float64):
        data = loaded(tmp_path, x=(X // 16).astype(kind), y=Y)
        np.testing.assert_array_equal(data.images[..., 0], X // 16)
        assert data.notes == (reason("few_levels_used", array="x", low=0, high=15),)


def test_a_dark_set_that_was_bytes_loses_nothing(tmp_path):
    data = loaded(tmp_path, x=(X // 16 / 255).astype(np.float32), y=Y)
    np.testing.assert_array_equal(data.images[..., 0], X // 16)


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_rounding_leaves_enough_levels_or_is_refused(tmp_path, share):
    ramp = np.linspace(0, share * FEWEST / 255, X[0].size)
    x = np.stack([np.roll(ramp, row).reshape(X[0].shape) for row in range(len(X))])
    if share > 1:
        assert len(np.unique(loaded(tmp_path, x=x, y=Y).images)) >= FEWEST
        return
    with refused(DataError, "few_levels_would_be_left", image=f"{tmp_path}/m.npz: x[0]", white=1, lost=30, where="x"):
        loaded(tmp_path, x=x, y=Y)
    low, high = x.min(), x.max()
    stretched = loaded(tmp_path, x=(x - low) / (high - low), y=Y)  # what it advises
    assert len(np.unique(stretched.images)) == min(X[0].size, 256)


def test_a_sliver_is_refused_beside_blank_images_and_in_a_small_part(tmp_path):
    """Blank ones lose nothing, and are no reason to take the others."""
    sliver = 0.4 + X / 255 * 0.05
    half = np.where(np.arange(30)[:, None, None] % 2 == 0, sliver, 0.4)
    with refused(DataError, "few_levels_would_be_left", where="x", lost=15):
        loaded(tmp_path, x=half, y=Y)
    with refused(DataError, "few_levels_would_be_left", where="x_test", lost=3):
        loaded(tmp_path, x_train=X / 255, y_train=Y, x_test=sliver[:3], y_test=Y[:3])


@pytest.mark.parametrize("kind", ["float", "12 bits"])
@pytest.mark.parametrize("bright", ["a pixel", "an image"])
def test_one_that_is_too_bright_does_not_darken_all_others_in_silence(tmp_path, kind, bright):
    x = (X / 255).astype(np.float32) if kind == "float" else X.astype(np.uint16) * 16
    brightest = 255 if kind == "float" else 65535
    if bright == "a pixel":
        x[5, 0, 0] = brightest
    else:
        x[5] = x[5] * (brightest / x[5].max())
    with refused(DataError, "few_levels_would_be_left", where="x", images=30) as found:
        loaded(tmp_path, x=x, y=Y)
    assert found.value.values["lost"] >= 29


def test_shapes_in_black_and_white_are_fine_however_they_were_made(tmp_path):
    """With a little noise, and with the overshoot of a bicubic resize: nobody could scale them better."""
    shapes = np.repeat(np.repeat(RNG.integers(0, 2, (30, 6, 6)), 4, 1), 4, 2).astype(np.float32)
    noisy = shapes + RNG.normal(0, 1e-3, shapes.shape)
    resized = torch.nn.functional.interpolate(torch.from_numpy(shapes)[:, None], 33, mode="bicubic")[:, 0].numpy()
    for x in (noisy, noisy.clip(0, 1), resized):
        assert {note.code for note in loaded(tmp_path, x=x, y=Y).notes} <= {"values_cut_off"}


def test_some_images_that_are_too_dark_are_said(tmp_path):
    levels = RNG.integers(0, 65536, X.shape).astype(np.uint16)
    levels[[3, 7]] //= 16
    data = loaded(tmp_path, x=levels, y=Y)
    assert [note.code for note in data.notes] == ["levels_of_more_bits", "few_levels_left"]
    assert data.notes[1].values["lost"] == 2
    assert data.notes[1].values["image"].endswith("x[3]")


@pytest.mark.parametrize("dark", ["x_train", "x_test"])
def test_parts_of_different_depths_are_refused(tmp_path, dark):
    bright = RNG.integers(0, 65536, X.shape).astype(np.uint16)
    parts = {"x_train": bright[:20], "x_test": bright[20:]}
    parts[dark] = parts[dark] // 16
    with refused(DataError, "few_levels_would_be_left", where=dark):
        loaded(tmp_path, **parts, y_train=Y[:20], y_test=Y[20:])


def test_zeros_and_ones_beside_the_same_are_none(tmp_path):
    for test in (X[20:] // 128, (X[20:] // 128).astype(np.uint16), X[20:] * 0):
        data = loaded(tmp_path, x_train=X[:20] // 128, y_train=Y[:20], x_test=test, y_test=Y[20:])
        assert {note.code for note in data.notes} == {"few_levels_used"}


def test_zeros_and_ones_beside_bytes_are_refused(tmp_path):
    with refused(DataError, "parts_of_zeros_and_ones", first="x_test", second="x_train"):
        loaded(tmp_path, x_train=X[:20], y_train=Y[:20], x_test=X[20:] // 128, y_test=Y[20:])
