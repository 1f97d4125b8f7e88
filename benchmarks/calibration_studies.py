"""Studies drawn from a pool of real trainings, in which it is known what is true, and what the procedure says of them.

In a null study every method is a copy of one and the same method; seeds, and who is which copy, are drawn anew for each
study. A true difference is made by turning right answers wrong, at random, of so many images as make it up on average.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from calibration_pool import METHODS, Ended, Run
from numpy.typing import NDArray

from overfitlab.stats import paired
from overfitlab.stats.findings import ALPHA, EQUIVALENT, HARMS, HELPS, words
from overfitlab.stats.multiplicity import adjusted, holm, shaffer
from overfitlab.stats.rounds import Axis, Rounds

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Words = NDArray[np.str_]
MARGINS = (0.5, 1.0)  # of test accuracy and gap, in points
MAXIMUM = 12  # seeds, of a verdict in rounds
QUESTION = (("dropout", "none"), ("batch_norm", "none"), ("batch_norm", "dropout"))  # of `make run`
AT_ONCE = 500  # studies, to bound memory


@dataclass(frozen=True)
class Copies:
    """All runs of one method of a pool, at the seeds at which every copy is there."""

    right: NDArray[np.bool_]  # [seeds, copies, images], of the test images
    training: Floats  # [seeds, copies], percent
    validation: Whole  # [seeds, copies], right ones
    validation_images: int

    @property
    def seeds(self) -> int:
        """How many there are."""
        return len(self.right)

    @property
    def gap(self) -> Floats:
        """Training less validation accuracy [seeds, copies], in points."""
        return self.training - 100 * self.validation / self.validation_images


def copies_of(
    there: Mapping[Run, Ended], method: str, copies: int, seeds: Sequence[int] | None = None
) -> Copies | None:
    """Return the first copies of a method at the given seeds, or all that have them; None where no seed does."""
    if seeds is None:
        known = {seed for seed, *_ in there}
        seeds = [seed for seed in sorted(known) if all((seed, copy, method) in there for copy in range(copies))]
    if not seeds or not copies:
        return None
    found = [[there[seed, copy, method] for copy in range(copies)] for seed in seeds]
    return Copies(
        np.array([[run.right for run in each] for each in found]),
        np.array([[100 * run.training_acc for run in each] for each in found]),
        np.array([[run.validation_right for run in each] for each in found]),
        found[0][0].validation,
    )


@dataclass(frozen=True)
class Studies:
    """What runs of drawn studies did: one baseline, and methods that it is compared with."""

    right: Whole  # [studies, 1 + methods, seeds], test images, the baseline first
    expected: Floats  # [studies], how many the method gets right on average
    images: int
    training: Floats  # [studies, 1 + methods, seeds], percent
    validation: Whole
    validation_expected: float
    validation_images: int


def drawn(
    rng: np.random.Generator, pool: Copies, studies: int, contrasts: int, images: int | None, seeds: Whole
) -> Studies:
    """Return null studies of up to `MAXIMUM` of the given seeds, on `images` test images that each study draws."""
    n = min(MAXIMUM, len(seeds))
    copies, all_images = pool.right.shape[1:]
    at = seeds[rng.random((studies, len(seeds))).argsort(-1)[:, :n]][:, None, :]  # [studies, 1, seeds]
    who = rng.random((studies, n, copies)).argsort(-1)[..., : contrasts + 1].swapaxes(1, 2)
    by_image = pool.right.mean((0, 1))
    if images is None:
        images = all_images
        right, expected = pool.right.sum(-1)[at, who], np.full(studies, by_image.sum())
    else:
        shown = rng.random((studies, all_images)).argsort(-1)[:, :images]
        right = np.concatenate([
            pool.right[at[some, ..., None], who[some, ..., None], shown[some, None, None]].sum(-1)
            for some in (slice(start, start + AT_ONCE) for start in range(0, studies, AT_ONCE))
        ])  # fmt: skip
        expected = by_image[shown].sum(-1)
    validation = pool.validation[at, who]
    return Studies(
        right, expected, images, pool.training[at, who], validation, float(pool.validation.mean()),
        pool.validation_images,
    )  # fmt: skip


def differences(
    rng: np.random.Generator, studies: Studies, lost: Sequence[float], gained: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return paired differences [studies, contrasts, seeds] of test accuracy and of the gap, in points.

    Each method has `lost` points of test accuracy to the baseline, and `gained` as many of the gap: true differences.
    """
    right, validation = studies.right[:, 1:], studies.validation[:, 1:]
    share = np.asarray(lost)[:, None] * studies.images / (100 * studies.expected[:, None, None])
    wrong = rng.binomial(right, np.broadcast_to(share, right.shape))
    share_of_gap = np.asarray(gained)[:, None] * studies.validation_images / (100 * studies.validation_expected)
    wrongly_validated = rng.binomial(validation, np.broadcast_to(share_of_gap, validation.shape))
    accuracy = 100 * (right - wrong - studies.right[:, :1]) / studies.images
    gap = studies.training[:, 1:] - 100 * (validation - wrongly_validated) / studies.validation_images
    gap -= studies.training[:, :1] - 100 * studies.validation[:, :1] / studies.validation_images
    return np.round(accuracy, 9), np.round(gap, 9)


def axes(studies: Studies, accuracy: Floats, gap: Floats) -> list[Axis]:
    """Return both axes as a verdict asks of them."""
    units = 100 / studies.images, 100 / studies.validation_images
    return [
        Axis(values, margin, unit, smaller_is_better=smaller)
        for values, margin, unit, smaller in zip((accuracy, gap), MARGINS, units, (False, True), strict=True)
    ]


def fixed(axis: Axis, n: int, multipliers: Sequence[int] | None = None) -> Words:
    """Return the words [..., contrasts] of one axis after n seeds, as `findings` gives them."""
    values = axis.differences[..., :n]
    found, count = paired.estimate(values), holm(values.shape[-2])
    same = adjusted(paired.equivalence(values, axis.margin, axis.unit or 0.0), count)
    sign = -1 if axis.smaller_is_better else 1
    return words(sign * found.mean, adjusted(found.p, multipliers or count), same, axis.margin, ALPHA)


def until_decided(both: Sequence[Axis], multipliers: Sequence[int]) -> Rounds:
    """Read all rounds that there can be."""
    maximum = both[0].differences.shape[-1]
    rounds = Rounds(both, maximum, ALPHA, multipliers)
    for _ in range(maximum):
        rounds.read()
    return rounds


def differs(found: Words) -> NDArray[np.bool_]:
    """Return where it is said that a method helps or harms."""
    return (found == HELPS) | (found == HARMS)


Rates = dict[tuple[str, int | str], float]  # what, and after how many seeds, or "until"
ACCURACY, GAP = "accuracy", "gap"
FALSE_DIFFERENCE, FALSE_EQUIVALENT, POWER, USED = "false difference", "false equivalent", "power", "used"
TRUE = (1.0, 2.0)  # points of test accuracy that the first method loses


def rates(
    rng: np.random.Generator,
    pool: Copies,
    studies: int,
    contrasts: int,
    images: int | None,
    sizes: Sequence[int],
    seeds: Whole | None = None,
) -> Rates:
    """Return how often the procedure is wrong, in percent of drawn studies, and how often it finds what is true."""
    drawn_studies = drawn(rng, pool, studies, contrasts, images, np.arange(pool.seeds) if seeds is None else seeds)
    none, found = [0.0] * contrasts, Rates()

    def count(what: str, lost: Sequence[float], gained: Sequence[float], word: str, among: slice) -> None:
        both = axes(drawn_studies, *differences(rng, drawn_studies, lost, gained))
        said: dict[int | str, list[Words]] = {n: [fixed(axis, n) for axis in both] for n in sizes}
        rounds = until_decided(both, holm(contrasts))
        said["until"] = [axis.word for axis in both]
        for n, by_axis in said.items():
            for name, of_axis in zip((ACCURACY, GAP), by_axis, strict=True):
                hits = of_axis == EQUIVALENT if word == EQUIVALENT else differs(of_axis)
                found[f"{what} {name}", n] = 100 * float(hits[..., among].any(-1).mean())
        found[f"{what} {USED}", "until"] = float(rounds.used[..., among].mean())

    everyone = slice(None)
    count(FALSE_DIFFERENCE, none, none, HARMS, everyone)
    count(FALSE_EQUIVALENT, [MARGINS[0]] * contrasts, [MARGINS[1]] * contrasts, EQUIVALENT, everyone)
    for points in TRUE:
        count(f"{POWER} {points:g}", [points, *none[1:]], none, HARMS, slice(1))
    return found


def with_errors(
    rng: np.random.Generator,
    pool: Copies,
    studies: int,
    contrasts: int,
    images: int | None,
    sizes: Sequence[int],
    resamples: int,
) -> tuple[Rates, Rates]:
    """Return the rates, and their standard errors by a bootstrap over the seeds of the pool (with that of drawing)."""
    estimate = rates(rng, pool, studies, contrasts, images, sizes)
    again = [
        rates(rng, pool, max(studies // 8, 1), contrasts, images, sizes, rng.integers(pool.seeds, size=pool.seeds))
        for _ in range(resamples)
    ]
    return estimate, {key: float(np.std([each[key] for each in again], ddof=1)) for key in estimate}


@dataclass(frozen=True)
class Question:
    """The paired differences of `make run` [contrasts, seeds] on both axes, and the images behind them."""

    accuracy: Floats
    gap: Floats
    test_images: int
    validation_images: int


@dataclass(frozen=True)
class Cost:
    """What a study of three methods costs on average when it is asked until decided."""

    runs: float
    of_method: Mapping[str, float]  # seeds
    decided: float  # contrasts with a word on both axes, in percent
    decided_fixed: float  # the same after a fixed number of seeds


def question(there: Mapping[Run, Ended]) -> Question | None:
    """Return the differences of the first copies in a pool, at the seeds that have all three methods."""
    seeds = [seed for seed in sorted({seed for seed, *_ in there}) if all((seed, 0, each) in there for each in METHODS)]
    if not seeds:
        return None
    found = {method: copies_of(there, method, 1, seeds) for method in METHODS}
    accuracy = {method: 100 * each.right[:, 0].mean(-1) for method, each in found.items() if each}
    gap = {method: each.gap[:, 0] for method, each in found.items() if each}
    first = found[METHODS[0]]
    assert first is not None
    return Question(
        np.array([accuracy[one] - accuracy[other] for one, other in QUESTION]),
        np.array([gap[one] - gap[other] for one, other in QUESTION]),
        first.right.shape[-1],
        first.validation_images,
    )


def cost(rng: np.random.Generator, asked: Question, studies: int, fixed_seeds: int, seeds: Whole | None = None) -> Cost:
    """Return what studies cost that draw their seeds from those, with replacement where there are fewer than needed."""
    chosen = np.arange(asked.accuracy.shape[-1]) if seeds is None else seeds
    if len(chosen) >= MAXIMUM:
        at = chosen[rng.random((studies, len(chosen))).argsort(-1)[:, :MAXIMUM]]
    else:
        at = chosen[rng.integers(len(chosen), size=(studies, MAXIMUM))]
    values = [np.round(each[:, at].swapaxes(0, 1), 9) for each in (asked.accuracy, asked.gap)]
    units = 100 / asked.test_images, 100 / asked.validation_images
    both = [
        Axis(each, margin, unit, smaller_is_better=smaller)
        for each, margin, unit, smaller in zip(values, MARGINS, units, (False, True), strict=True)
    ]
    multipliers = shaffer(QUESTION)
    at_fixed = [fixed(axis, fixed_seeds, multipliers) != "undecided" for axis in both]
    rounds = until_decided(both, multipliers)
    of_method = {
        method: rounds.used[:, [method in pair for pair in QUESTION]].max(-1).mean() for method in METHODS
    }  # fmt: skip
    return Cost(
        float(sum(of_method.values())),
        {method: float(mean) for method, mean in of_method.items()},
        100 * float((~rounds.open).mean()),
        100 * float((at_fixed[0] & at_fixed[1]).mean()),
    )
