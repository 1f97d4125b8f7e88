"""Noise that is drawn, and the judgement of studies that are only differences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.stats import paired
from overfitlab.stats.findings import ALPHA, HARMS, HELPS, words
from overfitlab.stats.multiplicity import adjusted, holm

MARGIN = 0.5  # points of accuracy
DEVIATION = 1.2  # points: of paired differences
QUIET = 0.4  # points
SEEDS = (3, 6, 9, 12)
CONTRASTS = (2, 3, 7)
IMAGES = 359  # of a test set, which the discrete noise counts, and the crossed design has
UNIT = 100 / 10_000  # points that one image of another test set changes
ACCURACY = 93.0  # percent, of the discrete noise
ROUNDING = 1e-9  # points: bounds of intervals are compared to within that, as differences are rounded

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]


@dataclass(frozen=True)
class Noise:
    """How accuracies scatter about their mean from seed to seed, in standard deviations of the baseline."""

    baseline: Draw
    method: Draw
    ratio: float = 1.0  # standard deviation of a method to that of the baseline
    counted: bool = False  # as whole images of a test set

    @property
    def unit(self) -> float:
        """What one image changes, in points."""
        return 100 / IMAGES if self.counted else UNIT

    def differences(
        self,
        rng: np.random.Generator,
        simulations: int,
        contrasts: int,
        n: int,
        *,
        deviation: float = DEVIATION,
        true: float | Sequence[float] = 0.0,
    ) -> Floats:
        """Return paired differences [simulations, contrasts, n] of methods with a baseline that they share, in points.

        `true` is the mean of all of them, or of each; `deviation` their standard deviation.
        """
        scale = deviation / np.sqrt(1 + self.ratio**2)
        baseline = scale * self.baseline(rng, (simulations, 1, n))
        method = scale * self.ratio * self.method(rng, (simulations, contrasts, n))
        method += np.broadcast_to(true, (contrasts,))[:, None]
        if self.counted:
            counts = [np.rint((ACCURACY + each) * IMAGES / 100) for each in (method, baseline)]
            return np.round((counts[0] - counts[1]) * 100 / IMAGES, 9)
        return method - baseline


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return standard normal noise."""
    return rng.standard_normal(shape)


def long_tail(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return a shifted exponential with mean 0, deviation 1 and its long tail downwards: now and then a bad run."""
    return 1 - rng.standard_exponential(shape)


def heavy_tail(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return Student's t noise of 3 degrees of freedom, scaled to a deviation of 1: outliers on both sides."""
    return rng.standard_t(3, shape) / np.sqrt(3)


NOISES = {
    "normal": Noise(normal, normal),
    "heavy-tailed": Noise(heavy_tail, heavy_tail),
    "skewed": Noise(long_tail, long_tail),
    "discrete": Noise(normal, normal, counted=True),
    "skewed method": Noise(normal, long_tail),
    "wild method": Noise(normal, long_tail, ratio=3.0),
}


def judged(differences: Floats, margin: float = MARGIN, alpha: float = ALPHA, unit: float = UNIT) -> NDArray[np.str_]:
    """Return the word for each contrast [..., contrasts], as a study does."""
    found = paired.estimate(differences)
    count = holm(differences.shape[-2])
    same = adjusted(paired.equivalence(differences, margin, unit), count)
    return words(found.mean, adjusted(found.p, count), same, margin, alpha)


def claimed(found: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return in which studies [...] any contrast is said to help or to harm."""
    return ((found == HELPS) | (found == HARMS)).any(-1)


def covered(differences: Floats, true: float = 0.0) -> NDArray[np.bool_]:
    """Return where the t interval holds the true difference."""
    found = paired.estimate(differences)
    return (found.low <= true + ROUNDING) & (found.high >= true - ROUNDING)


def generator(*key: object) -> np.random.Generator:
    """Return the generator of one cell of a table, which its key alone determines."""
    return np.random.default_rng(list("/".join(map(str, key)).encode()))


def percent(share: float, digits: int = 1) -> str:
    """Return a share in percent, without the sign."""
    return f"{100 * share:.{digits}f}"


def standard_error(share: float, simulations: int) -> str:
    """Return the simulation's standard error of a share, in points."""
    return f"{100 * np.sqrt(share * (1 - share) / simulations):.2f}"
