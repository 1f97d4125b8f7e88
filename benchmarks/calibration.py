"""How often the verdict's procedure is right and wrong on real trainings: writes docs/statistics.md.

    python benchmarks/calibration.py [--jobs 2] [--only digits] [--seeds 50] [--copies 8,8,2] [--write-only]

Trains pools of runs whose truth is known (calibration_pool.py), and draws studies from them (calibration_studies.py).
Pools are files below build/calibration/; runs that are there are not trained again, so pools may grow, and studies can
be drawn from what is there. All of it took 40 minutes on two cores with AVX-512; elsewhere it may take two hours.
"""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from calibration_pool import METHODS, Ended, Pool, Run, fill, read
from calibration_studies import (
    ACCURACY,
    FALSE_DIFFERENCE,
    FALSE_EQUIVALENT,
    GAP,
    MARGINS,
    MAXIMUM,
    POWER,
    QUESTION,
    TRUE,
    USED,
    Question,
    Rates,
    copies_of,
    cost,
    question,
    with_errors,
)
from machine import instructions, machine, today
from pages import replace_generated
from tables import table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "statistics.md"
PUBLISHED = ROOT / "docs" / "studies" / "data" / "batch-norm-and-dropout" / "runs.csv"
PUBLISHED_IMAGES = (10_000, 1_000)  # for testing and validation
POOLS = (
    Pool("digits", "digits", seeds=50, copies=(8, 8, 2)),
    Pool("digits-10-epochs", "digits", seeds=50, copies=(8, 8, 0), epochs=10),
    Pool("cifar10", "cifar10", seeds=15, copies=(4, 4, 2), training_images=500, epochs=8, test_images=2000),
)
CUTS = (20, 100, None)  # test images, None for all
CONTRASTS = (3, 7)
SIZES = (3, 5, 7, 9, 12)  # seeds of a study that fixes them
FIXED = 7  # seeds of `make run`
FEWEST = 5  # seeds of which a study is drawn
STUDIES, RESAMPLES = 4000, 40


def main() -> None:
    """Train what is missing, draw, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, of one thread each  [default: 2]")
    parser.add_argument("--write-only", action="store_true", help="draw from what is there, and train nothing")
    parser.add_argument("--train-only", action="store_true", help="train, and draw nothing")
    parser.add_argument("--only", choices=[pool.name for pool in POOLS], help="one of the pools")
    parser.add_argument("--seeds", type=int, help="of each pool")
    parser.add_argument("--copies", help=f"of {', '.join(METHODS)} at each seed: 8,8,2")
    parser.add_argument("--studies", type=int, default=STUDIES, help=f"in each cell  [default: {STUDIES:,}]")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"of the seeds  [default: {RESAMPLES}]")
    given = parser.parse_args()
    pools = [asked_for(pool, given.seeds, given.copies) for pool in POOLS if given.only in (None, pool.name)]
    if not given.write_only:
        for pool in pools:
            fill(pool, given.jobs)
    if not given.train_only:
        replace_generated(PAGE, written(given.studies, given.resamples), "calibration")


def asked_for(pool: Pool, seeds: int | None, copies: str | None) -> Pool:
    """Return the pool in the size that was asked for."""
    counts = pool.copies if copies is None else tuple(int(each) for each in copies.split(","))
    if len(counts) != len(METHODS):
        raise SystemExit(f"--copies takes a number for each of {', '.join(METHODS)}: 8,8,2")
    return replace(pool, seeds=seeds or pool.seeds, copies=counts)


def written(studies: int, resamples: int) -> str:
    """Return the tables, in Markdown, of the pools that are there."""
    there = {pool.name: found for pool in POOLS if (found := read(pool))}
    cells = list(all_cells(there, studies, resamples))
    counts = "; ".join(f"*{name}*: {sizes(found)}" for name, found in there.items())
    facts = machine()
    parts = {
        "How much two runs differ, in points; standard deviations over seeds": spreads(there),
        "Any false *helps* or *harms*: nothing differs": by_size(cells, FALSE_DIFFERENCE),
        "Any false *equivalent*: all methods differ by the margin": by_size(cells, FALSE_EQUIVALENT)
        + f"In percent of {studies:,} studies for each cell, \xb1 the standard error, from {resamples} bootstrap "
        f"samples of the seeds with {studies // 8:,} studies each; it includes the error of drawing studies. Nominal: "
        f"at most 5. *Until decided* is read after every seed from the fourth on, to {MAXIMUM} or all that there "
        "are.\n\n",
        "True differences of test accuracy: one of the methods differs": powers(cells)
        + "Percent of as many studies in which the true difference is found; *seeds*: mean number of seeds that its "
        "contrast uses until it is decided on both axes, or the maximum.\n\n",
        "The question of `make run`, asked until decided": questions(there, studies, resamples),
    }
    text = "".join(f"**{heading}**\n\n{part}" for heading, part in parts.items())
    return (
        f"Runs: {counts}. {facts['processor']}, {facts['cores']} cores, {instructions(facts)}, 1 thread per run; "
        f"{today()}.\n\n{text}"
    )


def sizes(there: Mapping[Run, Ended]) -> str:
    """Return how many runs and seeds there are of each method."""
    found = []
    for method in METHODS:
        seeds = [seed for seed, _, each in there if each == method]
        if seeds:
            found.append(f"{len(seeds)} of {method} at {len(set(seeds))} seeds")
    return ", ".join(found)


Cell = tuple[str, str, int, str, Rates, Rates]  # pool, method, contrasts, images, rates and their errors


def all_cells(there: Mapping[str, Mapping[Run, Ended]], studies: int, resamples: int) -> Iterator[Cell]:
    """Draw the studies of every cell: pool, method, number of contrasts, number of test images."""
    for name, runs in there.items():
        for method in METHODS[:2]:
            for contrasts in CONTRASTS:
                pool = copies_of(runs, method, contrasts + 1)
                if pool is None or pool.seeds < FEWEST:
                    continue
                for cut in CUTS:
                    rng = np.random.default_rng(list(f"{name}/{method}/{contrasts}/{cut}".encode()))
                    some = [n for n in SIZES if n <= pool.seeds]
                    found = with_errors(rng, pool, studies, contrasts, cut, some, resamples)
                    yield name, method, contrasts, f"{cut or pool.right.shape[-1]:,}", *found


def shown(rates: Rates, errors: Rates, what: str, n: int | str) -> str:
    """Return a rate and its standard error."""
    return f"{rates[what, n]:.1f} \xb1{errors[what, n]:.1f}" if (what, n) in rates else ""


def by_size(cells: Sequence[Cell], what: str) -> str:
    """Return how often it happens after each number of seeds; the gap once, as it does not depend on test images."""
    rows = []
    for axis, margin in zip((ACCURACY, GAP), MARGINS, strict=True):
        for pool, method, contrasts, images, rates, errors in cells:
            if axis == GAP and images in map(str, CUTS):
                continue
            numbers = [shown(rates, errors, f"{what} {axis}", n) for n in (*SIZES, "until")]
            of = f"{images} images" if axis == ACCURACY else "gap"
            rows.append([pool, method, str(contrasts), f"{of}, \xb1{margin:g}", *numbers])
    header = ["pool", "copies of", "contrasts", "axis, margin", *(f"n = {n}" for n in SIZES), "until decided"]
    return table(header, rows)


def powers(cells: Sequence[Cell]) -> str:
    """Return how often the difference of one method is found, and how many seeds its contrast uses."""
    rows = []
    for points in TRUE:
        found = f"{POWER} {points:g}"
        for pool, method, contrasts, images, rates, errors in cells:
            numbers = [shown(rates, errors, f"{found} {ACCURACY}", n) for n in (*SIZES, "until")]
            used = shown(rates, errors, f"{found} {USED}", "until")
            rows.append([pool, method, str(contrasts), images, f"{points:g}", *numbers, used])
    what = ["pool", "copies of", "contrasts", "test images", "true"]
    return table([*what, *(f"n = {n}" for n in SIZES), "until decided", "seeds"], rows)


def spreads(there: Mapping[str, Mapping[Run, Ended]]) -> str:
    """Return mean and standard deviation over seeds of the differences of two runs."""
    rows = []
    for name, runs in there.items():
        for one in METHODS:
            for other in METHODS[: METHODS.index(one) + 1]:
                for shared in (True, False):
                    found = differing(runs, one, other, shared=shared)
                    if found is None or (one == other and shared):
                        continue
                    n, *numbers = found
                    kind = "images, weights and order" if shared else "images"
                    rows.append([name, f"{one} - {other}", kind, *(f"{each:.2f}" for each in numbers), str(n)])
    header = ["pool", "difference", "they share", "test accuracy", "SD", "gap", "SD", "seeds"]
    return table(header, rows)


def differing(
    runs: Mapping[Run, Ended], one: str, other: str, *, shared: bool
) -> tuple[int, float, float, float, float] | None:
    """Return seeds, and mean and standard deviation of accuracy and gap of one minus another, over all such pairs.

    Variances are means over the pairs of copies. None where there are fewer than 3 seeds for a pair.
    """
    places = [(0, 0)] if shared else [(1, 0), (2, 1), (3, 2), (0, 3)]
    means, variances, counts = [], [], []
    for mine, its in places:
        seeds = sorted({seed for seed, *_ in runs if (seed, mine, one) in runs and (seed, its, other) in runs})
        if len(seeds) < 3:
            continue
        ends = [[_points(runs[seed, mine, one]), _points(runs[seed, its, other])] for seed in seeds]
        values = np.array([[own[axis] - theirs[axis] for own, theirs in ends] for axis in range(2)])
        means.append(values.mean(1))
        variances.append(values.var(1, ddof=1))
        counts.append(len(seeds))
    if not counts:
        return None
    mean, deviation = np.mean(means, 0), np.sqrt(np.mean(variances, 0))
    return max(counts), float(mean[0]), float(deviation[0]), float(mean[1]), float(deviation[1])


def _points(run: Ended) -> tuple[float, float]:
    """Return test accuracy and gap."""
    return 100 * float(run.right.mean()), 100 * (run.training_acc - run.validation_right / run.validation)


def questions(there: Mapping[str, Mapping[Run, Ended]], studies: int, resamples: int) -> str:
    """Return what the question of `make run` costs on average when it is asked until decided."""
    asked = {f"{name}, pool": found for name, runs in there.items() if (found := question(runs))}
    asked["the published study"] = published()
    rows = []
    for name, found in asked.items():
        n = found.accuracy.shape[-1]
        if n < FEWEST:
            continue
        rng = np.random.default_rng(list(name.encode()))
        mean = cost(rng, found, studies, FIXED)
        again = [cost(rng, found, max(studies // 8, 1), FIXED, rng.integers(n, size=n)).runs for _ in range(resamples)]
        used = [f"{mean.of_method[method]:.1f}" for method in METHODS]
        decided = [f"{share:.0f}" for share in (mean.decided, mean.decided_fixed)]
        rows.append([name, str(n), f"{mean.runs:.1f} \xb1{np.std(again, ddof=1):.1f}", *used, *decided])
    header = ["trainings", "seeds available", "runs", *(f"seeds of {method}" for method in METHODS), "decided, %",
              f"decided with {FIXED} seeds, %"]  # fmt: skip
    return table(header, rows) + (
        f"Means of {studies:,} studies of three methods and their three contrasts, each of which draws its {MAXIMUM} "
        f"seeds from the available ones, with repetition if there are fewer; a fixed {FIXED} seeds take "
        f"{FIXED * len(METHODS)} runs. *Decided*: contrasts with a word on both axes. The published study: three of "
        "its six methods on 5,000 images of CIFAR-10.\n"
    )


def published() -> Question:
    """Return the differences of the published study, of the methods of `make run`."""
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = {(row["label"], int(row["seed"])): row for row in csv.DictReader(file)}
    seeds = sorted({seed for _, seed in rows})
    found = {
        what: {method: np.array([100 * float(rows[method, seed][what]) for seed in seeds]) for method in METHODS}
        for what in ("test_acc", "gap")
    }
    accuracy, gap = (np.array([values[one] - values[other] for one, other in QUESTION]) for values in found.values())
    return Question(accuracy, gap, *PUBLISHED_IMAGES)


if __name__ == "__main__":
    main()
