"""What came out of a run or a study, without what may depend on how it came about: times, memory, places."""

import csv
import json
from pathlib import Path
from typing import Any

FILES = ("weights.safetensors", "probabilities.safetensors", "model.txt")
OF_METHODS, OF_CONTRASTS = ("seconds_per_epoch", "peak_memory_mb"), ("time_ratio", "time_quartiles")


def of_run(folder: Path) -> dict[str, Any]:
    """Return curves, weights and predictions of a finished run, to the bit."""
    with (folder / "history.csv").open(newline="") as stream:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(stream)]
    status = json.loads((folder / "run.json").read_text())["status"]
    return {"history": rows, "status": status} | {name: (folder / name).read_bytes() for name in FILES}


def of_study(folder: Path) -> dict[str, Any]:
    """Return the same of all runs of a finished study, and its verdict."""
    runs = {run.name: of_run(run) for run in sorted((folder / "runs").iterdir())}
    verdict = json.loads((folder / "verdict.json").read_text())
    for entry, names in ((verdict["methods"], OF_METHODS), (verdict["contrasts"], OF_CONTRASTS)):
        for each in entry:
            for name in names:
                each.pop(name, None)
    return {"runs": runs, "verdict": verdict | {"study": ""}}


def leftovers(folder: Path) -> list[str]:
    """Return what only a process that is at work may leave in a folder: temporary files and checkpoints."""
    found = [path for path in folder.rglob("*") if path.name.endswith(".overfitlab-tmp")]
    return sorted(str(path.relative_to(folder)) for path in (*found, *folder.rglob("checkpoint*.safetensors")))


def error_line(said: str) -> str:
    """Return the one line of the error that a command ended with."""
    assert "Traceback" not in said, said
    lines = [line for line in said.splitlines() if line.startswith("overfitlab: ")]
    assert len(lines) == 1, said
    assert "internal error" not in lines[0], said
    return lines[0]
