"""What each method costs a step of the notebook's network: writes docs/performance.md and the figures of the cards.

    python benchmarks/method_costs.py [--rounds 7] [--steps 30]

All methods train in this process, one after the other within each round; a ratio is that of two times of one round.
Batch transforms are timed by themselves too.
"""

import argparse
import datetime
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from pages import replace_generated

sys.path.insert(0, str(Path(__file__).resolve().parent / "contenders"))
from common import BATCH, CLASSES, MOST_STEPS
from random_training import RandomTraining

from overfitlab.machine import environment
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.training import compute
from overfitlab.training.compute import Compute

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
COSTS = ROOT / "src" / "overfitlab" / "methods" / "costs.json"
BASELINE = "none"


class Contender:
    """One method, trained some steps at a time."""

    def __init__(self, method: str, resolved: Compute) -> None:
        self._training = RandomTraining(resolved, MOST_STEPS * BATCH, method=method)
        self.transforms = any(type(part).batch is not Method.batch for part in registry.parse(method).parts)
        self.milliseconds: list[float] = []  # of a step
        self.transform_milliseconds: list[float] = []  # of that, the batch transform

    def turn(self, steps: int) -> tuple[float, float]:
        """Train that many steps, and return the milliseconds of one, and of its batch transform."""
        started = time.perf_counter()
        self._training.train(steps)
        step = time.perf_counter() - started
        x, labels = self._training.batches.gather(torch.arange(BATCH))
        y = torch.eye(CLASSES)[labels]
        started = time.perf_counter()
        for number in range(steps):
            self._training.trainer.regularization.batch(x, y, 1, number)  # in place or not: the time is the same
        transform = time.perf_counter() - started
        return 1000 * step / steps, 1000 * transform / steps


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=30, choices=range(1, MOST_STEPS + 1), metavar=f"1..{MOST_STEPS}")
    options = parser.parse_args()
    resolved = compute.resolve("auto", None)
    compute.prepare(resolved)
    names = [BASELINE, *(name for name in registry.names() if name not in (BASELINE, "as_is"))]  # as_is needs --bare
    contenders = {name: Contender(name, resolved) for name in names}
    for number in range(options.rounds + 1):
        for contender in contenders.values():
            step, transform = contender.turn(options.steps)
            if number > 0:  # the first round warms up
                contender.milliseconds.append(step)
                contender.transform_milliseconds.append(transform)
        print(f"round {number} of {options.rounds}", file=sys.stderr)
    write(contenders, resolved, options.rounds, options.steps)


def write(contenders: dict[str, Contender], resolved: Compute, rounds: int, steps: int) -> None:
    """Write the page and the figures of the cards."""
    baseline = contenders[BASELINE].milliseconds
    facts = environment()
    lines = [
        "| method | ms a step: median (lowest to highest) | times `none` | batch transform: ms, of `none`'s step |",
        "| --- | --- | --- | --- |",
    ]
    ratios: dict[str, list[float]] = {}
    for name, contender in contenders.items():
        times = contender.milliseconds
        each = [mine / base for mine, base in zip(times, baseline, strict=True)]
        ratios[name] = [round(value, 3) for value in (statistics.median(each), min(each), max(each))]
        median, low, high = ratios[name]
        transform = statistics.median(contender.transform_milliseconds)
        share = f"{transform:.2f}, {transform / statistics.median(baseline):.1%}" if contender.transforms else ""
        lines.append(
            f"| `{name}` | {statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f}) | "
            f"{median:.2f} ({low:.2f} to {high:.2f}) | {share} |"
        )
    machine = f"{facts['processor']}, {facts['cores']} cores"
    versions = {name: str(facts[name]) for name in ("python", "torch", "numpy")}
    lines += [
        "",
        f"n = {rounds} rounds of {steps} steps of 32 images, after one warm-up (not counted); {machine}; "
        f"PyTorch {versions['torch']}, {resolved.precision}, {resolved.threads} threads.",
    ]
    replace_generated(PAGE, "\n".join(lines) + "\n", "methods")
    costs = {
        "machine": machine, "precision": resolved.precision, "threads": resolved.threads, "n": rounds,
        "versions": versions, "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "step_ms": {name: round(statistics.median(each.milliseconds), 2) for name, each in contenders.items()},
        "ratio": ratios,
    }  # fmt: skip
    COSTS.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
