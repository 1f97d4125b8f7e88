"""How long the report of a study of 100 runs takes."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tables import spread, table

from parts.part import Measured, Options

MOST_ROUNDS = 5
COMMAND = Path(sys.executable).parent / "overfitlab"
METHODS = ("none", "l1", "l2", "dropout", "spatial_dropout", "batch_norm", "layer_norm", "augment", "mixup", "cutmix")
SEEDS = 10
QUICK = ("--data", "digits", "--protocol", "quick", "--epochs", "3", "--training-images", "60", "--no-report")


def report(options: Options) -> Measured:
    """Return the time of `overfitlab report`, as a whole process, for ten methods at ten seeds."""
    rounds = min(options.rounds, MOST_ROUNDS)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        _call("compare", *METHODS, *QUICK, "--seeds", str(SEEDS), "--out", str(study))
        for number in range(rounds):
            began = time.perf_counter()
            _call("report", str(study), "--lang", "en", "--out", str(Path(folder) / f"report-{number}"))
            seconds.append(time.perf_counter() - began)
            print(f"  round {number + 1} of {rounds}: {seconds[-1]:.1f} s", file=sys.stderr)
        size = sum(path.stat().st_size for path in (Path(folder) / "report-0").rglob("*") if path.is_file())
        page = (Path(folder) / "report-0" / "report.html").stat().st_size
    rows = [
        ["the whole command, s", spread(seconds)],
        ["the page, MB", f"{page / 1e6:.1f}"],
        ["everything, MB", f"{size / 1e6:.1f}"],
    ]
    text = table(["", "median (lowest to highest)"], rows) + (
        f"n = {rounds}: `overfitlab report --lang en` of {len(METHODS)} methods at {SEEDS} seeds on the digits, "
        f"{len(METHODS) * SEEDS} runs, every figure as PNG and as SVG.\n\n"
    )
    return Measured(text, {"rounds": rounds, "seconds": seconds, "bytes": {"page": page, "all": size}})


def _call(*arguments: str) -> None:
    subprocess.run(
        [str(COMMAND), *arguments], check=True, stdout=subprocess.DEVNULL, env=os.environ | {"NO_COLOR": "1"}
    )
