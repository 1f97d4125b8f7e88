"""Near-duplicates are found, whatever was done to the copy, and different pictures are not taken for one."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.splits import Split


def compare(train, val, channels=3):
    images = np.concatenate([train, val]).reshape(len(train) + len(val), *train.shape[1:3], channels)
    nothing = np.arange(0)
    data = Dataset("x", images, np.zeros(len(images), np.int64), ("a",), nothing, "", "x", official=False)
    rows = np.arange(len(images))
    return near_duplicates(data, Split(rows[: len(train)], rows[len(train) :], nothing))


def jpeg(image, quality):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


COPIES = {
    "identical": lambda image: image,
    "JPEG of low quality": lambda image: jpeg(image, 40),
    "smaller and back": lambda image: image.resize((22, 22)).resize((32, 32)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gray": lambda image: image.convert("L").convert("RGB"),
}


@pytest.fixture(scope="module")
def photographs():
    """The first 2,000 images of the real CIFAR-10."""

    def load(folder):
        return loading.load("cifar10", folder).images[:2000]

    return load


@pytest.mark.slow
@pytest.mark.parametrize("copy", COPIES)
def test_copies_of_real_photographs_are_found(real_cifar10, photographs, copy):
    images = photographs(real_cifar10)
    changed = np.stack([np.asarray(COPIES[copy](Image.fromarray(image))) for image in images[:200]])
    found, _ = compare(images, changed)
    right = sum(pair.twin == pair.row - 2000 for pair in found.pairs)
    assert right >= 190  # of 200: in a few photographs hardly anything can be seen


@pytest.mark.slow
def test_different_photographs_are_not_taken_for_copies(real_cifar10, photographs):
    images = photographs(real_cifar10)
    found, _ = compare(images[:1000], images[1000:])
    assert len(found.pairs) <= 5  # CIFAR-10 does hold some


def test_blank_images_do_not_match_everything():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    blank = np.full((20, 32, 32, 3), 200, np.uint8)
    found, test = compare(np.concatenate([noise, blank]), np.concatenate([noise[:3], blank]))
    assert [(pair.row - 70, pair.twin) for pair in found.pairs] == [(0, 0), (1, 1), (2, 2)]
    assert found.pairs[0].correlation == pytest.approx(1, abs=1e-5)
    assert (test.looked_at, test.pairs) == (0, [])


def test_the_most_alike_twin_is_named():
    rng = np.random.default_rng(0)
    picture = rng.integers(60, 180, (1, 32, 32, 3)).astype(np.int64)
    noise = rng.normal(size=(3, 32, 32, 3))
    train = np.concatenate([picture + amount * noise[number] for number, amount in enumerate((15, 0, 8))])
    found, _ = compare(train.clip(0, 255).astype(np.uint8), picture.astype(np.uint8))
    assert [pair.twin for pair in found.pairs] == [1]
