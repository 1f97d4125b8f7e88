"""What the process that leads a study and those that train say to each other: a JSON document a line.

To a worker: first a setup, then tasks. From it: events. A worker whose input ends stops at the next step, so none
outlives the process that started it.
"""

import json
from typing import Any, BinaryIO

SETUP, PROBE, RUN = "setup", "probe", "run"  # to a worker
READY, PROBED, STARTED, STEP, EPOCH, DONE, FAILED = "ready", "probed", "started", "step", "epoch", "done", "failed"


def write(stream: BinaryIO, kind: str, **content: Any) -> None:
    """Send one message; raises `OSError` where nobody reads any more."""
    stream.write(json.dumps({"kind": kind, **content}).encode() + b"\n")
    stream.flush()


def read(line: bytes) -> dict[str, Any]:
    """Return the message in a line."""
    message: dict[str, Any] = json.loads(line)
    return message
