"""Tables of what corrects the verdict: each shows what happens without the correction, and with it."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats
from simulated_noise import (
    DEVIATION,
    MARGIN,
    NOISES,
    Floats,
    claimed,
    covered,
    generator,
    judged,
    percent,
    standard_error,
)
from simulated_rounds import read_rounds
from tables import table

from overfitlab.stats import paired
from overfitlab.stats.findings import ALPHA, EQUIVALENT, HELPS
from overfitlab.stats.multiplicity import adjusted, holm, shaffer
from overfitlab.stats.power import power_to_differ

FEW_IMAGES, FEW_SEEDS = (20, 50, 100, 359, 10_000), (3, 5, 7, 9, 12)
NO_FLOOR = 1e-15  # points an image: as good as none, and p = 0 where no seed differs


def steady(rng: np.random.Generator, simulations: int, images: int, n: int, contrasts: int = 3) -> Floats:
    """Return differences of methods that miss more images than a baseline that never varies: half a point on average.

    How many is Poisson's number. So few images often show no difference in any seed.
    """
    return -100 / images * rng.poisson(MARGIN * images / 100, (simulations, contrasts, n))


def few_images(simulations: int) -> str:
    """Return how often a method that is worse by the margin is called equivalent, with and without the floor."""
    rows = []
    for images in FEW_IMAGES:
        for n in FEW_SEEDS:
            drawn = steady(generator("few", images, n), simulations, images, n)
            cells = []
            for unit in (NO_FLOOR, 100 / images):
                alone = judged(drawn[:, :1], unit=unit) == EQUIVALENT
                any_of = (judged(drawn, unit=unit) == EQUIVALENT).any(-1)
                cells += [percent(alone.mean()), percent(any_of.mean())]
            rows.append([f"{images:,}", str(n), *cells])
        longest = steady(generator("few", images, "rounds"), simulations, images, 12)
        cells = []
        for unit in (NO_FLOOR, 100 / images):
            for drawn in (longest[:, :1], longest):
                found, _ = read_rounds(drawn, 12, unit=unit)
                cells.append(percent((found == EQUIVALENT).any(-1).mean()))
        rows.append([f"{images:,}", "rounds to 12", *cells])
    header = [
        "images", "n", "no floor: one contrast", "any of three", "with the floor: one contrast", "any of three",
    ]  # fmt: skip
    return table(header, rows) + (
        f"In percent of {simulations:,} simulated studies in which *equivalent* is said of a method whose misses "
        f"are Poisson distributed, {MARGIN} points more on average than those of a baseline without noise; simulated "
        f"standard error {standard_error(0.05, simulations)} at 5 %. Nominal: at most 5.\n"
    )


WITHIN, ONSET = -0.5, 0.3  # correlations: accuracy with gap, the end with the onset


def words_on_axes(simulations: int) -> str:
    """Return how often anything false is said, by the axes that have words."""
    contrasts, rows = 3, []
    two = np.array([[1, WITHIN], [WITHIN, 1]])
    mixing = np.linalg.cholesky(np.kron(np.array([[1, ONSET], [ONSET, 1]]), two))
    for n in (3, 7, 12):
        rng = generator("axes", n)
        independent = np.stack([NOISES["normal"].differences(rng, simulations, contrasts, n) for _ in mixing])
        axes = np.einsum("ij,j...->i...", mixing, independent)
        false = [claimed(judged(each, 0.0)) for each in axes]
        rows.append([str(n), *(percent(np.any(false[:count], axis=0).mean()) for count in (1, 2, 4))])
    return table(["n", "accuracy", "and gap", "and both at the onset"], rows) + (
        f"In percent of {simulations:,} simulated studies of {contrasts} contrasts in which any false *helps* or "
        f"*harms* is said, no margin. Normal noise, correlated by {WITHIN} between accuracy and gap, by {ONSET} "
        f"between end and onset; simulated standard error {standard_error(0.1, simulations)} at 10 %.\n"
    )


def winners(differences: Floats, true: Floats) -> tuple[Floats, Floats]:
    """Return of each study that has one which method is picked, and its differences [studies, n]."""
    found = judged(differences)
    means = np.where(found == HELPS, differences.mean(-1), -np.inf)
    picked = means.argmax(-1)
    some = np.isfinite(means.max(-1))
    return true[picked[some]], differences[np.flatnonzero(some), picked[some]]


def winners_curse(simulations: int) -> str:
    """Return how much too large the estimate of the picked method is, and how often its interval holds the truth."""
    cases = {
        "1.2, 1.2, 1.2": (1.2,) * 3,
        "1.2, 0.6, 0": (1.2, 0.6, 0.0),
        "2.4, 2.4, 2.4": (2.4,) * 3,
        "seven of 1.2": (1.2,) * 7,
    }
    rows = []
    for name, effects in cases.items():
        for n in (7, 12):
            rng = generator("curse", name, n)
            true = np.array(effects)
            drawn = NOISES["normal"].differences(rng, simulations, len(true), n, true=effects)
            truth, picked = winners(drawn, true)
            bias = (picked.mean(-1) - truth).mean()
            holds = covered(picked - truth[:, None]).mean()
            fresh = rng.normal(truth[:, None], DEVIATION, (len(truth), n))
            rows.append([
                name, str(n), percent(len(truth) / simulations, 0), f"{bias:+.2f}", percent(holds),
                f"{(fresh.mean(-1) - truth).mean():+.2f}", percent(covered(fresh - truth[:, None]).mean()),
            ])  # fmt: skip
    header = [
        "true differences", "n", "one is picked", "bias of its estimate", "its interval covers", "fresh seeds: bias",
        "covers",
    ]  # fmt: skip
    return table(header, rows) + (
        f"{simulations:,} simulated studies; the last four columns are for those in which some method *helps*: points, "
        f"and percent of nominally 95 % intervals. Standard deviation {DEVIATION} points; simulated standard error of "
        f"a coverage at most {standard_error(0.1, max(simulations // 10, 1))}.\n"
    )


def coverage_with_more(n: int, ratio: float) -> float:
    """Return the coverage of a nominal 95 % t interval whose mean varies more, by this ratio of standard deviations."""
    return float(1 - 2 * stats.t.sf(stats.t.ppf(1 - ALPHA / 2, n - 1) / ratio, n - 1))


OVERLAPS, SHARES = (0.04, 0.2, 0.4, 0.7), (0.25, 0.5, 0.75)


def pool_ratio(n: int, overlap: float, share: float) -> float:
    """Return by how much more the mean varies from pool to pool than the seeds of one pool show.

    `overlap` is the share of training images that two seeds have in common, `share` the part of the paired variance
    that is due to which images train: the differences of two seeds are correlated by their product.
    """
    correlation = overlap * share
    return float(np.sqrt((1 + (n - 1) * correlation) / (1 - correlation)))


def other_pools(_: int) -> str:
    """Return the coverage for other training images, by formula."""
    rows = [
        [percent(overlap, 0), percent(share, 0),
         *(percent(coverage_with_more(n, pool_ratio(n, overlap, share))) for n in (3, 7, 12))]
        for overlap in OVERLAPS for share in SHARES
    ]  # fmt: skip
    header = ["overlap of two seeds, %", "of the variance, %", *(f"n = {n}" for n in (3, 7, 12))]
    return table(header, rows) + "Percent covered by the nominal 95 % interval; by formula, for normal noise.\n"


IMAGE_NOISES = (0.1, 0.3, 0.5, 1.0, 2.0)


def other_images(_: int) -> str:
    """Return the coverage of the interval of seeds for other test images, by formula."""
    rows = [
        [f"{noise}", *(percent(coverage_with_more(n, np.sqrt(1 + noise**2))) for n in (3, 7, 12, 40))]
        for noise in IMAGE_NOISES
    ]
    header = ["image noise / seed noise", *(f"n = {n}" for n in (3, 7, 12, 40))]
    return table(header, rows) + (
        "Percent covered by the nominal 95 % interval of seeds alone; both noises are standard deviations of the mean. "
        "By formula, for normal noise.\n"
    )


def plan(simulations: int) -> str:
    """Return the power to find 2 points with 7 seeds, by the true standard deviation."""
    contrasts, n, rows = 3, 7, []
    for deviation in (0.6, 0.9, 1.1, 1.4, 1.6, 2.1, 3.0):
        drawn = NOISES["normal"].differences(
            generator("plan", deviation), simulations, contrasts, n, deviation=deviation, true=(2.0, 0, 0)
        )
        simulated = (judged(drawn)[:, 0] == HELPS).mean()
        computed = power_to_differ(2.0, deviation, n, MARGIN, ALPHA, contrasts)
        rows.append([f"{deviation}", percent(computed, 0), percent(simulated, 0)])
    low, high = (np.sqrt((n - 1) / stats.chi2.ppf(level, n - 1)) for level in (0.95, 0.05))
    return table(["true SD", "planned", "simulated"], rows) + (
        f"Percent of {simulations:,} simulated studies of {n} seeds and {contrasts} contrasts, in which the one that "
        f"differs, by 2 points, *helps*. A standard deviation seen in {n} seeds may truly be {low:.2f} to {high:.2f} "
        "times as large (90 %).\n"
    )


TRIANGLE = (("a", "none"), ("b", "none"), ("a", "b"))


def triangle(simulations: int, effects: Sequence[float], n: int) -> Floats:
    """Return differences of the three pairs of three methods, the first of which is the baseline."""
    rng = generator("triangle", effects, n)
    runs = rng.standard_normal((3, simulations, n)) * DEVIATION / np.sqrt(2)
    one, other = runs[1] + effects[0], runs[2] + effects[1]
    return np.stack([one - runs[0], other - runs[0], one - other], axis=1)


def multipliers(simulations: int) -> str:
    """Return power and family-wise error of Shaffer's multipliers beside Holm's, for three pairs of three methods."""
    rows = []
    for effects in ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (2.0, 1.0), (3.0, 1.5)):
        for n in (7, 12):
            drawn = triangle(simulations, effects, n)
            p = paired.estimate(drawn).p
            truth = np.array([*effects, effects[0] - effects[1]])
            cells = []
            for kind in (holm(3), shaffer(TRIANGLE)):
                found = adjusted(p, kind) <= ALPHA
                wrong = found[:, truth == 0].any(-1).mean() if (truth == 0).any() else None
                cells += ["" if wrong is None else percent(wrong)]
                cells += [percent(found[:, truth != 0].mean(), 0) if (truth != 0).any() else ""]
            rows.append([f"{effects[0]:g} and {effects[1]:g}", str(n), *cells])
    header = ["true differences", "n", "Holm: false", "found", "Shaffer: false", "found"]
    return table(header, rows) + (
        f"Percent of {simulations:,} simulated studies in which the adjusted p is at most 5 % for some pair without a "
        "difference (*false*), and percent of the pairs with a difference that are found. Standard deviation "
        f"{DEVIATION} points; simulated standard error {standard_error(0.05, simulations)} at 5 %, at most "
        f"{standard_error(0.5, simulations)}.\n"
    )


TABLES: dict[str, Callable[[int], str]] = {
    "few_images": few_images,
    "axes": words_on_axes,
    "curse": winners_curse,
    "pools": other_pools,
    "other_images": other_images,
    "plan": plan,
    "multipliers": multipliers,
}
