"""From what was asked for to what will be trained: how many seeds, and what they can decide."""

from overfitlab.config import MOST_SEEDS, StudyConfig
from overfitlab.records.study_record import StudyPlan
from overfitlab.results.metric import BY_NAME, NATS
from overfitlab.stats.design import Until
from overfitlab.stats.power import WORTH_FINDING, power_to_differ, power_to_equal, seeds_needed
from overfitlab.study.evidence import Chance, Power

DIFFERENCES = {"points": (0.5, 1.0, 2.0), "nats": (0.02, 0.05, 0.1)}  # true ones, whose power a plan states
TYPICAL_DEVIATION = {
    "cifar10": 1.1,
    "digits": 1.6,
}  # points: of paired differences of test accuracy, docs/statistics.md
OTHER_DEVIATION = 1.5
TYPICAL_LOSS_DEVIATION = 0.05  # nats: of test loss
SEEDS_ALONE = 7  # of one method: they know its standard deviation to x0.64 to x2.2


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
    if not config.contrasts:
        return (SEEDS_ALONE,)
    worth = WORTH_FINDING[BY_NAME[config.metric].unit]
    return (seeds_needed(len(config.contrasts), deviation, config.margin, config.alpha, worth),)


def until(config: StudyConfig) -> Until | None:
    """Return how a verdict in rounds ends, None for a fixed number of seeds."""
    if config.until_decided is None:
        return None
    return Until(None if config.until_decided == "none" else config.until_decided)


def typical_deviation(data: str, metric: str = "accuracy") -> float:
    """Return the noise of paired differences to reckon with, in the metric's unit.

    It was measured for accuracy; balanced accuracy and F1 are assumed to vary as much.
    """
    if BY_NAME[metric].unit == NATS:
        return TYPICAL_LOSS_DEVIATION
    return TYPICAL_DEVIATION.get(data, OTHER_DEVIATION)


def power(config: StudyConfig, plan: StudyPlan) -> Power:
    """Return what the last look can decide: the probability of a verdict, by the true difference."""
    if not config.contrasts:
        return Power(plan.seeds, 0, plan.deviation, (), 0.0)
    alpha, count, margin = alpha_of_a_look(config.alpha, plan.looks), len(config.contrasts), config.margin
    return Power(
        seeds=plan.seeds,
        contrasts=count,
        deviation=plan.deviation,
        differ=tuple(
            Chance(points, power_to_differ(points, plan.deviation, plan.seeds, margin, alpha, count))
            for points in DIFFERENCES[BY_NAME[config.metric].unit]
        ),
        equal=power_to_equal(plan.deviation, plan.seeds, margin, alpha, count),
    )
