"""Fashion-MNIST's IDX files: read as torchvision does, and never trusted."""

import gzip
import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.catalog import library
from overfitlab.data.catalog.places import cache_folder
from overfitlab.data.catalog.published import SETS
from overfitlab.data.sources.contents import UnreadableError
from overfitlab.data.sources.fashion_mnist import idx
from overfitlab.errors import DataError, OverfitlabError

RNG = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte": RNG.integers(0, 256, (50, 28, 28), dtype=np.uint8),
    "train-labels-idx1-ubyte": (np.arange(50) % 10).astype(np.uint8),
    "t10k-images-idx3-ubyte": RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8),
    "t10k-labels-idx1-ubyte": (np.arange(20) % 10).astype(np.uint8),
}


def encoded(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


def write(folder, *, compressed):
    folder.mkdir(parents=True)
    for name, array in ARRAYS.items():
        content = encoded(array)
        (folder / f"{name}.gz" if compressed else folder / name).write_bytes(
            gzip.compress(content) if compressed else content
        )


@pytest.fixture
def _declared(monkeypatch):
    for name, array in ARRAYS.items():
        md5 = hashlib.md5(encoded(array), usedforsecurity=False).hexdigest()
        monkeypatch.setitem(SETS["fashion_mnist"].members, name, md5)


@pytest.mark.usefixtures("_declared")
@pytest.mark.parametrize(
    ("where", "compressed"),
    [
        ("data/FashionMNIST/raw", False),  # torchvision leaves both
        ("data/FashionMNIST/raw", True),
        ("home/.keras/datasets/fashion-mnist", True),
        ("home/.cache/overfitlab/fashion-mnist", True),
        ("system/fashion-mnist", True),
    ],
)
def test_it_is_found_where_others_put_it(tmp_path, monkeypatch, where, compressed):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / where, compressed=compressed)
    dataset = loading.load("fashion_mnist")
    assert dataset.official
    assert dataset.images.shape == (70, 28, 28, 1)
    assert dataset.images.flags.writeable
    np.testing.assert_array_equal(dataset.images[dataset.learning, ..., 0], ARRAYS["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(dataset.images[dataset.test, ..., 0], ARRAYS["t10k-images-idx3-ubyte"])
    assert dataset.labels[dataset.learning].tolist() == ARRAYS["train-labels-idx1-ubyte"].tolist()
    assert dataset.labels[dataset.test].dtype == np.int64
    assert dataset.class_names[9] == "Ankle boot"


def test_keras_reads_the_same(tmp_path, monkeypatch):
    from keras.src.datasets import fashion_mnist

    write(tmp_path / "fashion-mnist", compressed=True)
    monkeypatch.setattr(fashion_mnist, "get_file", lambda name, **_: str(tmp_path / "fashion-mnist" / name))
    (images, labels), (test_images, test_labels) = fashion_mnist.load_data()
    ours = loading.load("fashion_mnist", tmp_path)
    np.testing.assert_array_equal(ours.images[ours.learning, ..., 0], images)
    np.testing.assert_array_equal(ours.images[ours.test, ..., 0], test_images)
    assert ours.labels[ours.learning].tolist() == labels.tolist()
    assert ours.labels[ours.test].tolist() == test_labels.tolist()


def test_all_four_files_are_fetched(serve, monkeypatch):
    contents = {f"{name}.gz": gzip.compress(encoded(array)) for name, array in ARRAYS.items()}

    def by_name(request, _content):
        request.answer_from(contents[request.path.rpartition("/")[2]])

    server = serve(b"", by_name)
    archives = tuple(
        replace(archive, size=len(content), sha256=hashlib.sha256(content).hexdigest(), urls=(), md5=md5(content))
        for archive in SETS["fashion_mnist"].archives
        for content in [contents[archive.name]]
    )
    members = {name: md5(encoded(array)) for name, array in ARRAYS.items()}
    monkeypatch.setitem(SETS, "fashion_mnist", replace(SETS["fashion_mnist"], archives=archives, members=members))
    monkeypatch.setenv("OVERFITLAB_MIRROR", server.base + "/")
    assert loading.load("fashion_mnist").official
    assert len(server.asked) == 4
    assert (cache_folder() / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").exists()
    assert library.load("fashion_mnist").origin == str(cache_folder() / "fashion-mnist")
    assert len(server.asked) == 4


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_mnist_is_not_taken_for_it(tmp_path, monkeypatch):
    write(tmp_path / "raw", compressed=True)
    digits = md5(encoded(ARRAYS["train-labels-idx1-ubyte"]))
    monkeypatch.setitem(SETS, "fashion_mnist", replace(SETS["fashion_mnist"], look_alikes={digits: "MNIST"}))
    with refused(DataError, "other_set", other="MNIST", title="Fashion-MNIST"):
        loading.load("fashion_mnist", tmp_path / "raw")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", b"", "too short"),
        ("train-images-idx3-ubyte", b"<html>" * 10, "not an IDX file of bytes in 3 dimensions"),
        ("train-images-idx3-ubyte", encoded(ARRAYS["train-images-idx3-ubyte"])[:-1], "says 50x28x28"),
        ("train-images-idx3-ubyte", encoded(ARRAYS["train-images-idx3-ubyte"]) + b"x", "says 50x28x28"),
        ("train-images-idx3-ubyte", struct.pack(">4I", 0x0803, 2**31, 28, 28), "says 2147483648x28x28"),
        ("train-images-idx3-ubyte", struct.pack(">4I", 0x0803, 0, 28, 28), "no images of 28x28"),
        ("train-images-idx3-ubyte", encoded(np.zeros((50, 14, 56), np.uint8)), "no images of 28x28"),
        ("t10k-labels-idx1-ubyte", encoded(np.zeros(19, np.uint8)), "does not have one label"),
        ("t10k-labels-idx1-ubyte", encoded(np.full(20, 10, np.uint8)), "does not have one label"),
        ("t10k-labels-idx1-ubyte", encoded(np.zeros((20, 1), np.uint8)), "in 1 dimensions"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, name, content, message):
    write(tmp_path / "fashion-mnist", compressed=False)
    (tmp_path / "fashion-mnist" / name).write_bytes(content)
    with pytest.raises(OverfitlabError, match=rf"{name}.*{message}.*fetch Fashion-MNIST again"):
        loading.load("fashion_mnist", tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not compressed", gzip.compress(b"x" * 100, mtime=0)[:-9], b"\x1f\x8b" + b"\xff" * 50],
    ids=["empty", "not compressed", "cut short", "nonsense"],
)
def test_a_damaged_compressed_file_is_one_line(tmp_path, content):
    write(tmp_path / "fashion-mnist", compressed=True)
    (tmp_path / "fashion-mnist" / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(OverfitlabError, match=r"train-labels-idx1-ubyte.*fetch Fashion-MNIST again"):
        loading.load("fashion_mnist", tmp_path)


def test_a_file_that_swells_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setitem(SETS, "fashion_mnist", replace(SETS["fashion_mnist"], largest_member=10**6))
    write(tmp_path / "fashion-mnist", compressed=True)
    (tmp_path / "fashion-mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(10**7)))
    with refused(DataError, "member_too_large"):
        loading.load("fashion_mnist", tmp_path)


def test_a_header_asks_for_no_memory():
    with pytest.raises(UnreadableError):
        idx("x", struct.pack(">4I", 0x0803, 2**32 - 1, 2**32 - 1, 2**32 - 1), dimensions=3)
