"""Commands whose disk fails, or that are killed, at the operation that a test names."""

import functools
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import warm_workers
from commands import TINY
from faults import COUNT, Faults, compiled
from forks import Ended, Forks
from outcomes import of_run
from typed import SERVER


@dataclass
class Breakable:
    """A folder, commands that work in it, and what goes wrong with them."""

    folder: Path
    faults: Faults
    run: Forks

    def train(self, method: str, out: str = "run", epochs: int = 3, *more: object) -> Ended:
        """Train one small run."""
        arguments = ("train", "--method", method, "--epochs", epochs, *TINY, "--out", self.folder / out, *more)
        return self.run(*arguments, folder=self.folder)

    def compare(self, *methods: str, jobs: int = 1, seeds: int = 1, epochs: int = 1) -> Ended:
        """Make a small study in the folder `study`."""
        settings = ("--epochs", epochs, "--seeds", seeds, "--jobs", jobs, "--out", self.folder / "study")
        return self.run("compare", *methods, *TINY, *settings, folder=self.folder)

    def fresh(self) -> None:
        """Remove all that lies in the folder."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()


@pytest.fixture(scope="session")
def _faults_library(tmp_path_factory):
    library = compiled(tmp_path_factory.mktemp("faults"))
    if library is None:
        pytest.skip("needs Linux and a C compiler")
    return library


@pytest.fixture(scope="session")
def quick_disk(tmp_path_factory):
    """A folder in memory where the system has that: what a test waits for is otherwise mostly fsync."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("disk")
        return
    with tempfile.TemporaryDirectory(prefix="overfitlab-tests-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def _breakable(_faults_library, quick_disk):
    place = quick_disk
    (place / "disk").mkdir()
    faults = Faults(_faults_library, place, place / "disk")
    socket = warm_workers.server(tuple(faults.environment.items()))
    forks = Forks(place, faults.environment, [str(SERVER), str(socket)])
    yield Breakable(place / "disk", faults, forks)
    forks.close()


@pytest.fixture(scope="session")
def whole(_breakable):
    """What comes out of a method's run that nobody disturbs: `whole("dropout")`."""

    @functools.cache
    def found(method):
        _breakable.faults.arm(COUNT)
        ended = _breakable.train(method, "whole")
        assert ended.code == 0, ended.said
        outcome = of_run(_breakable.folder / "whole")
        shutil.rmtree(_breakable.folder / "whole")
        return outcome

    return found


@pytest.fixture
def breakable(_breakable) -> Breakable:
    """An empty folder on a disk that works, until a test says otherwise."""
    _breakable.fresh()
    _breakable.faults.arm(COUNT)
    return _breakable
