"""How often evidence reaches x by chance within a planned number of seeds: `make thresholds` (some minutes).

Writes `src/overfitlab/stats/maxima.csv`: a row for each planned maximum T, a column for each x, and in it P(the maximum
of E over 4 <= n <= T reaches x) times x, the share of Ville's bound. It is simulated where reaching x is no rare event:
E is a likelihood ratio, so P(reached) is the mean of 1/E at the time of reaching it, under the distribution that E bets
on (a standardized effect from N(0, 1); for E+ from its positive half). Counting would need many times as many paths.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from overfitlab.config import LONGEST_ROUNDS, SHORTEST_ROUNDS
from overfitlab.stats.sequential import FEWEST, log_evidence, log_evidence_above

PATH = Path(__file__).parents[1] / "src/overfitlab/stats/maxima.csv"
MAXIMA = (*range(SHORTEST_ROUNDS, 31), 35, 40, 50, 60, 80, LONGEST_ROUNDS)
GRID = np.concatenate([[1.0], np.geomspace(1.25, 1e4, 60)])
CHUNK = 5000
PATHS = 1_000_000
KNOWN = 0.05  # relative Monte Carlo error up to which a probability is taken for known
SIDES = {"two": log_evidence, "one": log_evidence_above}


def reached(rng: np.random.Generator, sides: str, paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Return, by planned maximum and x, the sum over paths of 1/E when x was reached first, and the sum of squares.

    A path that does not reach x within the maximum adds nothing.
    """
    effect = rng.standard_normal((paths, 1))
    values = rng.standard_normal((paths, LONGEST_ROUNDS)) + (np.abs(effect) if sides == "one" else effect)
    n = np.arange(1, LONGEST_ROUNDS + 1)
    mean = np.cumsum(values, 1) / n
    squares = np.maximum(np.cumsum(values**2, 1) - n * mean**2, 0)
    read = slice(FEWEST - 1, None)
    t = np.sqrt(n * (n - 1.0))[read] * mean[:, read] / np.sqrt(squares[:, read])
    evidence = SIDES[sides](t, n[read])
    largest = np.maximum.accumulate(evidence, 1)
    rounds = evidence.shape[1]
    last = np.array(MAXIMA) - FEWEST  # the position at which a planned maximum is read
    sums = np.zeros((2, len(MAXIMA), len(GRID)))
    for place, x in enumerate(np.log(GRID)):
        first = (largest < x).sum(1)  # the position at which x is reached
        weight = np.exp(-np.take_along_axis(evidence, np.minimum(first, rounds - 1)[:, None], 1)[:, 0])
        for power in (1, 2):
            sums[power - 1, :, place] = np.bincount(first, weight**power, rounds + 1).cumsum()[last]
    return sums[0], sums[1]


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=PATHS)
    paths = parser.parse_args().paths
    rows = [["sides", "maximum", *(f"{x:.6g}" for x in GRID)]]
    for stream, sides in enumerate(SIDES):
        total, squared = np.zeros((len(MAXIMA), len(GRID))), np.zeros((len(MAXIMA), len(GRID)))
        for chunk in range(0, paths, CHUNK):
            found, squares = reached(np.random.default_rng([stream, chunk]), sides, CHUNK)
            total += found
            squared += squares
        p = total / paths
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.sqrt((squared / paths - p**2) / paths) / p
        levels = (p > 1e-3) & (p < 0.5)
        print(f"{sides}-sided: relative Monte Carlo error at most {relative[levels].max():.2%} where p is 0.001 to 0.5")
        shares = p * GRID
        shares[:, 0] = 1.0  # E = 1 is no evidence: p is 1
        known = relative < KNOWN
        known[:, 0] = True
        # beyond what paths reach often enough the last known share: it falls with x, and p must never be 0
        last = np.maximum.accumulate(np.where(known, np.arange(len(GRID)), 0), 1)
        shares = np.take_along_axis(shares, last, 1)
        for maximum, row in zip(MAXIMA, shares, strict=True):
            rows.append([sides, str(maximum), *(f"{share:.5g}" for share in row)])
    with PATH.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
