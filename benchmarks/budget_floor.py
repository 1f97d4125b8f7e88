"""How little training still shows overfitting: what `compare --budget` may give up. Writes docs/study.md.

    python benchmarks/budget_floor.py [--seeds 3] [--jobs 2] [--data-dir DIR] [--write-only]

Trains `none` on CIFAR-10 under the protocol `quick` with fewer images and epochs, on seeds that no verdict uses. Runs
are folders below runs/budget-floor/; those that are finished are not trained again.
"""

import argparse
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pages import replace_generated

import overfitlab
from overfitlab.config import PILOT_SEEDS, protocol_named
from overfitlab.machine import environment, plan
from overfitlab.study.budget import LEAST_LEARNING, learning

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "study.md"
RUNS = ROOT / "runs" / "budget-floor"
SETTINGS = [(2000, 12), (2000, 6), (1000, 12), (1000, 8), (1000, 6), (500, 24), (500, 12), (500, 8)]  # images, epochs
FIRST = 500  # of the pilot's seeds


def main() -> None:
    """Train what is missing, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, help="runs at once, of one thread each (as many as cores)")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--write-only", action="store_true")
    options = parser.parse_args()
    seeds = PILOT_SEEDS[FIRST : FIRST + options.seeds]
    runs = [(images, epochs, seed) for seed in seeds for images, epochs in SETTINGS]
    if not options.write_only:
        with ThreadPoolExecutor(options.jobs or plan(len(runs)).jobs) as pool:
            for done in pool.map(lambda run: train(*run, options.data_dir), runs):
                print(f"{done} is there", file=sys.stderr)
    text = table(list(seeds))
    replace_generated(PAGE, text, "floor")
    print(text)


def folder(images: int, epochs: int, seed: int) -> Path:
    """Return where a run lies."""
    return RUNS / f"{images}-{epochs}-{seed - PILOT_SEEDS.start}"


def train(images: int, epochs: int, seed: int, data_dir: Path | None) -> Path:
    """Train one run as a user would; a finished one is left alone."""
    out = folder(images, epochs, seed)
    command = [
        str(Path(sys.executable).parent / "overfitlab"), "train", "--data", "cifar10", "--protocol", "quick",
        "--method", "none", "--seed", str(seed), "--training-images", str(images), "--epochs", str(epochs),
        "--threads", "1", "--out", str(out), *(["--data-dir", str(data_dir)] if data_dir else []),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{out}: {done.stderr}")
    return out


def table(seeds: list[int]) -> str:
    """Return the table, in Markdown."""
    lines = [
        "| training images | epochs | sum of learning rates | gap, points | rise of validation loss since the onset | "
        "onset, epoch |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for images, epochs in SETTINGS:
        runs = [overfitlab.load_run(folder(images, epochs, seed)) for seed in seeds]
        moved = learning(protocol_named("quick", epochs=epochs), images)
        lines.append(
            f"| {images:,} | {epochs} | {moved:.3f}{' (allowed)' * (moved >= LEAST_LEARNING and images >= 1000)} | "
            f"{spread([100 * gap(run) for run in runs], 1)} | {spread([rise(run) for run in runs], 3)} | "
            f"{spread([float(run.onset or 0) for run in runs], 0)} |"
        )
    facts = environment()
    return "\n".join([
        *lines, "",
        f"`none` on CIFAR-10 under `quick`, except for images and epochs; mean (lowest to highest) of "
        f"n = {len(seeds)} seeds. {facts['processor']}, {facts['cores']} cores, 1 thread per run.", "",
    ])  # fmt: skip


def gap(run: overfitlab.Run) -> float:
    """Return training minus validation accuracy at the end."""
    end = run.measured["end"]
    return end["training"]["acc"] - end["validation"]["acc"]


def rise(run: overfitlab.Run) -> float:
    """Return validation loss at the end less that at the onset, in nats."""
    return run.measured["end"]["validation"]["loss"] - run.measured["onset"]["validation"]["loss"]


def spread(values: list[float], digits: int) -> str:
    """Return mean, lowest and highest."""
    return f"{statistics.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
