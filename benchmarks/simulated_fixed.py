"""Tables of a fixed number of seeds, and of planned looks."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from simulated_noise import (
    CONTRASTS,
    DEVIATION,
    IMAGES,
    MARGIN,
    NOISES,
    QUIET,
    SEEDS,
    Floats,
    claimed,
    covered,
    generator,
    judged,
    percent,
    standard_error,
)
from tables import table

from overfitlab.stats import paired
from overfitlab.stats.crossed import crossed
from overfitlab.stats.findings import ALPHA, EQUIVALENT, HARMS, HELPS, UNDECIDED
from overfitlab.stats.multiplicity import adjusted, holm
from overfitlab.stats.power import power_to_differ


def false_words(simulations: int) -> str:
    """Return how often any contrast is said to help or to harm where no method does anything."""
    rows = []
    for name, noise in NOISES.items():
        for n in SEEDS:
            drawn = [noise.differences(generator("false", name, n, k), simulations, k, n) for k in CONTRASTS]
            rates = [claimed(judged(each, margin)).mean() for margin in (MARGIN, 0.0) for each in drawn]
            rows.append([name, str(n), *map(percent, rates)])
    header = ["noise", "n", *(f"{k} contrasts" for k in CONTRASTS), *(f"{k}, no margin" for k in CONTRASTS)]
    return table(header, rows) + (
        f"In percent of {simulations:,} simulated studies; simulated standard error "
        f"{standard_error(0.05, simulations)} at 5 %. Nominal: at most 5. Standard deviation of the paired differences "
        f"{DEVIATION} points.\n"
    )


def false_directions(simulations: int) -> str:
    """Return which false word it is, where only the methods' noise is skewed, and what the sign-flip test would do."""
    contrasts, flipped = 3, max(simulations // 10, 1)
    rows = []
    for name in ("normal", "skewed method", "wild method"):
        for n in SEEDS:
            drawn = NOISES[name].differences(generator("direction", name, n), simulations, contrasts, n)
            found = judged(drawn)
            flips = adjusted(np.apply_along_axis(paired.sign_flip, -1, drawn[:flipped]), holm(contrasts))
            rates = [(found == HELPS).any(-1).mean(), (found == HARMS).any(-1).mean(), (flips <= ALPHA).any(-1).mean()]
            rows.append([name, str(n), *map(percent, rates)])
    return table(["noise", "n", "any false *helps*", "any false *harms*", "any sign-flip p of at most 5 %"], rows) + (
        f"In percent of {simulations:,} simulated studies of {contrasts} contrasts, margin {MARGIN}; simulated "
        f"standard error {standard_error(0.025, simulations)} at 2.5 %. The last column: {flipped:,} studies, adjusted "
        f"by Holm too, no margin; simulated standard error {standard_error(0.05, flipped)} at 5 %.\n"
    )


def coverage(simulations: int) -> str:
    """Return how often the t interval holds the true difference."""
    cases = [(name, noise, DEVIATION) for name, noise in NOISES.items()]
    cases.append((f"discrete, {QUIET} points", NOISES["discrete"], QUIET))
    rows = []
    for name, noise, deviation in cases:
        drawn = [
            noise.differences(generator("coverage", name, n), simulations, 1, n, deviation=deviation) for n in SEEDS
        ]
        rows.append([name, *(percent(covered(each).mean()) for each in drawn)])
    return table(["noise", *(f"n = {n}" for n in SEEDS)], rows) + (
        f"In percent of {simulations:,} intervals; simulated standard error {standard_error(0.05, simulations)}. "
        "Nominal: 95.\n"
    )


BOOTSTRAP_SEEDS = (3, 5, 8, 12)
RESAMPLES = 2000
BLOCK = 250  # intervals at once, to bound memory


def bootstraps(differences: Floats, levels: Sequence[float]) -> dict[tuple[str, float], tuple[Floats, Floats]]:
    """Return percentile and BCa intervals of the means of differences [many, n], by method and level."""
    found: dict[tuple[str, float], list[tuple[Floats, Floats]]] = {}
    rng = generator("resamples")
    for start in range(0, len(differences), BLOCK):
        done = None
        for level in levels:
            for method in ("percentile", "BCa"):
                done = stats.bootstrap(
                    (differences[start : start + BLOCK],), np.mean, axis=-1, confidence_level=level, method=method,
                    n_resamples=0 if done else RESAMPLES, bootstrap_result=done, rng=rng,
                )  # fmt: skip
                found.setdefault((method, level), []).append(done.confidence_interval)
    return {
        key: (np.concatenate([low for low, _ in each]), np.concatenate([high for _, high in each]))
        for key, each in found.items()
    }


def bootstrap(simulations: int) -> str:
    """Return coverage of three intervals, and how often any of three contrasts is said to differ if they decide."""
    simulations, contrasts = max(simulations // 8, 1), 3
    family, kinds = 1 - ALPHA / contrasts, ("t", "percentile", "BCa")
    rows = []
    for name in ("normal", "skewed", "wild method"):
        for n in BOOTSTRAP_SEEDS:
            drawn = NOISES[name].differences(generator("bootstrap", name, n), simulations, contrasts, n)
            intervals = bootstraps(drawn.reshape(-1, n), (1 - ALPHA, family))
            for level in (1 - ALPHA, family):
                found = paired.estimate(drawn.reshape(-1, n), level)
                intervals["t", level] = found.low, found.high
            holds = {key: (low <= 0) & (high >= 0) for key, (low, high) in intervals.items()}
            rows.append([
                name, str(n),
                *(percent(holds[kind, 1 - ALPHA].mean()) for kind in kinds),
                *(percent((~holds[kind, family].reshape(-1, contrasts)).any(-1).mean()) for kind in kinds),
            ])  # fmt: skip
    header = ["noise", "n", *(f"{what}: {kind}" for what in ("covers", "false") for kind in kinds)]
    return table(header, rows) + (
        f"*Covers*: nominal 95 %, in percent of {contrasts * simulations:,} intervals. *False*: percent of "
        f"{simulations:,} studies of {contrasts} contrasts without any difference in which some interval, at "
        f"{percent(family)} % (Bonferroni), excludes 0; nominal: at most 5. Simulated standard error about "
        f"{standard_error(0.15, contrasts * simulations)} at 85 % coverage, {standard_error(0.2, simulations)} at 20 % "
        f"false. {RESAMPLES:,} resamples.\n"
    )


def power(simulations: int) -> str:
    """Return how often a true difference is found, by simulation and as a study's plan computes it."""
    contrasts, differences = 3, (0.5, 1.0, 2.0)
    rows = []
    for deviation in (0.6, 1.2, 2.0):
        for n in SEEDS:
            cells = []
            for difference in differences:
                for true in ([difference, 0.0, 0.0], difference):
                    rng = generator("power", deviation, n, true)
                    drawn = NOISES["normal"].differences(rng, simulations, contrasts, n, deviation=deviation, true=true)
                    cells.append(percent((judged(drawn)[:, 0] == HELPS).mean(), 0))
                cells.append(percent(power_to_differ(difference, deviation, n, MARGIN, ALPHA, contrasts), 0))
            rows.append([f"{deviation}", str(n), *cells])
    header = ["SD", "n"]
    for difference in differences:
        header += [f"{difference:g}: one differs", "all differ", "planned"]
    return table(header, rows) + (
        f"Percent of {simulations:,} simulated studies in which the word is *helps*; normal noise; simulated standard "
        f"error at most {standard_error(0.5, simulations)}.\n"
    )


def words_by_difference(simulations: int) -> str:
    """Return how often each word is said, over true differences."""
    contrasts = 3
    rows = []
    for deviation in (QUIET, DEVIATION):
        for n in (6, 9, 12):
            for true in (0.0, 0.25, 0.5, 0.75, 1.0, 2.0):
                drawn = NOISES["normal"].differences(
                    generator("words", deviation, n, true), simulations, contrasts, n, deviation=deviation, true=true
                )
                found = judged(drawn)
                shares = [(found == word).mean() for word in (HELPS, EQUIVALENT, HARMS, UNDECIDED)]
                some = (found == EQUIVALENT).any(-1).mean()
                rows.append([f"{deviation}", str(n), f"{true:g}", *map(percent, shares), percent(some)])
    header = ["SD", "n", "true difference", "*helps*", "*equivalent*", "*harms*", "*undecided*", "any *equivalent*"]
    return table(header, rows) + (
        f"Percent of the contrasts of {simulations:,} simulated studies of {contrasts}, all with the same true "
        "difference; the last column: percent of the studies. Normal noise; simulated standard error at most "
        f"{standard_error(0.05, simulations)} at 5 %, {standard_error(0.5, simulations)} anywhere.\n"
    )


def falsely_equivalent(simulations: int) -> str:
    """Return how often a difference as large as the margin is called equivalent, at the worse of both edges."""
    rows = []
    for name, noise in NOISES.items():
        for n in SEEDS:
            cells = []
            for others in (MARGIN, 0.0):
                for contrasts in CONTRASTS:
                    rates = []
                    for edge in (MARGIN, -MARGIN):
                        at_edge = 1 if others == 0 else contrasts
                        true = [edge] * at_edge + [0.0] * (contrasts - at_edge)
                        rng = generator("edge", name, n, contrasts, others, edge)
                        drawn = noise.differences(rng, simulations, contrasts, n, deviation=QUIET, true=true)
                        found = judged(drawn, unit=noise.unit)
                        rates.append((found[:, :at_edge] == EQUIVALENT).any(-1).mean())
                    cells.append(percent(max(rates)))
            rows.append([name, str(n), *cells])
    header = ["noise", "n", *(f"all {k} at the edge" for k in CONTRASTS), *(f"one of {k}" for k in CONTRASTS)]
    return table(header, rows) + (
        f"Percent of {simulations:,} simulated studies in which a contrast with a true difference of +{MARGIN} or "
        f"-{MARGIN} points, whichever is worse, is called *equivalent*; in *one of k*, the other contrasts have "
        f"no difference. Standard deviation of the paired differences {QUIET} points; simulated standard error "
        f"{standard_error(0.05, simulations)} at 5 %. Nominal: at most 5.\n"
    )


def read_looks(
    differences: Floats, sizes: Sequence[int], margin: float, alpha: float
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.str_]]]:
    """Yield for each look which studies are still read, and their words; decided ones stop, as `compare` does."""
    reading = np.ones(len(differences), dtype=bool)
    for size in sizes:
        found = judged(differences[..., :size], margin, alpha)
        yield reading.copy(), found
        reading &= (found == UNDECIDED).any(-1)


def false_by_looks(
    differences: Floats, sizes: Sequence[int], margin: float, alpha: float, false: Callable[..., NDArray[np.bool_]]
) -> tuple[float, float]:
    """Return in what share of studies something false is said at the last look that is read, and at any of them."""
    last = np.zeros(len(differences), dtype=bool)
    ever = last.copy()
    for reading, found in read_looks(differences, sizes, margin, alpha):
        wrong = false(found)
        last = np.where(reading, wrong, last)
        ever |= reading & wrong
    return float(last.mean()), float(ever.mean())


def looks(simulations: int) -> str:
    """Return what two planned looks do to false words, and what looking without paying would do."""
    planned, each = (6, 12), tuple(range(3, 13))
    cases = [
        ("*helps* or *harms*", DEVIATION, MARGIN, 0.0, claimed),
        ("*helps* or *harms*, no margin", DEVIATION, 0.0, 0.0, claimed),
        ("*equivalent*, at the edge", QUIET, MARGIN, MARGIN, lambda found: (found == EQUIVALENT).any(-1)),
    ]
    rows = []
    for what, deviation, margin, true, false in cases:
        for contrasts in (1, 3, 7):
            drawn = NOISES["normal"].differences(
                generator("looks", what, contrasts), simulations, contrasts, planned[-1], deviation=deviation, true=true
            )
            ways = [(planned, ALPHA / 2), (planned, ALPHA), (each, ALPHA)]
            (last, paid), (_, unpaid), (_, every) = (
                false_by_looks(drawn, sizes, margin, alpha, false) for sizes, alpha in ways
            )
            rows.append([what, str(contrasts), *map(percent, (last, paid, unpaid, every))])
    header = [
        "false word", "contrasts", "6, 12 at 2.5 %: at the end of the study", "at either look",
        "6, 12 at 5 %: at either look", "after every seed from 3, at 5 %: at any look",
    ]  # fmt: skip
    return table(header, rows) + (
        f"Percent of {simulations:,} simulated studies; normal noise, {DEVIATION} points, at the edge {QUIET}; "
        f"simulated standard error {standard_error(0.05, simulations)} at 5 %. Nominal: at most 5.\n"
    )


RIGHT = 0.93  # of the images, on average
DIFFICULTY, CHANCE, OF_SEED = 1.5, 0.4, 0.06  # standard deviations: of images, of a run on an image, of runs
OF_IMAGE = {"none": 0.0, "moderate": 0.3, "strong": 0.6}  # how differently hard an image is for two methods


def right_or_wrong(rng: np.random.Generator, simulations: int, n: int, of_image: float) -> Iterator[Floats]:
    """Yield differences [n, images] in points between two runs that classify images rightly or wrongly.

    Whether an image is right depends on how hard it is, how hard it is for the method, on the run, and on chance. Both
    methods are alike over all images there could be, so the true difference is 0.
    """
    spread = np.sqrt(DIFFICULTY**2 + of_image**2 + OF_SEED**2 + CHANCE**2)
    for _ in range(simulations):
        ease = spread * stats.norm.ppf(RIGHT) + DIFFICULTY * rng.standard_normal((1, 1, IMAGES))
        ease = ease + of_image * rng.standard_normal((2, 1, IMAGES)) + OF_SEED * rng.standard_normal((2, n, 1))
        right = (ease + CHANCE * rng.standard_normal((2, n, IMAGES)) > 0).astype(np.float64)
        yield 100 * (right[0] - right[1])


def seeds_and_images(simulations: int) -> str:
    """Return coverage of the interval of seeds and images, and of seeds alone, for other seeds and other images."""
    simulations = max(simulations // 10, 1)
    rows = []
    for name, of_image in OF_IMAGE.items():
        for n in (3, 6, 9):
            both, alone, by_seed, by_image = [], [], [], []
            for values in right_or_wrong(generator("crossed", name, n), simulations, n, of_image):
                found, seeds = crossed(values), paired.estimate(values.mean(1))
                both.append(found is not None and found.low <= 0 <= found.high)  # no interval holds nothing
                alone.append(seeds.low <= 0 <= seeds.high)
                by_seed.append(seeds.deviation**2)
                by_image.append(found.image_deviation**2 if found else 0.0)
            noise = [f"{np.sqrt(np.mean(each)):.2f}" for each in (by_seed, by_image)]
            rows.append([name, str(n), *noise, percent(np.mean(both)), percent(np.mean(alone))])
    header = [
        "image noise", "n seeds", "SD of a seed's difference", "SD from images", "covers: seeds and images",
        "seeds alone",
    ]  # fmt: skip
    return table(header, rows) + (
        f"Nominal 95 %, in percent of {simulations:,} simulated contrasts on {IMAGES} test images, right or wrong, "
        f"{percent(RIGHT, 0)} % right; simulated standard error {standard_error(0.05, simulations)} at 95 %. SD in "
        "points, as estimated.\n"
    )


TABLES: dict[str, Callable[[int], str]] = {
    "false": false_words,
    "directions": false_directions,
    "coverage": coverage,
    "bootstrap": bootstrap,
    "power": power,
    "words": words_by_difference,
    "edge": falsely_equivalent,
    "looks": looks,
    "crossed": seeds_and_images,
}
