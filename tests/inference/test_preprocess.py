"""What a network is given outside of overfitlab is what it is given inside."""

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

import overfitlab
from overfitlab.data.sources import digits
from overfitlab.errors import DataError, UsageError
from overfitlab.inference.preprocess import Preprocess

RNG = np.random.default_rng(0)
COLOURED = RNG.integers(0, 256, (3, 12, 10, 3), dtype=np.uint8)
RGB = Preprocess((100.0, 110.0, 120.0), (50.0, 60.0, 70.0), (12, 10), 255)
GRAY = Preprocess((90.0,), (45.0,), (12, 10), 255)


def expected(images, preprocess):
    mean, std = (np.array(each) for each in (preprocess.mean, preprocess.std))
    return ((images.astype(np.float64) - mean) / std).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    "images",
    [
        COLOURED,
        list(COLOURED),
        [Image.fromarray(image) for image in COLOURED],
        torch.from_numpy(COLOURED).permute(0, 3, 1, 2),
        COLOURED / 255,
        COLOURED.astype(np.int64),
        COLOURED.astype(np.float64),
        COLOURED / 255 + 1e-4,
        (torch.from_numpy(COLOURED) / 255).permute(0, 3, 1, 2),
        (COLOURED / 255).astype(np.float32),
        list((torch.from_numpy(COLOURED) / 255).permute(0, 3, 1, 2)),
    ],
)
def test_pictures_arrays_and_tensors_are_one(images):
    batch = RGB(images)
    assert (batch.dtype, tuple(batch.shape)) == (torch.float32, (3, 3, 12, 10))
    assert batch.is_contiguous()  # networks write x.view(len(x), -1)
    np.testing.assert_allclose(batch.numpy(), expected(COLOURED, RGB), atol=1e-5)


def test_one_image_is_a_batch_of_one():
    for image in (COLOURED[0], Image.fromarray(COLOURED[0]), torch.from_numpy(COLOURED[0]).permute(2, 0, 1)):
        np.testing.assert_allclose(RGB(image).numpy(), expected(COLOURED[:1], RGB), atol=1e-5)


def test_colours_become_gray_and_gray_becomes_colours():
    gray = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in COLOURED])[..., None]
    np.testing.assert_allclose(GRAY(COLOURED).numpy(), expected(gray, GRAY), atol=1e-5)
    np.testing.assert_allclose(RGB(gray).numpy(), expected(np.repeat(gray, 3, axis=-1), RGB), atol=1e-5)
    np.testing.assert_allclose(GRAY(gray[0, ..., 0]).numpy(), expected(gray[:1], GRAY), atol=1e-5)


def test_other_sizes_are_resized_as_files_are(tmp_path):
    large = RNG.integers(0, 256, (40, 33, 3), dtype=np.uint8)
    Image.fromarray(large).save(tmp_path / "large.png")
    of_file = RGB(tmp_path / "large.png")
    for image in (large, Image.fromarray(large), torch.from_numpy(large).permute(2, 0, 1), str(tmp_path / "large.png")):
        assert torch.equal(RGB(image), of_file)


@pytest.mark.parametrize(
    ("images", "given"),
    [
        (COLOURED[..., :2], "an array [3, 12, 10, 2]"),
        (np.zeros(3, np.uint8), "an array [3]"),
        (np.zeros((0, 12, 10, 3), np.uint8), "an array [0, 12, 10, 3]"),
        (torch.zeros(12, 10), "a tensor [12, 10]"),
        (torch.zeros(2, 12, 10, 3), "a tensor [2, 12, 10, 3]"),
        ([], "nothing"),
        (3, "3"),
        (None, "None"),
    ],
)
def test_anything_else_is_a_usage_error(images, given):
    with refused(UsageError, "no_images_to_prepare", given=given) as caught:
        RGB(images)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (COLOURED / 255 - 0.5, "images_were_standardized"),
        (np.full((4, 4), np.nan), "images_not_finite"),
        (COLOURED * 4.0, "array_too_bright"),
    ],
)
def test_numbers_on_another_scale_are_a_usage_error(images, code):
    with refused(UsageError, code):
        RGB(images)


def test_sixteen_bits_of_a_camera_with_fewer(tmp_path):
    levels = RNG.integers(0, 4096, (12, 10), dtype=np.uint16)
    preprocess = Preprocess((90.0,), (45.0,), (12, 10), 255, 4095)
    wanted = preprocess(np.rint(levels * (255 / 4095)).astype(np.uint8))
    Image.fromarray(levels).save(tmp_path / "x.png")
    for image in (levels, levels / 4095, tmp_path / "x.png", Image.open(tmp_path / "x.png")):
        np.testing.assert_allclose(preprocess(image).numpy(), wanted.numpy(), atol=1.01 / 45)


def test_a_file_that_is_no_image_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError):
        RGB(tmp_path / "a.png")


def test_a_run_says_its_mean_deviation_and_size(digits_run, digit_files):
    run = overfitlab.load_run(digits_run)
    prepared, data = run.preprocess, run.own.data
    assert (prepared.size, prepared.brightest) == ((8, 8), 16)
    assert (list(prepared.mean), list(prepared.std)) == (data.mean, data.std)
    model = run.model().double()  # else the order of sums, which depends on the processor, would decide about 1e-6
    for images, pictures in (
        (digits.load().images[:30],) * 2,
        (digit_files, [Image.open(file) for file in digit_files]),
    ):
        wanted = overfitlab.predict(run, images, threads=1, precision="float64").probabilities
        found = model(prepared(pictures).double()).softmax(1).detach().numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-6)
