"""Commands of the command line that end at once, without the start-up of a process for each."""

import os
import sys

import pytest
from forks import Forks

OF_THE_TEST = (
    *("HOME", "OVERFITLAB_DATA", "OVERFITLAB_CACHE", "OVERFITLAB_MIRROR", "OVERFITLAB_OFFLINE", "OVERFITLAB_LANG"),
    "KERAS_HOME",
)


@pytest.fixture(scope="session")
def _forks(tmp_path_factory):
    if sys.platform == "win32":
        pytest.skip("there is no fork")
    forks = Forks(tmp_path_factory.mktemp("forks"), {})
    yield forks
    forks.close()


@pytest.fixture
def ended(_forks):
    """Run `overfitlab ARGUMENTS` in the test's folder, and return how it ended."""
    environment = {name: os.environ.get(name, "") for name in OF_THE_TEST}
    return lambda *arguments: _forks(*arguments, environment=environment)
