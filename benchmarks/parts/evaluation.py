"""Evaluation of as many images as validate in the notebook, and its share of an epoch."""

import math

from peers import keras, ours, pytorch
from processes import Setup, own_times, started, take_turns
from tables import missing_row, ratios, spread, table

from overfitlab.training import compute
from parts.part import Measured, Options
from parts.training import IMAGES, versions

VALIDATION = 15_000
MOST_ROUNDS = 5  # they are long


def evaluation(options: Options) -> Measured:
    """Return the time of an evaluation; each contender also trains in every round, for the share of the epoch."""
    python, rounds = options.peer_python, min(options.rounds, MOST_ROUNDS)
    setups = [
        ours(),
        pytorch("float32"),
        _large(keras(python, "float32")),
        keras(python, "float32"),
        _large(keras(python, "float32", backend="jax")),
    ]
    if compute.resolve("auto", None).precision == "bfloat16":  # emulated, 15,000 images take minutes
        setups += [
            pytorch("bfloat16"),
            _large(keras(python, "mixed_bfloat16")),
            keras(python, "mixed_bfloat16"),
        ]
    with started(setup.more("--images", str(VALIDATION)) for setup in setups) as contenders:
        take_turns(contenders, rounds, {"train": min(options.steps, 100), "evaluate": VALIDATION})
    mine = own_times(contenders, "evaluate")
    rows = []
    for contender in contenders:
        if contender.missing is not None:
            rows.append(missing_row(contender.name, contender.missing, 5))
            continue
        times = contender.milliseconds["evaluate"]
        epochs = epoch_seconds(contender.milliseconds)
        seconds = [each * VALIDATION / 1000 for each in times]
        shares = [100 * part / whole for part, whole in zip(seconds, epochs, strict=True)]
        rows.append(
            [contender.name, spread(seconds, 2), spread(epochs), f"{spread(shares)} %", spread(ratios(times, mine), 2)]
        )
    header = [
        f"evaluation of {VALIDATION:,} images",
        "s: median (lowest to highest)",
        "s an epoch",
        "share",
        "times ours",
    ]
    text = table(header, rows) + (
        f"n = {rounds} rounds after one warm-up (not counted). An epoch is {IMAGES:,} images trained in batches "
        f"of 32, from the steps of the same round, and {VALIDATION:,} evaluated. Keras evaluates 32 images at once "
        f"unless told otherwise; overfitlab evaluates 200, PyTorch 500. {versions(contenders)}\n\n"
    )
    data = {"rounds": rounds, "contenders": {each.name: each.as_dict() for each in contenders}}
    return Measured(text, data)


def epoch_seconds(milliseconds: dict[str, list[float]]) -> list[float]:
    """Return the seconds of an epoch with its validation, in each round."""
    steps = math.ceil(IMAGES / 32)
    pairs = zip(milliseconds["train"], milliseconds["evaluate"], strict=True)
    return [(step * steps + image * VALIDATION) / 1000 for step, image in pairs]


def _large(setup: Setup) -> Setup:
    return setup.more("--large", name=f"{setup.name}, 500 at once")
