"""The modules that simulate the verdict's procedure."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = str(Path(__file__).resolve().parents[2] / "benchmarks")
PARTS = (
    "simulated_noise",
    "simulated_rounds",
    "simulated_corrections",
    "simulated_fixed",
    "simulated_others",
    "verdict_simulation",
)


@pytest.fixture(scope="session")
def simulation():
    """What is in any of the modules of the simulation; all tables are those of the last one."""
    sys.path.insert(0, BENCHMARKS)
    found = {}
    for name in PARTS:
        found |= vars(importlib.import_module(name))
    yield SimpleNamespace(**{name: value for name, value in found.items() if not name.startswith("__")})
    sys.path.remove(BENCHMARKS)
