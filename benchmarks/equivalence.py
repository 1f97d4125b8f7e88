"""Does the fast path learn as well as the reference? Trains both on paired seeds: writes docs/performance.md.

    python benchmarks/equivalence.py [--seeds 24] [--jobs 2] [--method batch_norm] [--data-dir DIR] [--write-only]

The reference is plain PyTorch in float32 (OVERFITLAB_KERNELS=off); the fast path is what `overfitlab train` takes by
itself. Under the protocol `quick`, with seeds that no verdict uses; of each run the mean accuracy and loss of the last
three validations count. Equivalent within 1 point: two one-sided t-tests on the paired differences (Schuirmann, 1987).
Runs are folders below runs/equivalence/; those that are finished are not trained again.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pages import replace_generated
from scipy.stats import t as student

import overfitlab
from overfitlab.config import PILOT_SEEDS
from overfitlab.kernels.library import described
from overfitlab.machine import environment, plan

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
RUNS = ROOT / "runs" / "equivalence"
PATHS = {"reference": {"OVERFITLAB_KERNELS": "off"}, "fast": {}}
LAST = 3  # validations
MARGIN = 0.01  # of accuracy: a point


def main() -> None:
    """Train what is missing, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--jobs", type=int, help="runs at once, of one thread each (as many as cores)")
    parser.add_argument("--method", default="batch_norm")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--write-only", action="store_true")
    options = parser.parse_args()
    runs = [(path, seed) for seed in PILOT_SEEDS[: options.seeds] for path in PATHS]
    if not options.write_only:
        with ThreadPoolExecutor(options.jobs or plan(len(runs)).jobs) as pool:
            for done in pool.map(lambda run: train(*run, options.method, options.data_dir), runs):
                print(f"{done} is there", file=sys.stderr)
    text = table(options.method, options.seeds)
    replace_generated(PAGE, text, "equivalence")
    print(text)


def folder(path: str, seed: int, method: str) -> Path:
    """Return where a run lies."""
    return RUNS / f"{method}-{path}-{seed - PILOT_SEEDS.start}"


def train(path: str, seed: int, method: str, data_dir: Path | None) -> Path:
    """Train one run as a user would; a finished one is left alone."""
    out = folder(path, seed, method)
    precision = "float32" if path == "reference" else "auto"
    command = [
        str(Path(sys.executable).parent / "overfitlab"), "train", "--data", "cifar10", "--protocol", "quick",
        "--method", method, "--seed", str(seed), "--threads", "1", "--precision", precision, "--out", str(out),
        *(["--data-dir", str(data_dir)] if data_dir else []),
    ]  # fmt: skip
    done = subprocess.run(command, env=os.environ | PATHS[path], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{out}: {done.stderr}")
    return out


def endpoint(path: str, seed: int, method: str) -> tuple[float, float]:
    """Return mean validation accuracy and loss of the last epochs of a run."""
    history = overfitlab.load_run(folder(path, seed, method)).history
    return statistics.mean(history["val_acc"][-LAST:]), statistics.mean(history["val_loss"][-LAST:])


def equivalence(differences: list[float], margin: float) -> tuple[float, float, float, float]:
    """Return mean, 90 % interval (low, high) and p of two one-sided tests that the mean lies within +-margin."""
    n, mean = len(differences), statistics.mean(differences)
    error = statistics.stdev(differences) / math.sqrt(n)
    half = float(student.ppf(0.95, n - 1)) * error
    p = max(float(student.sf((mean + margin) / error, n - 1)), float(student.cdf((mean - margin) / error, n - 1)))
    return mean, mean - half, mean + half, p


def table(method: str, seeds: int) -> str:
    """Return the table, in Markdown."""
    results = {path: [endpoint(path, seed, method) for seed in PILOT_SEEDS[:seeds]] for path in PATHS}
    accuracy, loss = (
        [fast[which] - reference[which] for fast, reference in zip(results["fast"], results["reference"], strict=True)]
        for which in (0, 1)
    )
    mean, low, high, p = equivalence(accuracy, MARGIN)
    verdict = "equivalent within 1 point" if p <= 0.05 else "not shown to be equivalent within 1 point"
    facts = environment()
    resolved = overfitlab.load_run(folder("fast", PILOT_SEEDS[0], method)).own.resolved
    mean_loss, *_ = equivalence(loss, math.inf)
    lines = [
        f"| `{method}`, `quick` | validation accuracy, mean | spread over seeds (SD) | validation loss, mean |",
        "| --- | --- | --- | --- |",
    ]
    for path, values in results.items():
        accuracies, losses = zip(*values, strict=True)
        lines.append(
            f"| {path} | {statistics.mean(accuracies):.4f} | {statistics.stdev(accuracies):.4f} | "
            f"{statistics.mean(losses):.4f} |"
        )
    return "\n".join([
        *lines, "",
        f"Fast path minus reference, paired by seed: {100 * mean:+.2f} points of accuracy (90 % interval "
        f"{100 * low:+.2f} to {100 * high:+.2f}), **{verdict}** (two one-sided tests, p = {p:.2g}); loss "
        f"{mean_loss:+.4f}. n = {seeds} seeds, mean of the last {LAST} validations. {facts['processor']}, "
        f"{facts['cores']} cores; {resolved.precision}, {described(resolved.kernels)}, 1 thread per run.", "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
