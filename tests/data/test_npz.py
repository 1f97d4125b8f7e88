"""Images in an .npz file, and files that are called .npz."""

import io
import os
import pickle
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from overfitlab.data import loading
from overfitlab.errors import DataError
from overfitlab.reasons import reason

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (30, 12, 10, 3), dtype=np.uint8)
Y = np.arange(30) % 3


def saved(path: Path, **arrays) -> str:
    np.savez(path, **arrays)
    return str(path)


def test_x_and_y(tmp_path):
    data = loading.load(saved(tmp_path / "birds.npz", x=X, y=Y))
    np.testing.assert_array_equal(data.images, X)
    np.testing.assert_array_equal(data.labels, Y)
    assert (data.name, data.class_names) == ("birds", ("0", "1", "2"))
    assert np.bincount(data.labels[data.test]).tolist() == [2, 2, 2]


def test_compressed_and_in_parts_as_keras_names_them(tmp_path):
    np.savez_compressed(
        tmp_path / "m.npz", x_train=X[:20, ..., 0], y_train=Y[:20, None], x_test=X[20:, ..., 0], y_test=Y[20:, None]
    )
    data = loading.load(str(tmp_path / "m.npz"))
    assert data.images.shape == (30, 12, 10, 1)
    assert data.test.tolist() == list(range(20, 30))
    assert not data.test_set_apart
    np.testing.assert_array_equal(data.labels, Y)


def test_a_validation_part(tmp_path):
    path = saved(tmp_path / "m.npz", x=X[:20], y=Y[:20], x_val=X[20:], y_val=Y[20:])
    assert loading.load(path).validation.tolist() == list(range(20, 30))


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (X / 255, X),
        ((X / 255).astype(np.float32), X),
        (X.astype(np.float64) / 2, np.rint(X / 2)),
        (X.astype(np.int64), X),
        (X.astype(">u2"), X),
        (X > 127, (X > 127) * 255),
    ],
)
def test_other_numbers_become_bytes(tmp_path, x, expected):
    np.testing.assert_array_equal(loading.load(saved(tmp_path / "m.npz", x=x, y=Y)).images, expected)


def test_parts_share_one_scale(tmp_path):
    """Dark test images are dark, not stretched to white because none of them is brighter than 1."""
    dark = np.minimum(X[20:], 1).astype(float)
    path = saved(tmp_path / "m.npz", x_train=X[:20].astype(float), y_train=Y[:20], x_test=dark, y_test=Y[20:])
    assert loading.load(path).images[20:].max() == 1


def test_labels_of_mixed_kinds_of_whole_numbers(tmp_path):
    path = saved(tmp_path / "m.npz", x=X[:20], y=Y[:20], x_test=X[20:], y_test=Y[20:].astype(np.uint64))
    assert loading.load(path).class_names == ("0", "1", "2")


def test_labels_that_are_texts_or_named(tmp_path):
    texts = np.array(["owl", "cat", "dog"])[Y]
    data = loading.load(saved(tmp_path / "a.npz", x=X, y=texts))
    assert data.class_names == ("cat", "dog", "owl")
    assert [data.class_names[label] for label in data.labels] == texts.tolist()
    named = loading.load(saved(tmp_path / "b.npz", x=X, y=Y * 2, class_names=np.array(["a", "b", "c", "d", "e"])))
    assert named.class_names == ("a", "c", "e")


def test_resized(tmp_path):
    data = loading.load(saved(tmp_path / "m.npz", x=X, y=Y), image_size=(24, 20))
    expected = Image.fromarray(X[7]).resize((20, 24), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(data.images[7], np.asarray(expected))


class Evil:
    def __reduce__(self):
        return os.system, ("touch canary",)


def archive(path: Path, **members: bytes) -> str:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return str(path)


def npy(array, header: bytes | None = None, **options) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    content = stream.getvalue()
    if header is None:
        return content
    return content[:8] + len(header).to_bytes(2, "little") + header + content[128:]


def lying(shape) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return npy(X, header)


@pytest.mark.parametrize(
    ("make", "code", "values"),
    [
        (lambda p: archive(p, x=npy(np.array([Evil()]), allow_pickle=True), y=npy(Y)), "npz_holds_objects", {}),
        (lambda p: archive(p, x=npy(X), y=npy(np.array([Evil()] * 30), allow_pickle=True)), "npz_holds_objects", {}),
        (lambda p: archive(p, x=pickle.dumps(Evil()), y=npy(Y)), "npz_array_unreadable", {"array": "x"}),
        (lambda p: archive(p, x=lying("(10**9, 12, 10, 3)"), y=npy(Y)), "npz_array_unreadable", {"array": "x"}),
        (lambda p: archive(p, x=lying("(1000000000, 12, 10, 3)"), y=npy(Y)), "npz_array_damaged", {"array": "x"}),
        (lambda p: archive(p, x=lying("(-30, 12, 10, 3)"), y=npy(Y)), "npz_array_damaged", {"array": "x"}),
        (lambda p: archive(p, x=npy(X)[:-50], y=npy(Y)), "npz_array_damaged", {"array": "x"}),
        (saved, "npz_holds_nothing", {}),
        (lambda p: saved(p, pictures=X, kinds=Y), "npz_without_x_and_y", {"arrays": "kinds, pictures"}),
        (lambda p: saved(p, a=X, b=Y, c=Y), "npz_without_x_and_y", {"arrays": "a, b, c"}),
        (lambda p: np.savez(p, X, Y, X, Y) or str(p), "npz_without_x_and_y", {"arrays": "arr_0, arr_1, arr_2, arr_3"}),
        (lambda p: saved(p, x=X, y=Y, x_val=X), "npz_array_alone", {"array": "x_val", "missing": "y_val"}),
        (lambda p: saved(p, x=X, y=Y, test_labels=Y), "npz_array_alone", {"missing": "x_test"}),
        (lambda p: saved(p, x=X, y=Y, x_train=X, y_train=Y), "npz_arrays_mean_the_same", {"arrays": "x, x_train"}),
        (
            lambda p: saved(p, x=X, y=Y, x_val=X, y_val=Y, x_dev=X),
            "npz_arrays_mean_the_same",
            {"arrays": "x_dev, x_val"},
        ),
        (lambda p: saved(p, x=X), "npz_without_x_and_y", {"arrays": "x"}),
        (lambda p: saved(p, x=X, y=Y[:-1]), "y_of_no_labels", {}),
        (lambda p: saved(p, x=X, y=np.eye(3)[Y]), "y_of_one_hot", {"array": "y"}),
        (lambda p: saved(p, x=X, y=np.ones((30, 3))), "y_of_no_labels", {}),
        (lambda p: saved(p, x=X, y=Y / 2), "y_of_no_labels", {}),
        (lambda p: saved(p, x=X, y=Y * 0), "one_class_only", {}),
        (lambda p: saved(p, x=X[:, :, :, :2], y=Y), "x_of_another_shape", {}),
        (
            lambda p: saved(p, x=X.transpose(0, 3, 1, 2).copy(), y=Y),
            "x_to_be_turned",
            {"instead": "x.transpose(0, 2, 3, 1)"},
        ),
        (
            lambda p: saved(p, x=np.moveaxis(X, 0, -1).copy(), y=Y),
            "x_to_be_turned",
            {"instead": "numpy.moveaxis(x, -1, 0)"},
        ),
        (lambda p: saved(p, x=np.zeros((30, 784)), y=Y), "x_to_be_turned", {"instead": "x.reshape(-1, 28, 28)"}),
        (lambda p: saved(p, x=np.zeros((30, 3072)), y=Y), "x_to_be_turned", {"instead": "x.reshape(-1, 32, 32, 3)"}),
        (lambda p: saved(p, x=np.zeros((30, 9, 9, 4)), y=Y), "x_to_be_turned", {"instead": "x[..., :3]"}),
        (lambda p: saved(p, x=X[:0], y=Y[:0]), "x_of_another_shape", {}),
        (lambda p: saved(p, x=X - 300.0, y=Y), "x_out_of_range", {}),
        (lambda p: saved(p, x=X / 127.5 - 1, y=Y), "x_out_of_range", {"low": -1.0, "high": 1.0}),
        (lambda p: saved(p, x=(X - X.mean()) / X.std(), y=Y), "x_out_of_range", {}),
        (lambda p: saved(p, x=X.astype(np.int64) - 100, y=Y), "x_out_of_range", {"low": -100.0}),
        (lambda p: saved(p, x=X.astype(np.uint32) * 2000, y=Y), "x_out_of_range", {}),
        (
            lambda p: saved(p, x=np.where(np.arange(30)[:, None, None, None] == 7, np.nan, X), y=Y),
            "x_not_finite",
            {"row": 7},
        ),
        (
            lambda p: saved(
                p, x_train=X[:20], y_train=Y[:20], x_test=np.full_like(X[20:], np.inf, float), y_test=Y[20:]
            ),
            "x_not_finite",
            {"array": "x_test", "row": 0},
        ),
        (lambda p: saved(p, x=X / 255 / 255, y=Y), "few_levels_would_be_left", {"white": 1}),
        (lambda p: saved(p, x=X / 255 * 1.8, y=Y), "few_levels_would_be_left", {"white": 255}),
        (
            lambda p: saved(p, x_train=X[:20] / 255, y_train=Y[:20], x_test=X[20:] / 255 / 255, y_test=Y[20:]),
            "few_levels_would_be_left",
            {"where": "x_test"},
        ),
        (
            lambda p: saved(p, x_train=X[:20] / 255, y_train=Y[:20], x_test=X[20:].astype(float), y_test=Y[20:]),
            "parts_on_two_scales",
            {"first": "x_train", "second": "x_test"},
        ),
        (
            lambda p: saved(p, x_train=X[:20] * 1.0, y_train=Y[:20], x_test=X[20:] / 255, y_test=Y[20:]),
            "parts_on_two_scales",
            {"first": "x_test", "second": "x_train"},
        ),
        (
            lambda p: saved(p, x_train=X[:20] * np.int64(16), y_train=Y[:20], x_test=X[20:].astype(int), y_test=Y[20:]),
            "parts_on_two_scales",
            {"first": "x_test", "second": "x_train"},
        ),
        (lambda p: saved(p, x=X.astype(complex), y=Y), "x_of_no_images", {}),
        (lambda p: saved(p, x=X[:, :4], y=Y), "npz_needs_image_size", {}),
        (lambda p: saved(p, x=X, y=Y, x_test=X[:, :8], y_test=Y), "npz_of_different_shapes", {}),
        (
            lambda p: saved(p, x=X, y=Y, class_names=np.array(["a", "b"])),
            "class_names_do_not_fit",
            {"names": 2, "last": 2},
        ),
        (lambda p: saved(p, x=X[:4], y=np.array([0, 0, 0, 1])), "class_of_one_image", {"name": "1"}),
        (
            lambda p: saved(p, x=X, y=Y, class_names=np.array(["cat", "cat", "dog"])),
            "class_names_twice",
            {"name": "cat"},
        ),
        (lambda p: saved(p, x=X, y=Y.astype(np.uint64) + 2**63), "labels_too_large", {}),
        (lambda p: saved(p, x=X[:, :8, :8, 0], y=np.array(["x" * 2**22] * 30)), "y_of_no_labels", {}),
        (lambda p: str(p.write_bytes(b"PK\x03\x04 no zip") and p), "npz_damaged", {}),
        (lambda p: str(p.write_bytes(npy(X)) and p), "npz_is_one_array", {}),
    ],
)
def test_what_cannot_work_is_one_clear_line(tmp_path, make, code, values):
    path = make(tmp_path / "m.npz")
    with refused(DataError, code, **values) as caught:
        loading.load(path)
    assert "\n" not in str(caught.value)
    assert not Path("canary").exists()


@pytest.mark.parametrize(
    ("x", "y", "x_val", "y_val"),
    [
        ("X_train", "y_train", "X_val", "y_val"), ("train_images", "train_labels", "val_images", "val_labels"),
        ("images", "labels", "valid_images", "valid_labels"), ("x_train", "y_train", "x_valid", "y_valid"),
        ("x", "y", "x_dev", "y_dev"), ("trainX", "trainY", "validationX", "validationY"),
        ("xtrain", "ytrain", "xval", "yval"), ("train_x", "train_y", "dev_x", "dev_y"),
        ("data", "target", "data_val", "target_val"),
    ],
)  # fmt: skip
def test_names_that_mean_the_same_are_taken(tmp_path, x, y, x_val, y_val):
    data = loading.load(saved(tmp_path / "m.npz", **{x: X[:20], y: Y[:20, None], x_val: X[20:], y_val: Y[20:, None]}))
    np.testing.assert_array_equal(data.images, X)
    assert data.validation.tolist() == list(range(20, 30))
    assert data.notes == ()


def test_arrays_without_names_are_images_and_labels(tmp_path):
    np.savez(tmp_path / "m.npz", X, Y)
    np.testing.assert_array_equal(loading.load(str(tmp_path / "m.npz")).labels, Y)


def test_arrays_that_are_not_understood_are_said(tmp_path):
    data = loading.load(saved(tmp_path / "m.npz", x=X, y=Y, ids=Y, x_holdout=X, label_names=np.array(["a", "b", "c"])))
    assert data.notes == (reason("npz_arrays_not_used", arrays="ids, x_holdout"),)
    assert data.class_names == ("a", "b", "c")


def test_labels_of_bytes_are_texts(tmp_path):
    path = saved(tmp_path / "m.npz", x=X, y=np.array([b"caf\xc3\xa9", b"dog", b"owl"])[Y])
    assert loading.load(path).class_names == ("café", "dog", "owl")


@pytest.mark.parametrize("turned", [np.asfortranarray, lambda x: np.ascontiguousarray(x.T).T])
def test_fortran_order_is_read_as_numpy_reads_it(tmp_path, turned):
    x = turned(X)
    assert x.flags.f_contiguous
    data = loading.load(saved(tmp_path / "m.npz", x=x, y=np.asfortranarray(Y[:, None])))
    np.testing.assert_array_equal(data.images, X)


def test_fortran_order_beyond_memory_says_how_to_save_it(tmp_path, monkeypatch):
    monkeypatch.setattr("overfitlab.machine.available_memory_mb", lambda: 0)
    path = saved(tmp_path / "m.npz", x=np.asfortranarray(X), y=Y)
    with refused(DataError, "npz_in_fortran_order"):
        loading.load(path)
    saved(tmp_path / "m.npz", x=np.ascontiguousarray(np.load(path)["x"]), y=Y)  # what it advises
    np.testing.assert_array_equal(loading.load(path).images, X)


def test_labels_as_tables_give_them(tmp_path):
    assert loading.load(saved(tmp_path / "m.npz", x=X, y=Y.astype(np.float32))).class_names == ("0", "1", "2")
    apart = np.array([unicodedata.normalize("NFD", "é") if row % 2 else "é" for row in range(30)])
    with refused(DataError, "one_class_only"):  # they look the same
        loading.load(saved(tmp_path / "m.npz", x=X, y=apart))


def test_a_pointer_of_git_lfs_is_called_one(tmp_path):
    (tmp_path / "m.npz").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    with refused(DataError, "npz_not_fetched", match="git lfs pull"):
        loading.load(str(tmp_path / "m.npz"))


def test_flipped_bits_are_found(tmp_path):
    path = Path(saved(tmp_path / "m.npz", x=X, y=Y))
    content = bytearray(path.read_bytes())
    content[5000] ^= 4
    path.write_bytes(content)
    with refused(DataError, "npz_damaged"):
        loading.load(str(path))


@pytest.mark.slow
def test_a_file_larger_than_the_memory_it_may_take(tmp_path):
    """300 MB of images, read with 30 MB at a time."""
    x = np.zeros((100_000, 32, 32, 3), np.uint8)
    x[:, 0, 0, 0] = np.arange(100_000) % 251
    np.savez_compressed(tmp_path / "big.npz", x=x, y=np.arange(100_000) % 2)
    code = (
        "from overfitlab.machine import peak_memory_mb\n"
        "from overfitlab.data import loading\n"
        "before = peak_memory_mb()\n"
        "archive = loading.load('big.npz', image_size=(8, 8))\n"
        "print(archive.images.shape[0], peak_memory_mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, megabytes = map(int, done.stdout.split())
    assert count == 100_000
    assert megabytes < 200
