"""From what was asked for to what will be trained: how many seeds, and what they can decide."""

from collections.abc import Mapping

from overfitlab.config import MOST_SEEDS, StudyConfig
from overfitlab.records.study_record import StudyPlan
from overfitlab.results.metric import BY_NAME, NATS, POINTS
from overfitlab.stats.design import Axis, Design, Until, axes
from overfitlab.stats.forecast import before_training, one_contrast
from overfitlab.stats.power import WORTH_FINDING, power_to_differ, power_to_equal, seeds_needed
from overfitlab.stats.sequential import FEWEST
from overfitlab.study.evidence import Chance, Power, PowerCase, Runs

DIFFERENCES = {POINTS: (0.5, 1.0, 2.0), NATS: (0.02, 0.05, 0.1)}  # true ones, whose power a plan states
# points: standard deviations of paired differences of test accuracy, and of the gap; docs/statistics.md
TYPICAL_DEVIATIONS = {"cifar10": (1.1, 1.6), "digits": (1.6, 1.8)}
OTHER_DEVIATIONS = (1.5, 2.0)
LOSS_DEVIATIONS = (0.05, 0.1)  # nats: of test loss, and of its gap
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


def typical_deviations(data: str, metric: str = "accuracy") -> tuple[float, float]:
    """Return the noise of paired differences to reckon with, of the metric and of its gap, in their unit.

    It was measured for accuracy; balanced accuracy and F1 are assumed to vary as much.
    """
    if BY_NAME[metric].unit == NATS:
        return LOSS_DEVIATIONS
    return TYPICAL_DEVIATIONS.get(data, OTHER_DEVIATIONS)


def power(config: StudyConfig, plan: StudyPlan) -> Power:
    """Return what the last look can decide, or a verdict in rounds: the probability of a word, by the true difference.

    At half, one and twice the assumed noise: a standard deviation is a guess until it was measured.
    """
    if not config.contrasts:
        return Power(plan.seeds, 0, plan.deviation, ())
    assumed = (plan.deviation, plan.gap_deviation or typical_deviations(config.data, config.metric)[1])
    cases = [
        _case(config, plan, name, axis, times * deviation, assumed=times == 1)
        for name, axis, deviation in zip(("metric", "gap"), axes(asked(config, plan)), assumed, strict=True)
        for times in (0.5, 1, 2)
    ]
    return Power(plan.seeds, len(config.contrasts), plan.deviation, tuple(cases))


def _case(config: StudyConfig, plan: StudyPlan, name: str, axis: Axis, deviation: float, *, assumed: bool) -> PowerCase:
    count, ending, differences = len(config.contrasts), until(config), DIFFERENCES[BY_NAME[config.metric].unit]
    if ending is not None:
        found = [one_contrast(axis, deviation, each, count, ending.maximum, config.alpha) for each in (*differences, 0)]
        differ, equal = [chance for chance, _ in found[:-1]], found[-1][1]
    else:
        alpha = alpha_of_a_look(config.alpha, plan.looks)
        differ = [power_to_differ(each, deviation, plan.seeds, axis.margin, alpha, count) for each in differences]
        equal = power_to_equal(deviation, plan.seeds, axis.margin, alpha, count, axis.unit)
    chances = tuple(Chance(points, chance) for points, chance in zip(differences, differ, strict=True))
    return PowerCase(name, deviation, assumed, chances, equal)


def runs_in_rounds(config: StudyConfig, plan: StudyPlan) -> Runs | None:
    """Return how many runs a study takes that goes on until all is decided; None where it does not."""
    ending = until(config)
    if ending is None:
        return None
    deviations = (plan.deviation, plan.gap_deviation or typical_deviations(config.data, config.metric)[1])
    shift = DIFFERENCES[BY_NAME[config.metric].unit][-1]
    typical = before_training(
        config.contrasts, axes(asked(config, plan)), deviations, (shift, -shift),
        ending.maximum, config.alpha, all_differ=True,
    )  # fmt: skip
    methods = len(config.methods)
    most = None if ending.maximum is None else methods * ending.maximum
    return Runs(methods * FEWEST, round(typical.runs), most, shift)


def asked(config: StudyConfig, plan: StudyPlan, look: int = 1, labels: Mapping[str, str] | None = None) -> Design:
    """Return what the verdict of a study is asked, at that look."""
    looks = plan.looks
    return Design(
        name="",
        labels=labels or {method: method for method in config.methods},
        contrasts=config.contrasts,
        seeds=range(config.first_seed, config.first_seed + looks[look - 1]),
        looks=looks,
        look=look,
        alpha=alpha_of_a_look(config.alpha, looks),
        margin=config.margin,
        gap_margin=config.gap_margin,
        test_images=plan.parts.test,
        validation_images=plan.parts.validation,
        until=until(config),
        metric=config.metric,
    )
