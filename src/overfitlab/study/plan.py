"""From what was asked for to what will be trained: how many seeds, and what they can decide."""

from overfitlab.config import MOST_SEEDS, StudyConfig
from overfitlab.records.study_record import StudyPlan
from overfitlab.stats.design import Until
from overfitlab.stats.power import power_to_differ, power_to_equal, seeds_needed
from overfitlab.study.evidence import Chance, Power

DIFFERENCES = (0.5, 1.0, 2.0)  # points of accuracy, whose power a plan states
TYPICAL_DEVIATION = {
    "cifar10": 1.1,
    "digits": 1.6,
}  # points: of paired differences of test accuracy, docs/statistics.md
OTHER_DEVIATION = 1.5


def alpha_of_a_look(alpha: float, looks: tuple[int, ...]) -> float:
    """Return the level of each look: an equal share of the study's (Bonferroni), so that looks are paid for."""
    return alpha / len(looks)


def looks_for(config: StudyConfig, deviation: float) -> tuple[int, ...]:
    """Return after how many seeds the verdict is read: what was asked for, else one look after enough of them.

    Of a verdict in rounds it is the last one that there can be.
    """
    if config.until_decided is not None:
        return (MOST_SEEDS if config.until_decided == "none" else config.until_decided,)
    if config.looks is not None:
        return config.looks
    return (seeds_needed(len(config.contrasts), deviation, config.margin, config.alpha),)


def until(config: StudyConfig) -> Until | None:
    """Return how a verdict in rounds ends, None for a fixed number of seeds."""
    if config.until_decided is None:
        return None
    return Until(None if config.until_decided == "none" else config.until_decided)


def typical_deviation(data: str) -> float:
    """Return the noise of paired differences to reckon with, in points of test accuracy."""
    return TYPICAL_DEVIATION.get(data, OTHER_DEVIATION)


def power(config: StudyConfig, plan: StudyPlan) -> Power:
    """Return what the last look can decide: the probability of a verdict, by the true difference."""
    alpha, count, margin = alpha_of_a_look(config.alpha, plan.looks), len(config.contrasts), config.margin
    return Power(
        seeds=plan.seeds,
        contrasts=count,
        deviation=plan.deviation,
        differ=tuple(
            Chance(points, power_to_differ(points, plan.deviation, plan.seeds, margin, alpha, count))
            for points in DIFFERENCES
        ),
        equal=power_to_equal(plan.deviation, plan.seeds, margin, alpha, count),
    )
