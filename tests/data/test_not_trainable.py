"""Images that are only evaluated need not be enough to train on."""

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from overfitlab.data import loading
from overfitlab.errors import DataError


@pytest.fixture
def one_class(tmp_path):
    """A folder and a file with two images of one class."""
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    for number in (1, 2):
        Image.new("RGB", (9, 9), (number, 0, 0)).save(tmp_path / "photos" / "cat" / f"{number}.png")
    np.savez(tmp_path / "photos.npz", x=np.zeros((2, 9, 9, 3), dtype=np.uint8), y=np.array(["cat", "cat"]))
    return [str(tmp_path / "photos"), str(tmp_path / "photos.npz")]


def test_they_are_refused_where_they_are_to_be_trained_on(one_class):
    for source in one_class:
        with refused(DataError, "one_class_only"):
            loading.load(source)


def test_they_are_loaded_whole_where_they_are_not(one_class):
    for source in one_class:
        found = loading.load(source, trainable=False)
        assert found.class_names == ("cat",)
        assert len(found.images) == len(found.learning) == 2
        assert len(found.test) == 0
        assert not found.test_set_apart


def test_a_folder_without_any_image_is_refused_all_the_same(tmp_path):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    with refused(DataError, "folder_without_images"):
        loading.load(str(tmp_path / "photos"), trainable=False)
