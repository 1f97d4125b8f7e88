"""The confusion table of `diagnose`: what it says of generated curves whose truth is known (docs/diagnose.md).

`python benchmarks/diagnose_table.py` prints a row a truth and noise, and a column a diagnosis, in percent.
"""

import argparse
from collections import Counter

import numpy as np

from overfitlab.stats.diagnosis import (
    DIVERGED,
    NOT_YET,
    OVERFITTING,
    STATES,
    TOO_SHORT,
    UNDERFITTING,
    UNSTABLE,
    Curves,
    diagnosed,
)

NOISES = (0.01, 0.03, 0.06)  # nats: of a validation loss from one epoch to the next; a real one has about 0.01 to 0.03


def made(truth: str, noise: float, rng: np.random.Generator) -> tuple[Curves, int | None]:
    """Return a history of that kind, and its true onset where it overfits."""
    epochs = 3 if truth == TOO_SHORT else int(rng.integers(15, 41))
    at = np.arange(1, epochs + 1)
    rate = rng.uniform(0.15, 0.5)
    floor, start = rng.uniform(0.02, 0.2), rng.uniform(1.5, 2.5)
    training = floor + (start - floor) * np.exp(-rate * at)
    base = rng.uniform(0.5, 0.9)
    validation = base + (start - base) * np.exp(-rate * at)
    onset = None
    if truth == OVERFITTING:
        validation = validation + rng.uniform(0.02, 0.08) * np.maximum(at - rng.uniform(3, epochs / 2), 0)
        onset = int(np.argmin(validation)) + 1
    elif truth == UNDERFITTING:
        floor = rng.uniform(1.0, 1.4)
        training = floor + (start - floor) * np.exp(-0.8 * at)
        validation = training + rng.uniform(0.0, 0.03)
    elif truth == NOT_YET:  # both still fall, the network fits the training images better and better
        rate = rng.uniform(0.5, 2.0) / epochs
        training = floor + (start - floor) * np.exp(-rate * at)
        validation = training + 0.15 * (1 - np.exp(-rate * at))
    elif truth == DIVERGED:
        begin = int(rng.integers(3, epochs - 2))
        blow = np.exp(0.8 * np.maximum(at - begin, 0))
        training, validation = training * blow + 0.3 * (blow - 1), validation * blow + 0.3 * (blow - 1)
        if rng.random() < 0.5:
            training[begin:] = validation[begin:] = np.nan
    elif truth == UNSTABLE:
        validation = validation + np.abs(rng.normal(0, 0.8, epochs))
    validation = np.abs(validation + rng.normal(0, noise, epochs))
    training = np.abs(training + rng.normal(0, noise / 4, epochs))
    return (
        Curves(val_loss=validation, val_acc=np.exp(-validation), loss=training, acc=np.exp(-training)),
        onset,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--curves", type=int, default=1000, help="for each row")
    count = parser.parse_args().curves
    print(f"| truth | noise, nats | {' | '.join(STATES)} | onset right within 1 |")
    print("| --- |" + " ---: |" * (len(STATES) + 2))
    for truth in (OVERFITTING, NOT_YET, UNDERFITTING, DIVERGED, UNSTABLE, TOO_SHORT):
        for noise in NOISES:
            rng = np.random.default_rng(0)
            found: Counter[str] = Counter()
            near = 0
            for _ in range(count):
                curves, onset = made(truth, noise, rng)
                said = diagnosed(curves)
                found[said.state] += 1
                near += onset is not None and said.onset is not None and abs(said.onset - onset) <= 1
            shares = " | ".join(f"{100 * found[state] / count:.1f}" for state in STATES)
            right = f"{100 * near / max(found[OVERFITTING], 1):.0f} %" if truth == OVERFITTING else ""
            print(f"| {truth} | {noise} | {shares} | {right} |")


if __name__ == "__main__":
    main()
