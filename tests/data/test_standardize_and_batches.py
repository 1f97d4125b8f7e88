"""Standardized batches equal the notebook's NumPy."""

import math
import os

import numpy as np
import pytest
import torch

from overfitlab.data import loading
from overfitlab.data.prepare import cache
from overfitlab.data.prepare.batches import BatchSource
from overfitlab.data.prepare.standardize import Standardization, channel_statistics


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2345, 5, 7, 3), dtype=np.uint8)


def test_statistics_equal_numpys(images):
    found = channel_statistics(images, np.arange(len(images)))
    np.testing.assert_allclose(found.mean, images.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found.std, images.std((0, 1, 2)), rtol=1e-12)


@pytest.mark.slow
def test_statistics_of_the_real_cifar10_equal_numpys(real_cifar10):
    images = loading.load("cifar10", real_cifar10).images
    found = channel_statistics(images, np.arange(len(images)))
    np.testing.assert_allclose(found.mean, np.mean(images, axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(found.std, np.std(images, axis=(0, 1, 2)), rtol=1e-9)


def test_a_channel_that_never_varies_becomes_zero():
    images = np.full((3, 4, 4, 1), 7, np.uint8)
    statistics = channel_statistics(images, np.arange(len(images)))
    source = BatchSource(images, np.zeros(3, np.int64), statistics, largest_batch=3)
    x, _ = source.gather(torch.arange(3))
    assert not x.any()


def test_there_may_be_more_images_than_memory(tmp_path):
    """A file with holes, twice as large as the memory of this machine, of which two images are looked at."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    count = 2 * memory // (224 * 224 * 3)
    shape = (count, 224, 224, 3)
    path = tmp_path / "pixels.bin"
    with path.open("wb") as stream:
        try:
            stream.truncate(math.prod(shape))
        except OSError as error:
            pytest.skip(f"no file of that size here: {error}")
        stream.seek(math.prod(shape) - 1)
        stream.write(b"\x07")
    images = cache._mapped(path, shape)
    statistics = Standardization(np.zeros(3), np.ones(3))
    x, _ = BatchSource(images, np.zeros(count, np.int64), statistics, largest_batch=2).gather(
        torch.tensor([0, count - 1])
    )
    assert x[0].abs().max() == 0
    assert x[1].flatten()[-1] == 7


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
def test_batches_are_the_standardized_rows_in_order(images, dtype, tolerance):
    labels = np.arange(len(images))
    source = BatchSource(
        images, labels, channel_statistics(images, np.arange(len(images))), largest_batch=32, dtype=dtype
    )
    rows = np.random.default_rng(1).permutation(len(images))[:100]
    wanted = (images - np.mean(images, axis=(0, 1, 2))) / np.std(images, axis=(0, 1, 2))
    sizes = []
    for number, (x, y) in enumerate(source.in_order(rows, 32)):
        part = rows[32 * number : 32 * (number + 1)]
        assert y.tolist() == part.tolist()
        assert x.dtype == dtype
        assert x.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_allclose(x.permute(0, 2, 3, 1).numpy(), wanted[part], atol=tolerance)
        sizes.append(len(y))
    assert sizes == [32, 32, 32, 4]  # the last, partial one is kept
