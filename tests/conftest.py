"""What all tests share: a machine without CIFAR-10, unless a test asks for the real one."""

import hashlib
import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from overfitlab.data import places, published

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
    for variable in ("OVERFITLAB_DATA", "OVERFITLAB_MIRROR", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OVERFITLAB_OFFLINE", "1")  # no test ever reaches out; those of downloads ask their own server
    monkeypatch.setattr(places, "SYSTEM_FOLDER", tmp_path / "system")
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
    folder = tmp_path / "small" / published.CIFAR10.folder
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for member in published.CIFAR10.members:
        batch = {
            b"data": rng.integers(0, 256, (IMAGES_IN_A_BATCH, 3072), dtype=np.uint8),
            b"labels": (np.arange(IMAGES_IN_A_BATCH) % 10).tolist(),
        }
        (folder / member).write_bytes(pickle.dumps(batch, protocol=2))
    return folder.parent


@pytest.fixture
def declared_official(small_cifar10, monkeypatch) -> Path:
    """The small CIFAR-10 with its own checksums standing for the official ones."""
    for member in published.CIFAR10.members:
        content = (small_cifar10 / published.CIFAR10.folder / member).read_bytes()
        monkeypatch.setitem(published.CIFAR10.members, member, hashlib.md5(content, usedforsecurity=False).hexdigest())
    return small_cifar10
