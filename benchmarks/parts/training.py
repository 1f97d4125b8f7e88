"""Training steps, beside Keras and plain PyTorch: everything at batch 32, a few set-ups at batch 256."""

import math
from collections.abc import Sequence

from peers import OURS, keras, keras_setups, ours, pytorch
from processes import Contender, Setup, own_times, started, take_turns
from tables import counted, missing_row, ratios, spread, table

from overfitlab.training import compute
from parts.part import Measured, Options

IMAGES = 35_000  # that train in an epoch of the notebook
LARGE_BATCH, LARGE_STEPS = 256, 25


def batch_32(options: Options) -> Measured:
    """Return a training step of every contender."""
    other = ["float32"] if compute.resolve("auto", None).precision == "bfloat16" else []
    setups = [
        ours(),
        *(ours(precision) for precision in other),
        pytorch("bfloat16"),
        pytorch("bfloat16", malloc=True),
        pytorch("bfloat16", compiled=True),
        pytorch("float32"),
        pytorch("float32", malloc=True),
        pytorch("float32", compiled=True),
        *keras_setups(options.peer_python),
    ]
    return _measured(setups, options.rounds, options.steps, 32)


def batch_256(options: Options) -> Measured:
    """Return a training step of the contenders that matter most."""
    setups = [
        ours(),
        pytorch("bfloat16"),
        pytorch("float32"),
        keras(options.peer_python, "float32"),
        keras(options.peer_python, "mixed_bfloat16"),
        keras(options.peer_python, "float32", backend="jax"),
    ]
    images = str(LARGE_BATCH * LARGE_STEPS)
    setups = [setup.more("--batch", str(LARGE_BATCH), "--images", images) for setup in setups]
    return _measured(setups, options.rounds, min(options.steps, LARGE_STEPS), LARGE_BATCH)


def _measured(setups: Sequence[Setup], rounds: int, steps: int, batch: int) -> Measured:
    with started(setups) as contenders:
        take_turns(contenders, rounds, {"train": steps})
    text = training_table(contenders, batch) + (
        f"n = {rounds} rounds of up to {steps} steps each (fewer if they would take longer than a few seconds), after "
        f"one warm-up (not counted). {versions(contenders)}\n\n"
    )
    return Measured(text, {"rounds": rounds, "contenders": {each.name: each.as_dict() for each in contenders}})


def training_table(contenders: list[Contender], batch: int) -> str:
    """Return the table of training steps."""
    mine = own_times(contenders, "train")
    steps = math.ceil(IMAGES / batch)
    rows = []
    for contender in contenders:
        if contender.missing is not None:
            rows.append(missing_row(contender.name, contender.missing, 4))
            continue
        times = contender.milliseconds["train"]
        epochs = [each * steps / 1000 for each in times]
        rows.append([contender.name, spread(times), spread(epochs, 0), spread(ratios(times, mine), 2)])
    header = [f"training, batch {batch}", "ms a step: median (lowest to highest)", f"s for {IMAGES:,} images"]
    return table([*header, "times ours"], rows)


def versions(contenders: Sequence[Contender]) -> str:
    """Return what ours chose, and which Keras it was, as a sentence."""
    about = contenders[0].about
    keras_versions = sorted({each.about["keras"] for each in contenders if "keras" in each.about})
    backends = sorted({each.about["backend"] for each in contenders if "backend" in each.about})
    beside = f"; Keras {', '.join(keras_versions)} on {', '.join(backends)}" if backends else ""
    return f"{OURS} chose {about['precision']} and {counted(int(about['threads']), 'thread')}{beside}."
