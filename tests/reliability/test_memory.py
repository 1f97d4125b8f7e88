"""Too little memory, forced by a limit on the address space: one line, nothing half-written, and bounded attempts."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from commands import PATIENCE
from PIL import Image

import overfitlab
from overfitlab.study.execute.local import THREAD_VARIABLES, LocalProcesses
from overfitlab.study.execute.messages import Train

resource = pytest.importorskip("resource", reason="Windows has no such limits")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to the limit"),
]

ENOUGH = 2_400_000_000  # bytes of address space, of which the libraries take about one half
LESS_THAN_IT_HAS = 100_000_000  # bytes; nothing that it has is taken from it, and nothing more is given to it
TOO_LARGE, SMALL = 200, 8  # images in a batch, which take 3.4 and 1.7 GB
SETTINGS = "--image-size 128 --protocol quick --epochs 1 --precision float32 --threads 1".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(0)
    for name in ("left", "right"):
        (folder / name).mkdir()
        for number in range(150):
            Image.fromarray(random.integers(0, 256, (96, 96, 3), np.uint8)).save(folder / name / f"{number}.bmp")
    return folder


def limited(*arguments):
    """Run a command under the limit; return its exit code and what it said on standard error."""
    ended = subprocess.run(
        [sys.executable, "-m", "overfitlab", *map(str, arguments)],
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ENOUGH, ENOUGH)),
        env=os.environ | dict.fromkeys(THREAD_VARIABLES, "1"),  # each thread takes addresses for itself
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return ended.returncode, ended.stderr


def test_a_batch_too_large_for_the_memory_is_one_line_and_a_smaller_one_is_trained(tmp_path, photographs):
    command = ["train", "--method", "none", "--data", photographs, *SETTINGS]
    code, said = limited(*command, "--batch-size", TOO_LARGE, "--out", tmp_path / "large")
    assert code == 1
    assert said.splitlines()[-1].startswith("overfitlab: not enough memory; try a smaller --batch-size")
    assert "Traceback" not in said
    code, said = limited(*command, "--batch-size", SMALL, "--training-images", 5 * SMALL, "--out", tmp_path / "small")
    assert code == 0, said
    assert overfitlab.load_run(tmp_path / "small").record.config.protocol.batch_size == SMALL


def test_a_study_too_large_for_the_memory_is_one_line_and_leaves_nothing(tmp_path, photographs):
    command = ["compare", "none", "l2", "--data", photographs, *SETTINGS, "--seeds", 1, "--jobs", 1]
    code, said = limited(*command, "--batch-size", TOO_LARGE, "--out", tmp_path / "study")
    assert code == 1
    assert re.match(r"overfitlab: .*not enough memory \(.*\): try fewer --jobs or a smaller", said.splitlines()[-1])
    assert "Traceback" not in said
    assert not (tmp_path / "study").exists()


def test_a_worker_that_finds_no_memory_tries_the_same_batch_again(tmp_path, photographs, monkeypatch, capsys):
    """The limit is lifted after the first attempt, and still the next one has to be made by another process.

    What PyTorch could not allocate once, it cannot in the same process again, or it crashes.
    """
    send, limits, processes = LocalProcesses._send, [], []

    def limiting(worker, message):
        if isinstance(message, Train):
            processes.append(worker.process.pid)
            limits.append(LESS_THAN_IT_HAS if not limits else resource.RLIM_INFINITY)
            resource.prlimit(worker.process.pid, resource.RLIMIT_AS, (limits[-1], resource.RLIM_INFINITY))
        send(worker, message)

    monkeypatch.setattr(LocalProcesses, "_send", staticmethod(limiting))
    study = overfitlab.compare(
        ["none", "l2"], data=str(photographs), image_size=64, protocol="quick", epochs=1, batch_size=64, seeds=1,
        precision="float32", threads=1, jobs=1, out=tmp_path / "study",
    )  # fmt: skip
    said = capsys.readouterr().out
    assert re.search(r"none, seed 0: not enough memory \(.*\): try fewer --jobs.*; it is tried again", said), said
    assert len(processes) == 3, "two attempts at the one, one at the other"
    assert processes[0] != processes[1]
    assert study.record.failures == {}
    assert {run.record.config.protocol.batch_size for run in study.runs} == {64}
    assert {run.record.status for run in study.runs} == {"finished"}
