"""Commands that take next to no time to train, as processes that can be stopped, watched and killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TINY = "--data digits --protocol quick --training-images 60 --precision float32 --threads 1".split()  # noqa: SIM905
PATIENCE = 120.0  # seconds


def begun(*arguments: object, folder: Path | None = None) -> "subprocess.Popen[str]":
    """Start `overfitlab ARGUMENTS` in a process group of its own, and return at once."""
    command = [sys.executable, "-m", "overfitlab", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, start_new_session=True
    )


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Return once the condition holds; the process must be alive all the time. It is killed where we give up."""
    deadline = time.monotonic() + PATIENCE
    try:
        while not condition():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.005)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):  # what it would still write is no business of the next test
            os.killpg(process.pid, signal.SIGKILL)
        raise
