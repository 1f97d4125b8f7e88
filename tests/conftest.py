"""What all tests share: a machine without CIFAR-10, unless a test asks for the real one."""

import contextlib
import hashlib
import http.server
import io
import os
import pickle
import shutil
import signal
import socket
import sys
import tarfile
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import warm_workers
from hypothesis import settings
from once import once
from PIL import Image

import overfitlab
from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.catalog import places, published
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.data.sources import digits
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import run_key
from overfitlab.report import figures
from overfitlab.study.execute import local
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer
from overfitlab.words.languages import speak

os.environ["KERAS_BACKEND"] = "torch"  # before anything imports Keras
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # or threads of two tests at once spin for each other's cores
os.environ.setdefault("MPLCONFIGDIR", tempfile.mkdtemp(prefix="overfitlab-matplotlib-"))  # one font cache for all
figures.PAPER_DPI = 80  # a third of the time of a report is that of all the dots
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
REAL_DATA = os.environ.get("OVERFITLAB_DATA")
IMAGES_IN_A_BATCH = 40
# A shell that runs us in the background has us ignore Ctrl-C, and all that we start; tests send it, and wait for it.
signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.platform == "linux":
    warm_workers.install()


@pytest.fixture
def cold_workers(monkeypatch):
    """Workers of studies that are a Python of their own from the start, as they are outside the tests."""
    monkeypatch.setattr(local, "begun", warm_workers.cold)


@pytest.fixture(autouse=True)
def _empty_machine(tmp_path, monkeypatch):
    """No CIFAR-10, a working folder of its own, and English: no test depends on this machine, or on another test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in ("DATA", "CACHE", "MIRROR", "LANG"):
        monkeypatch.delenv(f"OVERFITLAB_{variable}", raising=False)
    for variable in ("KERAS_HOME", "XDG_CACHE_HOME", "COLUMNS"):
        monkeypatch.delenv(variable, raising=False)
    speak(None)
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
def misleading(tmp_path) -> str:
    """An .npz file whose validation images are labelled the wrong way round: the more is learnt, the worse for them."""
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    images = rng.integers(0, 100, (200, 8, 8)) + 150 * labels[:, None, None]
    path = tmp_path / "misleading.npz"
    x = images.astype(np.uint8)
    np.savez(path, x=x[:120], y=labels[:120], x_val=x[120:], y_val=1 - labels[120:])
    return str(path)


@pytest.fixture
def declared_official(small_cifar10, monkeypatch) -> Path:
    """The small CIFAR-10 with its own checksums standing for the official ones."""
    for member in published.CIFAR10.members:
        content = (small_cifar10 / published.CIFAR10.folder / member).read_bytes()
        monkeypatch.setitem(published.CIFAR10.members, member, hashlib.md5(content, usedforsecurity=False).hexdigest())
    return small_cifar10


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory) -> Path:
    """The folder of a run on the digits that has learnt something; tests must not change it."""
    asked = {"protocol": "clean", "epochs": 6, "learning_rate": 1e-3, "threads": 1, "precision": "float32"}
    return once(
        tmp_path_factory,
        "digits-run",
        lambda folder: overfitlab.train("batch_norm", "digits", out=folder, verbose=False, **asked),
    )


@pytest.fixture(scope="session")
def small_settings() -> dict:
    """What the small study asks for."""
    return {
        "methods": ["none", "dropout", "early_stopping:patience=1"],
        "contrasts": ["dropout : early_stopping:patience=1"],
        "data": "digits", "protocol": "quick", "epochs": 3, "training_images": 60, "seeds": 4, "precision": "float32",
        "threads": 1, "verbose": False,
    }  # fmt: skip


@pytest.fixture(scope="session")
def small_study(tmp_path_factory, small_settings) -> Path:
    """The folder of a finished study of three methods at four seeds; tests must not change it."""
    return once(tmp_path_factory, "small", lambda folder: overfitlab.compare(jobs=2, out=folder, **small_settings))


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


@pytest.fixture
def float64_keras(monkeypatch):
    """Keras in float64 throughout.

    On the torch backend Keras rounds every promoted dtype to 32 bits, so that even with floatx at float64 its
    BatchNormalization and its loss compute in float32 (on TensorFlow they do not). The one table that says so is
    replaced by TensorFlow's. The policy that layers take their dtype from is set too: Keras keeps the first one.
    """
    keras = pytest.importorskip("keras", reason="the test extra brings Keras")
    from keras.src.backend.common import dtypes

    assert keras.backend.backend() == "torch"
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    keras.backend.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    assert keras.backend.result_type("float64", "float32") == "float64"
    yield
    keras.backend.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def trainer_of():
    """Make trainers of the notebook's network on 40 made-up images, in float64: `trainer_of("l2", epochs=1)`."""

    def make(method, *, seed=3, protocol="notebook", **changes):
        rng = np.random.default_rng(0)
        labels = np.arange(64) % 4
        images = rng.integers(0, 200, (64, 8, 8, 1), dtype=np.uint8)
        images += (labels * 15).astype(np.uint8)[:, None, None, None]
        split = Split(np.arange(40), np.arange(40, 64), np.arange(0))
        dataset = Dataset("random", images, labels, tuple("abcd"), split.test, "", "x", official=False)
        chosen = registry.resolve(method)
        settings = protocol_named(protocol, **{"batch_size": 16, **changes})
        key = run_key(seed, settings.vary)
        model = notebook_cnn((8, 8, 1), 4, chosen, key)
        material = Material(dataset, split, channel_statistics(images, split.training))
        config = RunConfig(settings, chosen.spec, "random", seed=seed)
        return Trainer(config, material, model, Compute("float64", threads=1))

    return make


class FileServer:
    """A server on 127.0.0.1 that behaves as badly as it is told, and remembers what it was asked.

    `behave` is called with the request's handler and the file's content; the default serves it well, ranges included.
    """

    def __init__(self, content: bytes, behave=None):
        self.content = content
        self.asked: list[str | None] = []  # the Range header of each GET
        self.sent = 0  # bytes of bodies
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.headers.get("Range"))
                with contextlib.suppress(OSError):  # the other side may go whenever it likes
                    (behave or FileServer.well)(self, outer.content)

            def answer(self, status, body, *, headers=None, length=None):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                if length is not False:
                    self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.send(body)

            def answer_from(self, content, most=None):
                """Answer with the range that was asked for; break off after `most` bytes."""
                asked = self.headers.get("Range")
                start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
                said = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
                rest = content[start:]
                self.answer(206 if asked else 200, rest[:most], headers=said, length=len(rest))
                if most is not None:
                    self.connection.shutdown(socket.SHUT_RDWR)

            def send(self, body):
                self.wfile.write(body)
                outer.sent += len(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.base}/file"

    @staticmethod
    def well(request, content):
        request.answer_from(content)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve(monkeypatch):
    """Start servers: `serve(content, behave=None)`; the network is allowed, and there is none but these."""
    started = []

    def start(content, behave=None):
        started.append(FileServer(content, behave))
        return started[-1]

    original = socket.getaddrinfo

    def only_this_machine(host, *args, **options):
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "tests do not reach out")
        return original(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", only_this_machine)
    monkeypatch.delenv("OVERFITLAB_OFFLINE")
    start.well = FileServer.well
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    yield start
    for server in started:
        server.close()


def published_as(monkeypatch, name, content, urls=()):
    """Make `content` the official archive of a set that is one tar file, to be had from those addresses."""
    archive = published.SETS[name].archives[0]
    own = replace(
        archive,
        size=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        urls=tuple(urls),
    )
    monkeypatch.setitem(published.SETS, name, replace(published.SETS[name], archives=(own,)))


@pytest.fixture
def official_archive(declared_official, monkeypatch) -> bytes:
    """The small CIFAR-10 as one archive, declared official; no server has it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(declared_official / published.CIFAR10.folder, arcname=published.CIFAR10.folder)
    published_as(monkeypatch, "cifar10", stream.getvalue())
    return stream.getvalue()
