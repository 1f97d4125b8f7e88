"""Tables of verdicts on runs of others that share no seeds: Welch's test, the gate, its ledger, and pairs in order."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from simulated_noise import (
    DEVIATION,
    MARGIN,
    QUIET,
    UNIT,
    Draw,
    Floats,
    generator,
    heavy_tail,
    long_tail,
    normal,
    percent,
    standard_error,
)
from simulated_rounds import CAP, ENDS, length, of_rounds, read_rounds
from tables import table

from overfitlab.interop.gate import p_not_worse
from overfitlab.records.ledger import level_of
from overfitlab.stats import sequential, unpaired
from overfitlab.stats.findings import ALPHA, EQUIVALENT, HARMS, HELPS
from overfitlab.stats.multiplicity import adjusted, holm
from overfitlab.stats.paired import least_noise
from overfitlab.stats.rounds import Axis, Rounds

ARMS = ((3, 3), (5, 5), (3, 10), (10, 3), (5, 15))  # runs of the method, and of the baseline
ATTEMPTS = 100  # in a ledger
LEDGERS = 1000
FEW = 359  # images of a small test set
SPREADS: dict[str, tuple[Draw, Draw, float]] = {  # noise of baseline and method, and how much more the method varies
    "normal": (normal, normal, 1.0),
    "normal, method twice": (normal, normal, 2.0),
    "normal, method 4 times": (normal, normal, 4.0),
    "normal, method a quarter": (normal, normal, 0.25),
    "heavy-tailed": (heavy_tail, heavy_tail, 1.0),
    "skewed": (long_tail, long_tail, 1.0),
    "skewed method": (normal, long_tail, 1.0),
    "skewed method, twice": (normal, long_tail, 2.0),
}


def arms(
    name: str, rng: np.random.Generator, shape: tuple[int, ...], n: int, against: int, deviation: float, true: float
) -> tuple[Floats, Floats]:
    """Return values [*shape, n] of a method that is better by `true`, and [*shape, against] of a baseline, in points.

    `deviation` is that of the difference between one run of each.
    """
    baseline, method, ratio = SPREADS[name]
    scale = deviation / np.sqrt(1 + ratio**2)
    return true + scale * ratio * method(rng, (*shape, n)), scale * baseline(rng, (*shape, against))


def claims(values: Floats, against: Floats, alpha: float | Floats) -> NDArray[np.bool_]:
    """Return where two arms are said to differ, without a margin."""
    return np.asarray(unpaired.estimate(values, against).p <= alpha)


def not_worse(values: Floats, against: Floats, unit: float, margin: float = MARGIN) -> Floats:
    """Return the gate's p of *not worse* of two arms."""
    found = unpaired.estimate(values, against)
    error = np.sqrt(values.var(-1, ddof=1) / values.shape[-1] + against.var(-1, ddof=1) / against.shape[-1])
    return p_not_worse(found.mean, error, values.shape[-1], against.shape[-1], margin, least_noise(margin, unit))


def two_arms(simulations: int) -> str:
    """Return how often each word is false of two arms, by Welch's test and the gate."""
    rows = []
    for name in SPREADS:
        for n, against in ARMS:
            cells = []
            drawn = arms(name, generator("arms", name, n, against), (simulations,), n, against, DEVIATION, 0.0)
            cells.append(percent(claims(*drawn, ALPHA).mean()))
            drawn = arms(name, generator("edge", name, n, against), (simulations,), n, against, QUIET, -MARGIN)
            cells.append(percent((unpaired.equivalence(*drawn, MARGIN, UNIT) <= ALPHA).mean()))
            cells.append(percent((not_worse(*drawn, UNIT) <= ALPHA).mean()))
            misses = generator("few", name, n, against).poisson(MARGIN * FEW / 100, (simulations, n))
            few = -misses * 100 / FEW, np.zeros((simulations, against))  # a baseline without noise
            cells.append(percent((not_worse(*few, 100 / FEW) <= ALPHA).mean()))
            rows.append([name, f"{n} / {against}", *cells])
    header = ["noise", "runs", "*helps* or *harms*", "*equivalent*", "*not worse*", f"*not worse*, {FEW} images"]
    return table(header, rows) + (
        f"In percent of {simulations:,} simulated contrasts of two arms; *runs*: of the method / of the baseline. "
        f"*Helps* or *harms*: no difference and no margin; standard deviation of a difference of two runs "
        f"{DEVIATION} points. *Equivalent* and *not worse*: worse by the margin, {MARGIN} points, standard deviation "
        f"{QUIET}; the last column: a method whose misses are Poisson distributed, {MARGIN} points more on average "
        f"than those of a baseline without noise. Simulated standard error {standard_error(0.05, simulations)} at 5 %. "
        "Nominal: at most 5.\n"
    )


def in_order(simulations: int) -> str:
    """Return how often anything false is said of three methods whose runs are paired with the baseline's by order."""
    simulations, contrasts, rows = of_rounds(simulations), 3, []
    for name in SPREADS:
        cells = []
        for deviation, true, margin, words in (
            (DEVIATION, 0.0, 0.0, (HELPS, HARMS)), (QUIET, -MARGIN, MARGIN, (EQUIVALENT,)),
        ):  # fmt: skip
            for end, maximum in ENDS.items():
                n, rng = length(maximum), generator("order", name, end, true)
                method, baseline = arms(name, rng, (simulations, contrasts), n, n, deviation, true)
                unit = UNIT if margin else None
                found, _ = read_rounds(method - baseline[:, :1], maximum, margin, unit)
                cells.append(percent(np.isin(found, words).any(-1).mean()))
        cells.append(percent(order_drawn_anew(name, max(simulations // 5, 1), 12)))
        rows.append([name, *cells])
    header = [
        "noise", *(f"*helps* or *harms*: maximum {end}" for end in ENDS),
        *(f"*equivalent*: maximum {end}" for end in ENDS), "order drawn anew at every reading: maximum 12",
    ]  # fmt: skip
    return table(header, rows) + (
        f"In percent of {simulations:,} simulated questions of {contrasts} methods and a baseline, in which anything "
        f"false is said after any round; drawn as for two arms, without a maximum to {CAP} runs. The last column: "
        f"{max(simulations // 5, 1):,} questions of one method, *helps* or *harms*, whose runs are in a new random "
        f"order at every reading. Simulated standard error {standard_error(0.05, simulations)} at 5 %, in the last "
        f"column {standard_error(0.05, max(simulations // 5, 1))}. Nominal: at most 5.\n"
    )


def order_drawn_anew(name: str, simulations: int, maximum: int) -> float:
    """Return how often a difference is claimed where the order of pairs is another one at every reading."""
    rng = generator("anew", name)
    method, baseline = arms(name, rng, (simulations, 1), maximum, maximum, DEVIATION, 0.0)
    ever = np.zeros(simulations, dtype=bool)
    for n in range(sequential.FEWEST, maximum + 1):
        some = [rng.permuted(each[..., :n], axis=-1) for each in (method, baseline)]
        found, _ = read_rounds(some[0] - some[1], maximum, 0.0, None)
        ever |= np.isin(found, (HELPS, HARMS)).any(-1)
    return float(ever.mean())


def of_ledgers(_: int) -> str:
    """Return how many ledgers of attempts that do nothing, or are worse by the margin, ever show a claim."""
    levels = np.array([level_of(attempt, ALPHA) for attempt in range(1, ATTEMPTS + 1)])
    rows = []
    for name in SPREADS:
        for n, against in ((3, 3), (5, 5), (3, 10)):
            rng = generator("ledger", name, n, against)
            shape = (LEDGERS, ATTEMPTS)
            none = arms(name, rng, shape, n, against, DEVIATION, 0.0)
            better = unpaired.estimate(*none).mean > 0
            helped = (better & claims(*none, levels)).any(-1).mean()
            naive = (better & claims(*none, ALPHA)).any(-1).mean()
            worse = arms(name, rng, shape, n, against, QUIET, -MARGIN)
            shown = (not_worse(*worse, UNIT) <= levels).any(-1).mean()
            rows.append([name, f"{n} / {against}", percent(helped), percent(shown), percent(naive, 0)])
        rows.append([name, "in rounds, 12", *in_rounds(name, levels)])
    header = ["noise", "runs", "*helps*", "*not worse*", "*helps* without a ledger"]
    return table(header, rows) + (
        f"Percent of {LEDGERS:,} simulated ledgers in which any of {ATTEMPTS} attempts, each with runs of its own, "
        f"shows something false: *helps* for a method that does nothing, or *not worse* for one that is worse by the "
        f"margin. In rounds: pairs in order, read after each of 12. Simulated standard error "
        f"{standard_error(0.05, LEDGERS)} at 5 %. Nominal: at most 5.\n"
    )


def in_rounds(name: str, levels: Floats) -> list[str]:
    """Return the same three of pairs in order, read after every one to 12."""
    maximum, rng = 12, generator("ledger", name, "rounds")
    helped, shown, naive = (np.zeros(LEDGERS, dtype=bool) for _ in range(3))
    for level in levels:
        method, baseline = arms(name, rng, (LEDGERS, 1), maximum, maximum, DEVIATION, 0.0)
        axis = Axis(method - baseline, 0.0, None)
        rounds = Rounds([axis], maximum, 1e-300, holm(1))  # never decided, so that the largest evidence is kept
        for _ in range(maximum):
            rounds.read()
        better = (method - baseline).mean(-1)[:, 0] > 0
        helped |= better & (axis.p[:, 0] <= level)
        naive |= better & (axis.p[:, 0] <= ALPHA)
        method, baseline = arms(name, rng, (LEDGERS, 1), maximum, maximum, QUIET, -MARGIN)
        axis = Axis(method - baseline, MARGIN, UNIT)
        rounds = Rounds([axis], maximum, 1e-300, holm(1))
        for _ in range(maximum):
            rounds.read()
        shown |= sequential.p_of_maximum(axis.above[:, 0], maximum, sequential.ONE_SIDED) <= level
    return [percent(helped.mean()), percent(shown.mean()), percent(naive.mean(), 0)]


def family_of_arms(values: Floats, against: Floats, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Return in which questions [questions, contrasts, n] of several arms anything is claimed, adjusted by Holm."""
    p = adjusted(unpaired.estimate(values, against).p, holm(values.shape[-2]))
    return np.asarray((p <= alpha).any(-1))


def several_arms(simulations: int) -> str:
    """Return how often anything false is said of three or seven methods beside one baseline, none of them paired."""
    rows = []
    for name in SPREADS:
        for n, against in ARMS:
            cells = []
            for contrasts in (3, 7):
                rng = generator("family", name, n, against, contrasts)
                method, baseline = arms(name, rng, (simulations, contrasts), n, against, DEVIATION, 0.0)
                cells.append(percent(family_of_arms(method, baseline[:, :1]).mean()))
            rows.append([name, f"{n} / {against}", *cells])
    return table(["noise", "runs", "3 contrasts", "7 contrasts"], rows) + (
        f"In percent of {simulations:,} simulated questions in which any method is said to differ from the baseline "
        f"that all share, no margin. Simulated standard error {standard_error(0.05, simulations)} at 5 %. Nominal: at "
        f"most 5.\n"
    )


TABLES: dict[str, Callable[[int], str]] = {
    "others_arms": two_arms,
    "others_family": several_arms,
    "others_order": in_order,
    "others_ledger": of_ledgers,
}
