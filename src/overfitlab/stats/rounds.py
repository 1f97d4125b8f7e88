"""A verdict in rounds: seeds are added until every contrast is decided on both axes, or a planned maximum is reached.

Round n is read once all runs that are still wanted have ended at the first n seeds, so neither the order in which they
finish nor how many train at once can change a word. Everything has leading axes [...], so that a simulation of
thousands of studies runs the same code as a study, which has none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.stats.findings import EQUIVALENT, HARMS, HELPS, UNDECIDED, words
from overfitlab.stats.multiplicity import adjusted, holm
from overfitlab.stats.paired import least_noise
from overfitlab.stats.sequential import (
    FEWEST,
    ONE_SIDED,
    TWO_SIDED,
    log_evidence,
    log_evidence_above,
    p_of_maximum,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass
class Axis:
    """The differences of every contrast on one axis, and what the rounds so far say of them.

    p-values and words of a contrast stay as they were when it was decided on this axis.
    """

    differences: Floats  # [..., contrasts, seeds], method minus the other; NaN where there is no pair
    margin: float
    unit: float | None  # what one image changes, in the unit of the margin; None: *equivalent* is not said
    smaller_is_better: bool = False
    difference: Floats = field(init=False)  # largest log E so far, as all that follow [..., contrasts]
    above: Floats = field(init=False)  # largest log E+ of lying above -margin
    below: Floats = field(init=False)  # and below +margin
    p: Floats = field(init=False)
    p_adjusted: Floats = field(init=False)
    p_equivalence: Floats = field(init=False)
    p_equivalence_adjusted: Floats = field(init=False)
    said: NDArray[np.str_] = field(init=False)  # the word that the numbers alone give
    word: NDArray[np.str_] = field(init=False)  # undecided where a divergence forbids it
    decided_at: NDArray[np.int64] = field(init=False)  # seeds; 0 while open

    def __post_init__(self) -> None:
        shape = self.differences.shape[:-1]
        self.difference, self.above, self.below = (np.full(shape, -np.inf) for _ in range(3))
        self.p, self.p_adjusted, self.p_equivalence, self.p_equivalence_adjusted = (np.ones(shape) for _ in range(4))
        self.said, self.word = np.full(shape, UNDECIDED), np.full(shape, UNDECIDED)
        self.decided_at = np.zeros(shape, dtype=np.int64)


class Rounds:
    """Reads one round after the other.

    `diverged` says of the method, and of what it is compared with, at which seeds it diverged [..., contrasts, seeds];
    `multipliers` adjust the tests for a difference. `open` are the contrasts whose methods train on, `used` the seeds
    of each contrast, both [..., contrasts].
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        maximum: int | None,
        alpha: float,
        multipliers: Sequence[int],
        diverged: tuple[Flags, Flags] | None = None,
    ) -> None:
        self.axes, self.n = axes, 0
        self._maximum, self._alpha, self._multipliers = maximum, alpha, multipliers
        shape = axes[0].differences.shape
        self._diverged = diverged or (np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool))
        self.open = np.ones(shape[:-1], dtype=bool)
        self.used = np.zeros(shape[:-1], dtype=np.int64)

    def read(self) -> None:
        """Read the next round, in which every open contrast uses one seed more."""
        self.n += 1
        self.used = np.where(self.open, self.n, self.used)
        method, against = (each[..., : self.n].any(-1) for each in self._diverged)
        unsayable = {HELPS: method, HARMS: against, EQUIVALENT: method | against, UNDECIDED: np.zeros_like(method)}
        for axis in self.axes:
            self._decide(axis, self._take_in(axis), unsayable)
        decided = np.all([axis.decided_at > 0 for axis in self.axes], axis=0)
        self.open = self.open & ~(decided | (method & against))  # where both diverged no word is left

    def _take_in(self, axis: Axis) -> Floats:
        """Take the first n seeds of the open contrasts into the largest evidence, and return their mean differences."""
        values = axis.differences[..., : self.n]
        there = ~np.isnan(values)
        pairs = np.maximum(there.sum(-1), 1)
        mean = np.where(there, values, 0.0).sum(-1) / pairs
        centred = np.where(there, values - mean[..., None], 0.0)
        flat = np.where(there, values, -np.inf).max(-1) == np.where(there, values, np.inf).min(-1)
        deviation = np.where(flat, 0.0, np.sqrt((centred**2).sum(-1) / np.maximum(pairs - 1, 1)))
        read = self.open & (axis.decided_at == 0) & (pairs >= FEWEST)

        def raised(
            largest: Floats, distance: Floats, noise: Floats, evidence: Callable[[Floats, NDArray[np.int64]], Floats]
        ) -> Floats:
            sound = read & (noise > 0)
            t = np.sqrt(pairs) * distance / np.where(sound, noise, 1.0)
            found: Floats = np.where(sound, np.maximum(largest, evidence(t, np.maximum(pairs, 2))), largest)
            return found

        # without any spread E would tend to its greatest value, whatever the difference: a single image at each seed
        axis.difference = raised(axis.difference, mean, deviation, log_evidence)
        if axis.unit is not None:
            noise = np.maximum(deviation, least_noise(axis.margin, axis.unit))
            axis.above = raised(axis.above, axis.margin + mean, noise, log_evidence_above)
            axis.below = raised(axis.below, axis.margin - mean, noise, log_evidence_above)
        return np.asarray(mean)

    def _decide(self, axis: Axis, mean: Floats, unsayable: Mapping[str, Any]) -> None:
        running = self.open & (axis.decided_at == 0)
        p = p_of_maximum(axis.difference, self._maximum, TWO_SIDED)
        equal = p_of_maximum(np.minimum(axis.above, axis.below), self._maximum, ONE_SIDED)
        axis.p, axis.p_equivalence = np.where(running, p, axis.p), np.where(running, equal, axis.p_equivalence)
        p_adjusted = adjusted(axis.p, self._multipliers)
        equal_adjusted = adjusted(axis.p_equivalence, holm(axis.p.shape[-1]))
        axis.p_adjusted = np.where(running, p_adjusted, axis.p_adjusted)
        axis.p_equivalence_adjusted = np.where(running, equal_adjusted, axis.p_equivalence_adjusted)
        sign = -1 if axis.smaller_is_better else 1
        found = words(sign * mean, axis.p_adjusted, axis.p_equivalence_adjusted, axis.margin, self._alpha)
        axis.said = np.where(running, found, axis.said)
        lost = np.select([axis.said == word for word in unsayable], list(unsayable.values()), False)
        axis.word = np.where(self.open, np.where(lost, UNDECIDED, axis.said), axis.word)
        axis.decided_at = np.where(running & (axis.word != UNDECIDED), self.n, axis.decided_at)
