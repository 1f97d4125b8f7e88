"""What it takes to look at what is there: the list of many studies, and a study of many runs."""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tables import spread, table

import overfitlab
from overfitlab.records.record_file import sealed
from parts.part import Measured, Options

STUDIES, RUNS_OF_EACH = 200, 9
MANY = 1000  # runs of one study
METHODS = ["none", "dropout", "l2"]
EPOCHS = 3
MOST_ROUNDS = 5


def looking(options: Options) -> Measured:
    """Return the CPU seconds of `list` and of reading a large study, without the start-up of Python and imports."""
    rounds = min(options.rounds, MOST_ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        runs, empty, large = (Path(folder, name) for name in ("runs", "empty", "large"))
        empty.mkdir()
        _written(runs, large)
        listing = [_cpu("list", "--runs", runs) - _cpu("list", "--runs", empty) for _ in range(rounds)]
        reading = [_cpu_of(f"load_study({str(large)!r})") - _cpu_of("") for _ in range(rounds)]
    rows = [
        [f"`overfitlab list`, {STUDIES} studies with {STUDIES * RUNS_OF_EACH:,} runs", spread(listing, 2)],
        [f"`load_study`, one of {MANY:,} runs", spread(reading, 2)],
    ]
    text = table(["what", "CPU s beyond start-up: median (lowest to highest)"], rows) + (
        f"n = {rounds} rounds, alternating with start-up alone, each in a separate process; runs of {EPOCHS} epochs, "
        "copies of one study of the digits.\n\n"
    )
    print(f"  list {statistics.median(listing):.2f}, study {statistics.median(reading):.2f}", file=sys.stderr)
    return Measured(text, {"rounds": rounds, "list": listing, "study": reading})


def _written(runs: Path, large: Path) -> None:
    """Write many copies of a small study, and one whose runs are many."""
    first = runs / "study-0"
    overfitlab.compare(
        METHODS, "digits", protocol="quick", seeds=RUNS_OF_EACH // len(METHODS), epochs=EPOCHS, training_images=60,
        threads=1, out=first, verbose=False,
    )  # fmt: skip
    for number in range(1, STUDIES):
        shutil.copytree(first, runs / f"study-{number}")
    shutil.copytree(first, large)
    pattern = next((large / "runs").iterdir())
    record = json.loads((pattern / "run.json").read_text())
    for number in range(MANY - RUNS_OF_EACH):
        folder = large / "runs" / f"{pattern.name}-{number}"
        folder.mkdir()
        shutil.copy(pattern / "history.csv", folder)
        (folder / "run.json").write_bytes(sealed(record))


def _cpu(*arguments: object) -> float:
    return _seconds([sys.executable, "-m", "overfitlab", *map(str, arguments)])


def _cpu_of(code: str) -> float:
    return _seconds([sys.executable, "-c", f"from overfitlab.study.study import load_study\n{code}"])


def _seconds(command: list[str]) -> float:
    """Return the CPU seconds of a process, of the user and of the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
