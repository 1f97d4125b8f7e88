"""A desk with a finished study, one that was interrupted, one of a stranger, and a single run; and a reader of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from half_done import half_done
from starlette.testclient import TestClient

from overfitlab.records import history
from overfitlab.records.record_file import read_record, write_record
from overfitlab.records.run_folder import READ, RECORD, RunFolder
from overfitlab.records.run_record import ForeignRunRecord, Producer, Times
from overfitlab.results.history import EpochRow
from overfitlab.ui.app import application
from overfitlab.ui.desk import Desk
from overfitlab.ui.gate import Keys
from overfitlab.ui.processes import Processes

BASE = "http://127.0.0.1:8000"
ROWS = [EpochRow(epoch, 1.0, 1 / epoch, 0.5, 1 + abs(3 - epoch) / 10, 0.4) for epoch in range(1, 6)]


def foreign(folder: Path) -> None:
    """Write a run of another producer."""
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text(history.to_csv(ROWS))
    record = ForeignRunRecord(
        format=4, id="ab12", producer=Producer("keras", "3.13"), status="finished", method="<script>alert(1)</script>",
        environment={}, times=Times("2026-11-01T00:00:00+00:00"), resumed=[],
        files=RunFolder(folder).checksums(["history.csv"]), data="photos", seed=4, epochs=5, classes=["<b>cat", "dog"],
    )  # fmt: skip
    write_record(folder / RECORD, record)
    assert isinstance(read_record(folder / RECORD, READ), ForeignRunRecord)


def laid_out(small_study: Path, folder: Path) -> Path:
    """Lay studies and runs below a folder; no page opens weights, and they are nearly all of the bytes."""
    shutil.copytree(small_study, folder / "small", ignore=shutil.ignore_patterns("weights*"))
    shutil.copytree(folder / "small", folder / "half")
    half_done(folder / "half")
    foreign(folder / "theirs")
    return folder


@pytest.fixture
def runs(small_study) -> Path:
    """A folder of runs of a test's own."""
    return laid_out(small_study, Path("runs"))


@pytest.fixture
def desk(runs) -> Desk:
    """What the pages work with."""
    return Desk(runs, Processes(runs))


@pytest.fixture
def keys() -> Keys:
    """What lets somebody in."""
    return Keys.new(b"a secret")


def let_in(application, keys) -> TestClient:
    """Return somebody who has been let in by the address with the token."""
    client = TestClient(application, base_url=BASE, follow_redirects=False)
    assert client.get(f"/?token={keys.token}").status_code == 303
    client.headers["origin"] = BASE
    return client


@pytest.fixture
def reader(desk, keys) -> TestClient:
    """Somebody who has been let in, and whose folder of runs a test may change."""
    return let_in(application(desk, keys), keys)


@pytest.fixture(scope="module")
def shared(small_study, tmp_path_factory) -> Desk:
    """A desk whose folder of runs no test changes."""
    folder = laid_out(small_study, tmp_path_factory.mktemp("ui") / "runs")
    return Desk(folder, Processes(folder))


@pytest.fixture
def stranger(shared, keys) -> TestClient:
    """Somebody who has not been let in."""
    return TestClient(application(shared, keys), base_url=BASE, follow_redirects=False)


@pytest.fixture
def visitor(shared, keys) -> TestClient:
    """Somebody who looks at what the tests of a module share."""
    return let_in(application(shared, keys), keys)


@pytest.fixture
def newcomer(keys) -> Iterator[TestClient]:
    """Somebody whose folder of runs is still empty."""
    processes = Processes(Path("runs"))
    yield let_in(application(Desk(processes.runs, processes), keys), keys)
    for each in processes.started.values():
        each.process.wait(60)
