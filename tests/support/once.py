"""What is made once for all processes of a test run, though each has session fixtures of its own."""

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def once(factory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder `name` that `make` has filled, in this process or in another one of the same test run."""
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # each worker's lies in the one of the run
    folder = place / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            make(folder)
    return folder
