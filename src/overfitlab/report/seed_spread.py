"""How much a method varies from seed to seed, in a sentence: what a study of one method alone says."""

from overfitlab.report.metric_words import digits, name
from overfitlab.results.metric import BY_NAME, POINTS
from overfitlab.stats.method_summary import MethodSummary, Spread, deviation_interval
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH, Language


def alone(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return what a study of one method says: mean and standard deviation of metric and gap over the seeds."""
    [method] = verdict.methods
    if method.metric is None or method.gap is None:
        return say("No run of {name} has finished.", name=say.method(method.label))
    return say(
        "{name} alone, at {seeds} seeds: {metric} {test}; gap {gap}.",
        name=say.method(method.label), seeds=method.finished, metric=name(verdict.metric, say),
        test=_varies(method.metric, verdict.metric, say), gap=_varies(method.gap, verdict.metric, say, of_gap=True),
    )  # fmt: skip


def _varies(found: Spread, metric: str, say: Language, *, of_gap: bool = False) -> str:
    places = digits(metric) + 1
    mean = f"{found.mean:.{places}f}"
    if found.deviation is None:
        return say("{mean} (one seed, so how much it varies is unknown)", mean=mean)
    fields = {"mean": mean, "deviation": f"{found.deviation:.{places}f}"}
    if found.deviation_low is None or found.deviation_high is None:
        return say("{mean}, the same at every seed", mean=mean)
    fields |= {"low": f"{found.deviation_low:.{places}f}", "high": f"{found.deviation_high:.{places}f}"}
    if BY_NAME[metric].unit == POINTS and of_gap:
        return say("{mean} points, standard deviation {deviation} points (95 % interval {low} to {high})", **fields)
    if BY_NAME[metric].unit == POINTS:
        return say("{mean} %, standard deviation {deviation} points (95 % interval {low} to {high})", **fields)
    return say("{mean} nats, standard deviation {deviation} nats (95 % interval {low} to {high})", **fields)


def known_deviation(seeds: int, say: Language = ENGLISH) -> str:
    """Return how well so many seeds know a standard deviation: `x0.64 to x2.20`."""
    low, high = deviation_interval(1.0, seeds)
    return say("x{low} to x{high}", low=f"{low:.2f}", high=f"{high:.2f}")


def deviation_range(method: MethodSummary, metric: str, say: Language = ENGLISH) -> str:
    """Return the interval of the standard deviation of a method's metric; nothing where it is not known."""
    found = method.metric
    if found is None or found.deviation_low is None or found.deviation_high is None:
        return ""
    places = digits(metric) + 1
    return say("{low} to {high}", low=f"{found.deviation_low:.{places}f}", high=f"{found.deviation_high:.{places}f}")
