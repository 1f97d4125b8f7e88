"""What all tests share: a machine without CIFAR-10, unless a test asks for the real one."""

import hashlib
import os
import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

import overfitlab
from overfitlab.data import cifar, digits

os.environ["KERAS_BACKEND"] = "torch"  # before anything imports Keras
os.environ.setdefault("MPLCONFIGDIR", tempfile.mkdtemp(prefix="overfitlab-matplotlib-"))  # one font cache for all
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
REAL_DATA = os.environ.get("OVERFITLAB_DATA")
IMAGES_IN_A_BATCH = 40


@pytest.fixture(autouse=True)
def _empty_machine(tmp_path, monkeypatch):
    """No CIFAR-10 anywhere, and a working folder of its own: no test depends on what lies on this machine."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in ("OVERFITLAB_DATA", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def real_cifar10() -> Path:
    """The folder that $OVERFITLAB_DATA named when the tests began."""
    if not REAL_DATA:
        pytest.skip("needs real CIFAR-10: point $OVERFITLAB_DATA at it")
    return Path(REAL_DATA)


@pytest.fixture
def small_cifar10(tmp_path) -> Path:
    """A folder in the layout of CIFAR-10 with 200 training and 40 test images, made up."""
    folder = tmp_path / "small" / cifar.FOLDER
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for member in cifar.MEMBERS:
        batch = {
            b"data": rng.integers(0, 256, (IMAGES_IN_A_BATCH, 3072), dtype=np.uint8),
            b"labels": (np.arange(IMAGES_IN_A_BATCH) % 10).tolist(),
        }
        (folder / member).write_bytes(pickle.dumps(batch, protocol=2))
    return folder.parent


@pytest.fixture
def nothing_to_learn(tmp_path) -> str:
    """An .npz file of noise with labels drawn by lot: a network can only learn it by heart, so it overfits at once."""
    rng = np.random.default_rng(0)
    path = tmp_path / "noise.npz"
    np.savez(path, x=rng.integers(0, 256, (200, 8, 8), dtype=np.uint8), y=rng.permutation(np.arange(200) % 4))
    return str(path)


@pytest.fixture
def declared_official(small_cifar10, monkeypatch) -> Path:
    """The small CIFAR-10 with its own checksums standing for the official ones."""
    for member in cifar.MEMBERS:
        content = (small_cifar10 / cifar.FOLDER / member).read_bytes()
        monkeypatch.setitem(cifar.MEMBERS, member, hashlib.md5(content, usedforsecurity=False).hexdigest())
    return small_cifar10


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory) -> Path:
    """The folder of a run on the digits that has learnt something; tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "digits-run"
    overfitlab.train(
        "batch_norm", "digits", protocol="clean", epochs=6, learning_rate=1e-3, threads=1, precision="float32",
        out=folder, verbose=False,
    )  # fmt: skip
    return folder


@pytest.fixture
def own_digits_run(digits_run, tmp_path) -> Path:
    """A copy of that run, which a test may change."""
    return Path(shutil.copytree(digits_run, tmp_path / "own-digits-run"))


@pytest.fixture
def digit_files(tmp_path) -> list[Path]:
    """The first 30 test images of the digits as PNG files, in the order of their rows."""
    dataset = digits.load()
    folder = tmp_path / "digits"
    folder.mkdir()
    files = []
    for row in dataset.test[:30]:
        gray = np.rint(dataset.images[row, ..., 0] * (255 / digits.BRIGHTEST)).astype(np.uint8)
        files.append(folder / f"{row:04}-{dataset.class_names[dataset.labels[row]]}.png")
        Image.fromarray(gray).save(files[-1])
    return files
