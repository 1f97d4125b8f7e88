"""One picture under two labels is a mistake, whatever the split is; a blank one is no picture at all."""

import numpy as np
from PIL import Image

from overfitlab.config import protocol_named
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.identical import identical, is_blank
from overfitlab.data.prepare.material import material
from overfitlab.runs.recording import data_record

RNG = np.random.default_rng(0)


def dataset(images, labels, classes="abc", validation=None) -> Dataset:
    images, labels = np.asarray(images, np.uint8), np.asarray(labels, np.int64)
    test = np.arange(len(images) - 4, len(images))
    return Dataset("x", images, labels, tuple(classes), test, "x", "./x", official=False, validation=validation)


def smooth(count: int) -> np.ndarray:
    """Return different pictures [count, 32, 32, 3] that survive being made small."""
    small = RNG.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(each).resize((32, 32), Image.Resampling.BICUBIC)) for each in small])


def test_pictures_in_several_classes_are_found_with_one_row_of_each():
    images = smooth(12)
    images[4], images[7], images[9] = images[1], images[1], images[2]  # classes 1, 1 and 0 against 1 and 2
    found = identical(dataset(images, np.arange(12) % 3))
    assert [picture.rows for picture in found.contradictions] == [(9, 2)]  # 1, 4 and 7 are of one class
    images[8] = images[2]  # of the same class as the twin
    images[10] = images[2]
    assert [p.rows for p in identical(dataset(images, np.arange(12) % 3)).contradictions] == [(9, 10, 2)]


def test_blank_images_contradict_nothing():
    images = smooth(12)
    images[:6] = 0
    images[6:8] = (9, 8, 7)
    found = identical(dataset(images, np.arange(12) % 3))
    assert found.contradictions == []
    assert found.blank == list(range(8))
    almost = images[0].copy()
    almost[31, 31, 2] = 1
    assert not is_blank(almost)


def test_the_record_says_where_they_are_and_which_twins_contradict():
    images = smooth(40)
    labels = np.arange(40) % 2
    images[11] = images[0]  # another class, in training
    images[38] = images[0]  # the same class, in the test part: most alike is the first
    images[39] = images[2]  # another class, in the test part
    images[5] = 255
    data = dataset(images, labels, "ab", validation=np.arange(30, 36))
    prepared = material(data, protocol_named("clean"), seed=0)
    record = data_record(
        prepared, protocol_named("clean"), None, near_duplicates(data, prepared.split), identical(data)
    )
    assert record.identical.found == 2
    assert [(each.images, each.classes) for each in record.identical.contradictions] == [
        ([0, 11], ["a", "b"]), ([2, 39], ["a", "b"]),
    ]  # fmt: skip
    assert (record.identical.blank, record.identical.first_blank) == (1, 5)
    assert (record.near_duplicates["test"].found, record.near_duplicates["test"].other_class) == (2, 1)


def test_files_are_named(tmp_path):
    for kind in ("blight", "healthy"):
        (tmp_path / "x" / kind).mkdir(parents=True)
        for number, image in enumerate(smooth(6)):
            Image.fromarray(image).save(tmp_path / "x" / kind / f"{number}.png")
    for number in (2, 4):
        content = (tmp_path / "x" / "blight" / f"{number}.png").read_bytes()
        (tmp_path / "x" / "healthy" / f"copy{number}.png").write_bytes(content)
    data = loading.load(str(tmp_path / "x"))
    found = identical(data)
    assert [[data.image_names[row] for row in each.rows] for each in found.contradictions] == [
        ["blight/2.png", "healthy/copy2.png"], ["blight/4.png", "healthy/copy4.png"],
    ]  # fmt: skip
