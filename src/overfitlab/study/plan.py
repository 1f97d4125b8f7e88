"""From what was asked for to what will be trained: seeds, images, epochs, and what that takes."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from overfitlab.config import MOST_SEEDS, Protocol, StudyConfig
from overfitlab.errors import OverfitlabError
from overfitlab.stats.power import power_to_differ, power_to_equal, seeds_needed
from overfitlab.stats.verdict import ALPHA
from overfitlab.study.cost import Cost, Parts, whole_study

DIFFERENCES = (0.5, 1.0, 2.0)  # points of accuracy, whose power a plan states
TYPICAL_DEVIATION = {
    "cifar10": 1.1,
    "digits": 1.6,
}  # points: of paired differences of test accuracy, docs/statistics.md
OTHER_DEVIATION = 1.5
LARGEST = 10**12  # more of anything is damage


@dataclass(frozen=True)
class StudyPlan:
    """What a study will do; it is made once and kept, so that the same command always resumes."""

    protocol: Protocol  # resolved for the images, and fitted to the budget
    looks: tuple[int, ...]  # after how many seeds the verdict is read
    threads: int  # of each run
    parts: Parts  # images of a run
    gave_up: tuple[str, ...]  # for the budget
    costs: dict[str, Cost]  # by method
    deviation: float  # points: the assumed noise of paired differences

    @property
    def seeds(self) -> int:
        """How many seeds there are at most."""
        return self.looks[-1]

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "StudyPlan":
        """Return the plan that a record holds; raises `OverfitlabError` where it holds something else."""
        try:
            plan = cls(
                Protocol.from_dict(values["protocol"]),
                tuple(values["looks"]),
                values["threads"],
                Parts(**values["parts"]),
                tuple(map(str, values["gave_up"])),
                {method: Cost(**cost) for method, cost in values["costs"].items()},
                float(values["deviation"]),
            )
            if not plan._is_sound():
                raise ValueError("a number is out of range")
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise OverfitlabError(f"the plan of this study is damaged ({error}); move its folder away") from None
        return plan

    def _is_sound(self) -> bool:
        """Return whether the numbers can be those of a plan: a record can be damaged, or somebody else's."""
        counts = [*self.looks, self.threads, self.parts.training, self.parts.validation, self.parts.test]
        known = [cost.memory_mb for cost in self.costs.values() if cost.memory_mb is not None]
        counts += [*known, *(cost.parameters for cost in self.costs.values())]
        seconds = [
            part for cost in self.costs.values() for part in (cost.step_seconds, cost.image_seconds, cost.save_seconds)
        ]
        return (
            all(isinstance(count, int) and not isinstance(count, bool) and 0 <= count < LARGEST for count in counts)
            and all(math.isfinite(each) and 0 <= each < LARGEST for each in (*seconds, self.deviation))
            and isinstance(self.protocol.name, str)
            and self.threads >= 1
            and len(self.looks) >= 1
            and sorted({*self.looks}) == list(self.looks)
            and 1 <= self.looks[0] <= self.looks[-1] <= MOST_SEEDS
        )

    def seconds(self, jobs: int) -> float:
        """Return how long the whole study takes with so many runs at once, by the costs that were measured."""
        return whole_study(self.costs, self.protocol, self.parts, self.seeds, jobs)

    def memory_mb(self, jobs: int) -> int | None:
        """Return how much memory so many runs at once take."""
        known = sorted((cost.memory_mb for cost in self.costs.values() if cost.memory_mb), reverse=True)
        return jobs * known[0] if known else None

    def runs(self, config: StudyConfig, first: int, last: int) -> Iterator[tuple[str, int]]:
        """Yield method and seed of the runs of those seeds, one seed after the other: so pairs are whole soon."""
        for number in range(first, last):
            for method in config.methods:
                yield method, config.first_seed + number


def alpha_of_a_look(looks: tuple[int, ...]) -> float:
    """Return the level of each look: an equal share of the study's 0.05 (Bonferroni), so that looks are paid for."""
    return ALPHA / len(looks)


def looks_for(config: StudyConfig, deviation: float) -> tuple[int, ...]:
    """Return after how many seeds the verdict is read: what was asked for, else one look after enough of them."""
    if config.looks is not None:
        return config.looks
    return (seeds_needed(len(config.contrasts), deviation, config.accuracy_zone, ALPHA),)


def typical_deviation(data: str) -> float:
    """Return the noise of paired differences to reckon with, in points of test accuracy."""
    return TYPICAL_DEVIATION.get(data, OTHER_DEVIATION)


def power(config: StudyConfig, plan: StudyPlan) -> dict[str, Any]:
    """Return what the first and the last look can decide: the probability of a verdict, by the true difference.

    `"differ"` maps points of accuracy to the probability of *helps* or *harms*; `"equal"` is that of *equivalent*
    where there is no difference.
    """
    alpha, count, zone = alpha_of_a_look(plan.looks), len(config.contrasts), config.accuracy_zone
    return {
        "seeds": plan.seeds,
        "contrasts": count,
        "deviation": plan.deviation,
        "differ": {
            difference: power_to_differ(difference, plan.deviation, plan.seeds, zone, alpha, count)
            for difference in DIFFERENCES
        },
        "equal": power_to_equal(plan.deviation, plan.seeds, zone, alpha, count),
    }
