"""Peak memory of a short training, and how long it takes until something happens."""

import importlib.metadata
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from peers import keras, ours, pytorch
from processes import Contender, MissingError, Process, Setup
from tables import missing_row, spread, table

from parts.part import Measured, Options
from parts.training import IMAGES

MOST_ROUNDS = 3
TRAINED_STEPS = 20
COMMANDS = {
    "`python -c pass`": ("pass",),
    "`overfitlab --help`": ("from overfitlab.cli.main import main; main()", "--help"),
    "`import overfitlab`": ("import overfitlab",),
    "`import torch`": ("import torch",),
}


def memory(options: Options) -> Measured:
    """Return peak memory and the time to the first step, of fresh processes that hold an epoch's images."""
    rounds = min(options.rounds, MOST_ROUNDS)
    python = options.peer_python
    setups = [
        ours(),
        pytorch("float32"),
        pytorch("bfloat16"),
        keras(python, "float32"),
        keras(python, "mixed_bfloat16"),
        keras(python, "float32", jit=True),
        keras(python, "float32", backend="jax"),
        keras(python, "float32", backend="torch"),
    ]
    contenders = [Contender(setup.name, []) for setup in setups]
    for number in range(rounds + 1):
        for setup, contender in zip(setups, contenders, strict=True):
            if contender.missing is None:
                _train_afresh(setup, contender, counts=number > 0)
        print(f"  round {number} of {rounds}", file=sys.stderr)
    rows = []
    for contender in contenders:
        if contender.missing is not None:
            rows.append(missing_row(contender.name, contender.missing, 3))
            continue
        found = contender.milliseconds
        seconds = [each / 1000 for each in found["first step"]]
        rows.append([contender.name, spread(found["megabytes"], 0), spread(seconds)])
    text = table(["training, batch 32", "peak memory, MB (10^6 bytes)", "s to the end of the first step"], rows) + (
        f"n = {rounds} fresh processes each, in turns, after one warm-up (not counted): from the start of Python, with "
        f"{IMAGES:,} random images created and prepared, to the end of the first step; {TRAINED_STEPS} steps more for "
        "the memory. Keras and PyTorch hold the images as float32, overfitlab as bytes.\n\n"
    )
    return Measured(text, {"rounds": rounds, "contenders": {each.name: each.as_dict() for each in contenders}})


def _train_afresh(setup: Setup, contender: Contender, *, counts: bool) -> None:
    try:
        process = Process(setup.more("--images", str(IMAGES)))
    except MissingError as error:
        contender.missing = str(error)
        return
    try:
        process.ask(f"train {TRAINED_STEPS}")
        process.answer()
        process.ask("memory")
        megabytes = float(process.answer())
    except MissingError as error:
        contender.missing = str(error)
        return
    finally:
        process.close()
    if counts:
        contender.milliseconds.setdefault("megabytes", []).append(megabytes)
        contender.milliseconds.setdefault("first step", []).append(1000 * process.seconds_to_first_step)


def start_up(options: Options) -> Measured:
    """Return how long commands take that do nothing."""
    milliseconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    rounds = options.rounds + 2  # they are short
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            each = _milliseconds(arguments)
            if number > 0:
                milliseconds[name].append(each)
    rows = [[name, spread(times, 0)] for name, times in milliseconds.items()]
    text = table(["start-up", "ms: median (lowest to highest)"], rows) + (
        f"n = {rounds} rounds after one warm-up (not counted); "
        f"overfitlab {importlib.metadata.version('overfitlab')}.\n\n"
    )
    return Measured(
        text, {"rounds": rounds, "medians": {name: statistics.median(t) for name, t in milliseconds.items()}}
    )


def _milliseconds(arguments: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", *arguments], check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - begun)
