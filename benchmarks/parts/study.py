"""What a study costs around its trainings: plan, worker processes, folders and verdict."""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tables import spread, table

from overfitlab.machine import plan
from parts.part import Measured, Options

MOST_ROUNDS = 3
BARE = Path(__file__).resolve().parent.parent / "contenders" / "bare_runs.py"
COMMAND = Path(sys.executable).parent / "overfitlab"
METHODS = ("none", "batch_norm")
IMAGES, SEEDS = 6000, 4
PLANNED = "Can decide"  # how the last line of a plan begins


def study(options: Options) -> Measured:
    """Return the time of a study, beside that of the same trainings without anything around them."""
    rounds = min(options.rounds, MOST_ROUNDS)
    jobs = plan(len(METHODS) * SEEDS).jobs
    bare, whole, planning = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npz"
        rng = np.random.default_rng(0)
        np.savez(file, x=rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8), y=np.arange(IMAGES) % 10)
        for number in range(rounds):
            bare.append(_bare(file, jobs))
            planned, trained = _study(file, jobs, Path(folder) / f"study-{number}")
            planning.append(planned)
            whole.append(trained)
            print(f"  round {number + 1} of {rounds}: {bare[-1]:.1f} s bare, {trained:.1f} s a study", file=sys.stderr)
    overhead = [100 * (one / other - 1) for one, other in zip(whole, bare, strict=True)]
    rows = [
        ["the trainings alone, s", spread(bare)],
        ["the study from its plan on, s", spread(whole)],
        ["overhead, %", spread(overhead)],
        ["start-up and plan, once per study, s", spread(planning)],
    ]
    text = table(["", "median (lowest to highest)"], rows) + (
        f"n = {rounds} alternating rounds: {' and '.join(METHODS)} at {SEEDS} seeds under `quick` on {IMAGES:,} random "
        f"images, {jobs} runs at once of one thread each. The trainings alone are the same number of processes "
        "running the same code, without checkpoints, records or workers.\n\n"
    )
    data = {"rounds": rounds, "seconds": {"bare": bare, "study": whole, "plan": planning}}
    return Measured(text, data)


def _bare(file: Path, jobs: int) -> float:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(_bare_process(file, range(first, SEEDS, jobs))) for first in range(jobs)]
        for process in processes:
            _line(process, "ready")
        began = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            print(file=process.stdin, flush=True)
        for process in processes:
            _line(process, "done")
        return time.perf_counter() - began


def _bare_process(file: Path, seeds: range) -> "subprocess.Popen[str]":
    runs = [f"{method}:{seed}" for seed in seeds for method in METHODS]
    command = [sys.executable, BARE, file, *runs]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _study(file: Path, jobs: int, out: Path) -> tuple[float, float]:
    """Return the seconds until the plan stands, and those from there to the end of the command."""
    command = [
        COMMAND, "compare", *METHODS, "--data", file, "--protocol", "quick", "--seeds", str(SEEDS), "--threads", "1",
        "--jobs", str(jobs), "--out", out,
    ]  # fmt: skip
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        _line(process, PLANNED)
        planned = time.perf_counter()
        assert process.stdout is not None
        process.stdout.read()
    if process.returncode:
        raise SystemExit(f"the study ended with code {process.returncode}")
    return planned - began, time.perf_counter() - planned


def _line(process: "subprocess.Popen[str]", beginning: str) -> None:
    """Read until a line begins so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return
    raise SystemExit(f"{process.args} ended too early")
