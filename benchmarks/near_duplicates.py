"""Near-duplicates in CIFAR-10, which chose the thresholds of `data/prepare/duplicates.py`: `make duplicates`.

Prints how many there are, and writes a figure of the pairs that are least alike among them: whether those are still
copies is for the eye to judge.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from overfitlab.config import NOTEBOOK
from overfitlab.data import loading
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.splits import split
from overfitlab.report.data_figures import SHOWN_PAIRS, duplicate_pairs
from overfitlab.report.figures import rendered

FIGURE = Path(__file__).resolve().parent.parent / "docs" / "figures" / "near-duplicates.png"


def main() -> None:
    """Search the notebook's parts of CIFAR-10."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="the folder that holds CIFAR-10")
    arguments = parser.parse_args()
    data = loading.load("cifar10", arguments.data_dir)
    parts = split(data, NOTEBOOK, seed=0)
    began = time.perf_counter()
    found = near_duplicates(data, parts)
    print(f"{time.perf_counter() - began:.0f} s")
    for part in found:
        print(f"{part.part}: {len(part.pairs)} of {part.looked_at:,} images have a near-duplicate")
    least = [replace(part, pairs=part.pairs[-SHOWN_PAIRS // 2 :]) for part in found]
    FIGURE.write_bytes(rendered(duplicate_pairs(data, least), "png"))
    print(f"Wrote {FIGURE}")


if __name__ == "__main__":
    main()
