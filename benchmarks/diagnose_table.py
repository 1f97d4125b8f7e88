"""The confusion table of `diagnose`: what it says of generated curves whose truth is known (docs/diagnose.md).

`python benchmarks/diagnose_table.py` prints a row a truth and noise, and a column a diagnosis, in percent; then what it
says of the single runs of our published studies (docs/studies/data), whose truth is what the other seeds show together.
"""

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

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

STUDIES = Path(__file__).resolve().parent.parent / "docs" / "studies" / "data"
RISEN = 1.01  # times its lowest value: where a mean validation loss ends that has risen again
LAST = 3  # epochs at the end
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


def logged_runs(path: Path) -> Iterator[tuple[str, list[Curves]]]:
    """Yield each method of a study with its runs, as somebody's log has them: training as running means."""
    rows: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            rows[row["method"]][row["seed"]].append(row)
    for method, seeds in rows.items():
        yield method, [
            Curves(**{name: np.array([float(row[name]) for row in run])
                      for name in ("val_loss", "val_acc", "loss", "acc")})
            for run in seeds.values()
        ]  # fmt: skip


def of_studies() -> str:
    """Return a row for each study and truth: what the other seeds of the method show, and what one run alone is said.

    The truth is *overfitting* where the mean validation loss of the others ends, over its last epochs, at more than 1 %
    above its lowest value.
    """
    lines = []
    for path in sorted(STUDIES.glob("*/history.csv")):
        found: dict[str, Counter[str]] = defaultdict(Counter)
        distances = defaultdict(list)
        for _, runs in logged_runs(path):
            for place, run in enumerate(runs):
                others = [each.val_loss for other, each in enumerate(runs) if other != place]
                together = np.mean([each for each in others if len(each) == len(run.val_loss)], axis=0)
                lowest = int(together.argmin())
                rises = together[-LAST:].mean() > RISEN * together[lowest] and lowest < len(together) - 1
                said = diagnosed(run)
                truth = OVERFITTING if rises else NOT_YET
                found[truth][said.state] += 1
                if rises and said.onset is not None:
                    distances[truth].append(abs(said.onset - lowest - 1))
        for truth, states in found.items():
            near = distances[truth]
            shares = [f"{sum(each <= epochs for each in near)} of {len(near)}" if near else "" for epochs in (1, 3)]
            cells = [path.parent.name, truth, str(states.total()), *(str(states[state]) for state in STATES), *shares]
            lines.append(f"| {' | '.join(cells)} |")
    header = ["study", "other seeds together", "runs", *STATES, "onset within 1", "within 3"]
    return "\n".join([f"| {' | '.join(header)} |", "| --- | --- |" + " ---: |" * (len(header) - 2), *lines])


def main() -> None:
    """Print the tables."""
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
    print("\n" + of_studies())


if __name__ == "__main__":
    main()
