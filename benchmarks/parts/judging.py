"""How long a verdict on 10,000 rows of somebody else's takes."""

import csv
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tables import spread, table

from parts.part import Measured, Options

MOST_ROUNDS = 7
COMMAND = Path(sys.executable).parent / "overfitlab"
METHODS, SEEDS, EPOCHS = ("none", "dropout", "l2", "augment"), 25, 100


def judging(options: Options) -> Measured:
    """Return the time of `overfitlab judge` of a table with a row an epoch, beside that of the first epoch alone."""
    rounds = min(options.rounds, MOST_ROUNDS)
    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {"judge": [], "start": []}
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "results.csv"
        with logs.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["method", "seed", "epoch", "val_acc", "val_loss"])
            for method in METHODS:
                for seed in range(SEEDS):
                    for epoch in range(EPOCHS):
                        writer.writerow([method, seed, epoch, rng.random(), rng.random()])
        calls = {"start": ["judge", str(Path(folder) / "few.csv")], "judge": ["judge", str(logs)]}
        lines = logs.read_text().splitlines()
        few = [line for line in lines if line.split(",")[2] in ("epoch", "0")]
        (Path(folder) / "few.csv").write_text("\n".join(few))
        for _ in range(rounds):
            for name, arguments in calls.items():
                began = time.perf_counter()
                subprocess.run([str(COMMAND), *arguments, "--no-report"], check=True, stdout=subprocess.DEVNULL)
                seconds[name].append(time.perf_counter() - began)
    beyond = statistics.median(seconds["judge"]) - statistics.median(seconds["start"])
    rows = [
        ["10,000 rows, s", spread(seconds["judge"])],
        ["100 rows, s", spread(seconds["start"])],
        ["difference of the medians, s", f"{beyond:.2f}"],
    ]
    text = table(["", "median (lowest to highest)"], rows) + (
        f"n = {rounds}, alternating: `overfitlab judge --no-report` of {len(METHODS)} methods at {SEEDS} seeds, a row "
        "an epoch.\n\n"
    )
    return Measured(text, {"rounds": rounds, "seconds": seconds})
