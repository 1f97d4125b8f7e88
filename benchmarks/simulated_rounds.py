"""Tables of verdicts in rounds: read after every seed, until all is decided or a planned maximum is reached."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from simulated_noise import (
    DEVIATION,
    MARGIN,
    NOISES,
    QUIET,
    UNIT,
    Floats,
    Noise,
    claimed,
    generator,
    judged,
    long_tail,
    normal,
    percent,
    standard_error,
)
from tables import table

from overfitlab.stats import paired
from overfitlab.stats.findings import ALPHA, EQUIVALENT, HELPS, UNDECIDED
from overfitlab.stats.multiplicity import holm
from overfitlab.stats.rounds import Axis, Rounds
from overfitlab.stats.sequential import half_width, threshold

CAP = 40  # seeds at which a simulation without a maximum ends
ENDS = {"12": 12, "20": 20, "none": None}  # planned maxima
AT_ONCE = 4000  # studies, to bound memory
ROUND_NOISES = NOISES | {"skewed method, twice": Noise(normal, long_tail, ratio=2.0)}


def run_rounds(
    axes: Sequence[Floats], margins: Sequence[float], maximum: int | None, units: Sequence[float | None]
) -> tuple[list[NDArray[np.str_]], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the words on each axis, and the seeds used and whether still open by contrast, of [studies, contrasts, n].

    All rounds that the differences hold are read.
    """
    words: list[list[NDArray[np.str_]]] = [[] for _ in axes]
    used, still_open = [], []
    for start in range(0, len(axes[0]), AT_ONCE):
        some = [each[start : start + AT_ONCE] for each in axes]
        read = [Axis(each, margin, unit) for each, margin, unit in zip(some, margins, units, strict=True)]
        rounds = Rounds(read, maximum, ALPHA, holm(some[0].shape[-2]))
        for _ in range(some[0].shape[-1]):
            if not rounds.open.any():
                break
            rounds.read()
        for found, axis in zip(words, read, strict=True):
            found.append(axis.word)
        used.append(rounds.used)
        still_open.append(rounds.open)
    return [np.concatenate(each) for each in words], np.concatenate(used), np.concatenate(still_open)


def read_rounds(
    differences: Floats, maximum: int | None, margin: float = MARGIN, unit: float | None = UNIT
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return words and seeds used of contrasts [studies, contrasts, n] on one axis."""
    [words], used, _ = run_rounds([differences], [margin], maximum, [unit])
    return words, used


def length(maximum: int | None) -> int:
    """Return how many seeds are drawn."""
    return maximum or CAP


def of_rounds(simulations: int) -> int:
    """Return how many studies are simulated: a verdict in rounds is as many verdicts as rounds."""
    return max(simulations // 2, 1)


def false_in_rounds(simulations: int) -> str:
    """Return how often anything false is ever said, where no method does anything, and at the edge of the margin."""
    simulations, rows = of_rounds(simulations), []
    for name, noise in ROUND_NOISES.items():
        for contrasts in (3, 7):
            cells = []
            for end, maximum in ENDS.items():
                n = length(maximum)
                drawn = noise.differences(generator("rounds", name, contrasts, end), simulations, contrasts, n)
                found, _ = read_rounds(drawn, maximum, 0.0, None)  # no margin: nothing but p decides
                cells.append(percent(claimed(found).mean()))
            for end, maximum in ENDS.items():
                rng = generator("rounds edge", name, contrasts, end)
                # a method that is worse by the margin: what skewed noise hides
                drawn = noise.differences(rng, simulations, contrasts, length(maximum), deviation=QUIET, true=-MARGIN)
                found, _ = read_rounds(drawn, maximum, unit=noise.unit)
                cells.append(percent((found == EQUIVALENT).any(-1).mean()))
            rows.append([name, str(contrasts), *cells])
    header = [
        "noise", "contrasts", *(f"*helps* or *harms*: maximum {end}" for end in ENDS),
        *(f"*equivalent*: maximum {end}" for end in ENDS),
    ]  # fmt: skip
    return table(header, rows) + (
        f"In percent of {simulations:,} simulated studies in which anything false is said after any round; without a "
        f"maximum the simulation ends at {CAP} seeds. *Helps* or *harms*: no difference and no margin, standard "
        f"deviation {DEVIATION} points. *Equivalent*: all differ by -{MARGIN} points, the margin, standard deviation "
        f"{QUIET}. Simulated standard error {standard_error(0.05, simulations)} at 5 %. Nominal: at most 5.\n"
    )


FIXED = (7, 9, 12)


def cost_of_rounds(simulations: int) -> str:
    """Return power and seeds used beside a fixed number of seeds; one of three contrasts differs."""
    simulations, contrasts, rows = of_rounds(simulations), 3, []
    for deviation, true in ((1.1, 0.0), (1.1, 1.0), (1.1, 2.0), (1.1, 5.0), (0.6, 0.0), (0.6, 1.0), (0.6, 2.0)):
        right = HELPS if true else EQUIVALENT
        drawn = NOISES["normal"].differences(
            generator("cost", deviation, true), simulations, contrasts, CAP, deviation=deviation, true=(true, 0, 0)
        )
        cells = [percent((judged(drawn[..., :n])[:, 0] == right).mean(), 0) for n in FIXED]
        for maximum in ENDS.values():
            found, used = read_rounds(drawn[..., : length(maximum)], maximum)
            cells.append(f"{percent((found[:, 0] == right).mean(), 0)} / {used[:, 0].mean():.1f}")
        rows.append([f"{deviation}", f"{true:g}", *cells])
    header = [
        "SD", "true difference", *(f"fixed n = {n}" for n in FIXED), *(f"rounds, maximum {end}" for end in ENDS),
    ]  # fmt: skip
    return table(header, rows) + (
        f"Percent of {simulations:,} simulated studies of {contrasts} contrasts in which the first contrast, the only "
        f"one with a difference, *helps* (in the rows with true difference 0: is *equivalent*). For rounds, after the "
        f"slash: mean number of seeds used, of at most 12, 20 and {CAP}. One axis, normal noise; simulated "
        f"standard error at most {standard_error(0.5, simulations)}.\n"
    )


def runs_saved(simulations: int) -> str:
    """Return how many runs whole studies train, both axes, beside as many seeds for all."""
    simulations, rows = max(of_rounds(simulations) // 2, 1), []
    cases = [
        ("none differs", 1.1, 0.0, 0), ("none differs", 0.3, 0.0, 0), ("one differs by 2", 1.1, 2.0, 1),
        ("all differ by 2", 1.1, 2.0, None), ("all differ by 5", 1.1, 5.0, None), ("all differ by 2", 0.3, 2.0, None),
    ]  # fmt: skip
    for what, deviation, true, count in cases:
        for contrasts in (2, 3, 7):
            differing = contrasts if count is None else count
            effects = [true] * differing + [0.0] * (contrasts - differing)
            axes = [
                NOISES["normal"].differences(
                    generator("saved", what, deviation, contrasts, axis), simulations, contrasts, 20,
                    deviation=deviation, true=effects,
                )
                for axis in ("accuracy", "gap")
            ]  # fmt: skip
            cells = []
            for maximum in (12, 20):
                some = [each[..., :maximum] for each in axes]
                words, used, _ = run_rounds(some, (MARGIN, 2 * MARGIN), maximum, (UNIT, 2 * UNIT))
                runs = (used.sum(-1) + used.max(-1)).mean()
                full = (contrasts + 1) * maximum
                decided = np.mean([(found != UNDECIDED).mean() for found in words])
                cells += [f"{runs:.1f} of {full}", percent(1 - runs / full, 0), percent(decided, 0)]
            rows.append([what, f"{deviation}", str(contrasts), *cells])
    header = ["truth, on both axes", "SD", "contrasts"]
    header += [f"maximum {maximum}: {what}" for maximum in (12, 20) for what in ("runs", "saved, %", "decided, %")]
    return table(header, rows) + (
        f"Means over {simulations:,} simulated studies with one baseline; margins {MARGIN} and {2 * MARGIN:g} points, "
        "accuracy and gap independent, normal noise. *Decided*: percent of contrasts and axes with a word "
        "other than *undecided*.\n"
    )


def coverage_at_the_stop(simulations: int) -> str:
    """Return how often the always-valid interval, and Student's, hold the truth where a contrast stopped."""
    simulations, rows = of_rounds(simulations), []
    for true in (0.0, 1.0, 2.0):
        for end, maximum in ENDS.items():
            drawn = NOISES["normal"].differences(
                generator("stop", true, end), simulations, 1, length(maximum), deviation=1.1, true=true
            )
            _, used = read_rounds(drawn, maximum)
            stop = used[:, 0]
            holds, plain = [], []
            for n in np.unique(stop):
                values = drawn[stop == n, 0, :n]
                found = paired.estimate(values)
                half = half_width(n, threshold(ALPHA, maximum)) * found.deviation / np.sqrt(n)
                holds.append(np.abs(found.mean - true) <= half)
                plain.append((found.low <= true) & (true <= found.high))
            both = (np.concatenate(each).mean() for each in (holds, plain))
            rows.append([f"{true:g}", end, f"{stop.mean():.1f}", *map(percent, both)])
    return table(["true difference", "maximum", "mean n", "always-valid interval", "Student's t"], rows) + (
        f"Percent of {simulations:,} simulated contrasts whose nominal 95 % interval holds the true difference at the "
        f"round in which it was decided, or the last one. Standard deviation 1.1 points; simulated standard error "
        f"{standard_error(0.05, simulations)}.\n"
    )


TABLES: dict[str, Callable[[int], str]] = {
    "rounds_false": false_in_rounds,
    "rounds_cost": cost_of_rounds,
    "rounds_saved": runs_saved,
    "rounds_interval": coverage_at_the_stop,
}
