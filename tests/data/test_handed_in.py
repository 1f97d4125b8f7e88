"""Data that is handed in from Python: every form of the same images is the same data, and lies in the cache once."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from refusals import refused
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from overfitlab.data import loading
from overfitlab.data.prepare.images import read_image
from overfitlab.data.sources.handed_in import is_handed_in_before, source_of
from overfitlab.errors import DataError, OverfitlabError, UsageError
from overfitlab.events import Callback, Listener, TaskAdvanced

RNG = np.random.default_rng(0)
Y = np.arange(30) % 3
X = RNG.integers(0, 256, (30, 12, 10, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (30, 12, 10), dtype=np.uint8)
CHANNELS_FIRST = torch.from_numpy(X).permute(0, 3, 1, 2)


class Pairs(Dataset):
    """Items (image, label) of a map-style data set."""

    def __init__(self, images, labels=Y, classes=None):
        self.images, self.labels = images, labels
        if classes:
            self.classes = classes

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        return self.images[row], self.labels[row]


def loaded(data, groups=None, size=None):
    path, found = source_of(data, groups, size, Listener())
    return loading.load(path, image_size=size, groups=found)


PICTURES = [Image.fromarray(image) for image in X]
SAME = {
    "arrays": (X, Y),
    "a list": [X, Y],
    "columns": (X, Y[:, None]),
    "fractions": (X / 255, Y),
    "single fractions": ((X / 255).astype(np.float32), Y.astype(np.uint8)),
    "whole numbers": (X.astype(np.int64), Y.tolist()),
    "floats": (X.astype(np.float32), Y.astype(np.float64)),
    "another order in memory": (np.asfortranarray(X), Y),
    "channels first": (np.ascontiguousarray(X.transpose(0, 3, 1, 2)), Y),
    "tensors": (CHANNELS_FIRST, torch.from_numpy(Y)),
    "tensors of fractions": (CHANNELS_FIRST / 255, torch.from_numpy(Y)),
    "tensors, channels last": (torch.from_numpy(X), Y),
    "one-hot": (X, np.eye(3)[Y]),
    "one-hot tensors": (X, torch.nn.functional.one_hot(torch.from_numpy(Y))),
    "lists": (list(X), [torch.tensor(int(label)) for label in Y]),
    "pictures": (PICTURES, Y),
    "an array of pictures": (np.array([*PICTURES, None], dtype=object)[:-1], Y),
    "a series": (X, pd.Series(Y)),
    "a dict": {"x": X, "y": Y},
    "training alone": {"train": (X, Y)},
    "a data set of tensors": TensorDataset(CHANNELS_FIRST / 255, torch.from_numpy(Y)),
    "a data set of pictures": Pairs(PICTURES),
    "a data set of arrays": Pairs(X, list(Y)),
    "a subset": Subset(Pairs(PICTURES), range(30)),
    "data sets in a row": ConcatDataset([Subset(Pairs(PICTURES), range(12)), Subset(Pairs(PICTURES), range(12, 30))]),
}


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
def test_every_form_of_the_same_images_is_the_same_data(data):
    found = loaded(data)
    np.testing.assert_array_equal(found.images, X)
    np.testing.assert_array_equal(found.labels, Y)
    assert found.class_names == ("0", "1", "2")
    assert found.content_hash == loaded((X, Y)).content_hash
    assert found.name.startswith("arrays-")


def test_it_lies_in_the_cache_once_and_without_pickles(monkeypatch):
    monkeypatch.setenv("OVERFITLAB_CACHE", "cache")
    path, _ = source_of((X, Y), None, None, Listener())
    assert Path(path).is_absolute()
    assert is_handed_in_before(path)
    assert [entry.name for entry in Path("cache/arrays").iterdir()] == [Path(path).name]
    before = Path(path).stat().st_mtime_ns
    again, _ = source_of((CHANNELS_FIRST, Y), None, None, Listener())
    assert (again, Path(path).stat().st_mtime_ns) == (path, before)
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays.files) == {"x_train", "y_train"}
    other, _ = source_of((255 - X, Y), None, None, Listener())
    assert other != path


def test_gray_images():
    for x in (GRAY, GRAY[..., None], torch.from_numpy(GRAY), torch.from_numpy(GRAY)[:, None], list(GRAY),
              [Image.fromarray(image) for image in GRAY]):  # fmt: skip
        np.testing.assert_array_equal(loaded((x, Y)).images, GRAY[..., None])


def test_the_layout_of_what_could_be_both():
    """Three images of three rows: PyTorch's have their channels first, NumPy's last."""
    x = RNG.integers(0, 256, (30, 3, 8, 3), dtype=np.uint8)
    big = RNG.integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
    np.testing.assert_array_equal(loaded((big, Y)).images, big.transpose(0, 2, 3, 1))
    with refused(DataError, "npz_needs_image_size", height=3, width=8):
        loaded((x, Y))
    with refused(DataError, "npz_needs_image_size", height=8, width=3):
        loaded((torch.from_numpy(x), Y))


def test_labels_that_are_texts():
    names = np.array(["wolf", "ant", "cow"])
    for y in (names[Y], names[Y].tolist(), pd.Series(names[Y]), names[Y].astype(object), names[Y].astype("S")):
        found = loaded((X, y))
        assert found.class_names == ("ant", "cow", "wolf")
        np.testing.assert_array_equal(np.array(found.class_names)[found.labels], names[Y])


def test_names_of_classes():
    names = ["wolf", "ant", "cow"]
    assert loaded({"x": X, "y": Y, "class_names": names}).class_names == tuple(names)
    assert loaded(Pairs(PICTURES, classes=names)).class_names == tuple(names)
    assert loaded(Subset(Pairs(PICTURES, classes=names), range(30))).class_names == tuple(names)


PARTS = {
    "pairs": {"train": (X[:15], Y[:15]), "val": (X[15:21], Y[15:21]), "test": (X[21:], Y[21:])},
    "as in a file": {
        "x_train": X[:15], "y_train": Y[:15], "x_valid": X[15:21], "y_valid": Y[15:21],
        "x_test": X[21:], "y_test": Y[21:],
    },
    "a row of three": ((X[:15], Y[:15]), (X[15:21], Y[15:21]), (X[21:], Y[21:])),
    "data sets": {
        "training": Subset(Pairs(PICTURES), range(15)), "validation": Subset(Pairs(PICTURES), range(15, 21)),
        "test": Subset(Pairs(PICTURES), range(21, 30)),
    },
    "data sets and arrays": (
        Subset(Pairs(PICTURES), range(15)), TensorDataset(CHANNELS_FIRST[15:21], torch.from_numpy(Y[15:21])),
        (X[21:], Y[21:]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("data", PARTS.values(), ids=PARTS)
def test_parts(data):
    found = loaded(data)
    np.testing.assert_array_equal(found.images, X)
    assert found.validation.tolist() == list(range(15, 21))
    assert found.test.tolist() == list(range(21, 30))
    assert not found.test_set_apart


@pytest.mark.parametrize(
    "keys", [("X", "y"), ("images", "labels"), ("train_images", "train_labels"), ("trainX", "trainY")]
)
def test_a_dict_has_the_names_of_an_npz_file(keys):
    given = dict(zip(keys, (X, Y), strict=True))
    assert loaded(given).content_hash == loaded((X, Y)).content_hash
    np.savez("same.npz", **given)
    assert loading.load("same.npz").content_hash == loaded((X, Y)).content_hash


@pytest.mark.parametrize("other", ["age", "file", "args"])  # numpy.savez has a parameter called file
def test_a_dict_may_hold_groups(other):
    patient = np.arange(30) // 5
    found = loaded({"x": X, "y": Y, "patient": patient, other: patient}, "array:patient")
    np.testing.assert_array_equal(found.groups.codes, patient)
    assert [note.values["arrays"] for note in found.notes] == [other]


def test_two_parts_are_training_and_test_as_keras_returns_them():
    found = loaded(((X[:21], Y[:21]), (X[21:], Y[21:])))
    assert (found.validation, found.test.tolist()) == (None, list(range(21, 30)))


def test_pictures_are_resized_as_files_are(tmp_path):
    sizes = [(20 + row % 3, 30 + row % 2) for row in range(30)]
    pictures = [Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]
    for row, picture in enumerate(pictures):
        picture.save(tmp_path / f"{row}.png")
    for asked, size in (((16, 12), (16, 12)), (None, (32, 32))):
        found = loaded((pictures, Y), size=asked)
        expected = [read_image(tmp_path / f"{row}.png", size, 3) for row in range(30)]
        np.testing.assert_array_equal(found.images, expected)
    mixed = loaded(([Image.fromarray(GRAY[0]), *PICTURES[1:]], Y))
    np.testing.assert_array_equal(mixed.images[0], np.repeat(GRAY[0][..., None], 3, axis=2))


def test_groups():
    groups = np.arange(30) // 5
    for given in (
        groups,
        groups.tolist(),
        [f"patient, {one}\n" for one in groups],
        torch.from_numpy(groups),
        pd.Series(groups),
    ):
        found = loaded((X, Y), given)
        np.testing.assert_array_equal(found.groups.codes, groups)
    Path("list.csv").write_text("\n".join(f"{row},{group}" for row, group in enumerate(groups)))
    assert (
        loaded((X, Y), "list.csv").groups.sha256
        == loaded((X, Y), Path("list.csv")).groups.sha256
        == found.groups.sha256
    )


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        (np.arange(29), "groups_of_another_length_in_memory"),
        (np.arange(30) / 2, "groups_of_no_kind_in_memory"),
        (np.zeros((30, 2), int), "groups_of_no_kind_in_memory"),
        (5, "groups_of_no_kind_in_memory"),
        ({1: 2}, "groups_of_no_kind_in_memory"),
        (["a"] * 29 + [""], "empty_group"),
    ],
)
def test_groups_that_are_none(groups, code):
    with refused(UsageError, code):
        loaded((X, Y), groups)


class Random(Pairs):
    """A data set that flips its pictures now and then."""

    def __getitem__(self, row):
        image, label = super().__getitem__(row)
        return (image[:, ::-1].copy() if RNG.random() < 0.5 else image), label


class Broken(Pairs):
    """A data set whose fourth item cannot be read."""

    def __getitem__(self, row):
        if row == 3:
            raise OSError("no such scan")
        return super().__getitem__(row)


class Stream(IterableDataset):
    """Items without numbers."""

    def __iter__(self):
        yield from zip(X, Y, strict=True)


class Endless(Pairs):
    """A data set that does not say how long it is."""

    def __len__(self):
        raise TypeError


WRONG = {
    "random": (Random(X), UsageError, "data_set_is_random", {}),
    "broken": (Broken(X), DataError, "item_fails", {"row": 3, "type": "OSError", "reason": "no such scan"}),
    "stream": (Stream(), UsageError, "data_set_without_numbers", {}),
    "endless": (Endless(X), UsageError, "data_set_of_no_length", {}),
    "loader": (DataLoader(Pairs(X)), UsageError, "data_loader_given", {"example": "loader.dataset"}),
    "loaders": ({"train": DataLoader(Pairs(X))}, UsageError, "data_loader_given", {}),
    "empty": (Pairs(X[:0], Y[:0]), DataError, "data_set_empty", {}),
    "items": (TensorDataset(CHANNELS_FIRST), UsageError, "item_is_no_pair", {"row": 0}),
    "images alone": (X, UsageError, "no_data_of_this_kind", {}),
    "a table": (pd.DataFrame({"x": [1]}), UsageError, "no_data_of_this_kind", {}),
    "four": ((X, Y, X, Y), UsageError, "no_data_of_this_kind", {}),
    "parts of no kind": ({"train": X}, UsageError, "no_data_of_this_kind", {}),
    "no training": ({"x_test": X, "y_test": Y}, UsageError, "data_of_other_parts", {"keys": "x_test, y_test"}),
    "a part too many": ({"x": X, "y": Y, "z": X}, UsageError, "data_of_other_parts", {"keys": "x, y, z"}),
    "an empty dict": ({}, UsageError, "data_of_other_parts", {"keys": "{}"}),
    "no names": ({"x": X, "y": Y, "class_names": "abc"}, UsageError, "class_names_no_list", {}),
    "labels of two kinds": ((X, ["a", *range(29)]), UsageError, "y_is_no_labels", {}),
    "standardized": (((X - 128.0) / 50, Y), UsageError, "images_were_standardized", {"low": -128 / 50}),
    "no numbers": ((np.full(X.shape, np.nan), Y), UsageError, "images_not_finite", {"row": 0}),
    "four channels": ((np.zeros((30, 12, 10, 4), np.uint8), Y), UsageError, "x_is_no_images", {}),
    "two dimensions": ((X.reshape(30, -1), Y), UsageError, "x_is_no_images", {}),
    "complex": ((X * 1j, Y), UsageError, "x_is_no_images", {}),
    "texts": ((["a"] * 30, Y), UsageError, "x_is_no_images", {}),
    "different shapes": (([*X[:29], X[0, :8]], Y), UsageError, "images_of_different_kinds", {"row": 29}),
    "different types": (([*X[:29], X[0] / 255], Y), UsageError, "images_of_different_kinds", {"row": 29}),
    "too few labels": ((X, Y[:29]), UsageError, "labels_of_another_number", {"labels": 29, "images": 30}),
    "shares": ((X, np.full((30, 3), 1 / 3)), UsageError, "y_is_no_labels", {}),
    "halves": ((X, Y / 2), UsageError, "y_is_no_labels", {}),
    "ragged": ((X, [[0]] * 29 + [[0, 1]]), UsageError, "y_is_no_labels", {}),
    "no labels": ((X, None), UsageError, "y_is_no_labels", {}),
}


@pytest.mark.parametrize(("data", "kind", "code", "values"), WRONG.values(), ids=WRONG)
def test_what_is_no_data_is_one_line(data, kind, code, values):
    with refused(kind, code, **values):
        loaded(data)
    assert not any(Path().iterdir())


def test_a_picture_that_cannot_be_decoded(tmp_path):
    path = tmp_path / "x.png"
    PICTURES[0].resize((64, 64)).save(path)
    path.write_bytes(path.read_bytes()[:500])
    with Image.open(path) as broken, refused(DataError, "item_unreadable", row=1):
        loaded(([PICTURES[0], broken, *PICTURES[2:]], Y))


def test_a_cache_that_cannot_be_written(monkeypatch):
    Path("file").write_text("in the way")
    monkeypatch.setenv("OVERFITLAB_CACHE", "file")
    with refused(OverfitlabError, "arrays_cannot_be_kept"):
        loaded((X, Y))


def test_reading_is_told():
    said = []
    source_of(Pairs(PICTURES), None, None, Callback(said.append))
    assert [event.done for event in said if isinstance(event, TaskAdvanced)] == list(range(1, 31))


def test_objects_are_never_unpickled():
    class Evil:
        def __reduce__(self):
            return (os.mkdir, ("evil",))

    with refused(UsageError, "x_is_no_images"):
        loaded((np.array([[Evil()]], dtype=object), Y))
    assert not Path("evil").exists()
    assert pickle.dumps(Evil())
