"""What a fuzzer throws bytes at: every reader of what strangers may have written, as a function of bytes.

A reader may refuse what it is given, with `OverfitlabError`. Anything else that it raises is a bug.
"""

import contextlib
import json
import os
import pickle
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from overfitlab import arguments
from overfitlab.api import listing
from overfitlab.config import Protocol, RunConfig, StudyConfig
from overfitlab.data.prepare.images import read_image
from overfitlab.data.sources import npz
from overfitlab.data.sources.unpickling import restricted_loads
from overfitlab.errors import OverfitlabError
from overfitlab.events import Listener
from overfitlab.interop.diagnosing import diagnose
from overfitlab.interop.judging import Asked, judge
from overfitlab.interop.reading import read_sources
from overfitlab.interop.tensorboard import masked_crc
from overfitlab.methods import registry
from overfitlab.records import history, ledger, probabilities
from overfitlab.records.record_file import sealed
from overfitlab.runs.run import load_run

FOLDER = Path(tempfile.mkdtemp(prefix="overfitlab-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
os.environ["OVERFITLAB_CACHE"] = str(FOLDER / "cache")


def images(content: bytes) -> None:
    """An image file."""
    path = FOLDER / "image"
    path.write_bytes(content)
    with contextlib.suppress(OverfitlabError):
        for channels in (1, 3):
            found = read_image(path, (8, 8), channels)
            assert found.shape == (8, 8, channels)
            assert found.dtype == "uint8"


PARSERS: tuple[Callable[[str], Any], ...] = (
    arguments.looks, arguments.seconds, arguments.margins, arguments.image_size, arguments.varied,
    arguments.until_decided, registry.resolve,
)  # fmt: skip
CONFIGURATIONS = (Protocol, RunConfig, StudyConfig)


def configuration(content: bytes) -> None:
    """What somebody types, and what the configuration in a record can be."""
    text = content.decode("utf-8", "surrogateescape")
    for parse in PARSERS:
        with contextlib.suppress(OverfitlabError):
            parse(text)
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(content)
        if isinstance(document, dict):
            for kind in CONFIGURATIONS:
                with contextlib.suppress(msgspec.ValidationError):
                    assert msgspec.to_builtins(msgspec.convert(document, kind))


def history_file(content: bytes) -> None:
    """A `history.csv`; what is read comes back from what is written."""
    path = FOLDER / "history.csv"
    path.write_bytes(content)
    with contextlib.suppress(OverfitlabError):
        rows = history.read_csv(path)
        path.write_text(history.to_csv(rows))
        assert repr(history.read_csv(path)) == repr(rows) or not rows


def run_folder(content: bytes) -> None:
    """The records of a run and of a study: as they are, and with a checksum that fits."""
    folder = FOLDER / "run"
    folder.mkdir(exist_ok=True)
    (folder / "history.csv").write_text(
        "epoch,seconds,loss,acc,val_loss,val_acc,train_loss,train_acc\n1,1,2,0.1,2,0.1,2,0.1\n"
    )
    texts = [content]
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(content)
        if isinstance(document, dict):
            texts.append(sealed(document))
    for text in texts:
        (folder / "run.json").write_bytes(text)
        with contextlib.suppress(OverfitlabError):
            run = load_run(folder)
            listing.show(folder)
            run.own  # noqa: B018 - where it is one of ours
        (folder / "run.json").unlink()
        (folder / "study.json").write_bytes(text)
        with contextlib.suppress(OverfitlabError):
            listing.show(folder)
        listing.listed(FOLDER)
        (folder / "study.json").unlink()


def pickles(content: bytes) -> None:
    """A member of a CIFAR archive."""
    with contextlib.suppress(pickle.UnpicklingError):
        restricted_loads(content)


def arrays(content: bytes) -> None:
    """An `.npz` file of images, and the predictions of a run."""
    path = FOLDER / "images.npz"
    path.write_bytes(content)
    with contextlib.suppress(OverfitlabError):
        npz.load(path, None, Listener(), trainable=False)
    with contextlib.suppress(OverfitlabError):
        probabilities.read(path)


TABLES = (("log.csv", b""), ("log.json", b""), ("log.jsonl", b""), ("log.txt", b"\xff\xfe"))


def logs(content: bytes) -> None:
    """A table or a log of others, under every ending, and what a verdict and a diagnosis make of it."""
    for name, mark in TABLES:
        path = FOLDER / name
        path.write_bytes(mark + content)
        with contextlib.suppress(OverfitlabError):
            found = read_sources([str(path)])
            with contextlib.suppress(OverfitlabError):
                judge(found, Asked(baseline="none"))
            diagnose(found, {})
        path.unlink()


def events(content: bytes) -> None:
    """A TensorBoard event file; and its messages without the checksums that a fuzzer cannot guess."""
    path = FOLDER / "x.tfevents"
    path.write_bytes(content)
    with contextlib.suppress(OverfitlabError):
        read_sources([str(path)])
    head = struct.pack("<Q", len(content))
    record = head + struct.pack("<I", masked_crc(head)) + content + struct.pack("<I", masked_crc(content))
    path.write_bytes(record)
    with contextlib.suppress(OverfitlabError):
        read_sources([str(path)])


def databases(content: bytes) -> None:
    """A database of MLflow or Trackio, and a ledger."""
    path = FOLDER / "x.db"
    path.write_bytes(content)
    with contextlib.suppress(OverfitlabError):
        read_sources([str(path)])
    path.write_bytes(b"SQLite format 3\0" + content)
    with contextlib.suppress(OverfitlabError):
        read_sources([str(path)])
    with contextlib.suppress(OverfitlabError):
        ledger.read(path)
    path.write_bytes(content)
    with contextlib.suppress(OverfitlabError):
        ledger.read(path)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "images": images,
    "configuration": configuration,
    "history": history_file,
    "run-folder": run_folder,
    "pickles": pickles,
    "arrays": arrays,
    "logs": logs,
    "events": events,
    "databases": databases,
}
