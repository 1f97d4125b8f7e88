"""What a study takes: time, from a few measured steps of each method."""

import math
from collections.abc import Iterable, Mapping, Sequence

from overfitlab.config import Protocol
from overfitlab.records.run_folder import SAVE_SECONDS
from overfitlab.records.study_record import Cost, PartSizes, StudyPlan


def run_seconds(cost: Cost, protocol: Protocol, parts: PartSizes) -> float:
    """Return how long one run takes: its steps, the measurements after each epoch, and those at the end.

    At the end all images are measured twice, with the weights that are handed over and with those of the onset; once
    where these are the same.
    """
    steps = math.ceil(parts.training / protocol.batch_size)
    each_epoch = parts.validation + min(parts.training, parts.validation)
    at_the_end = (1 if protocol.keep == "best" else 2) * (parts.training + parts.validation + parts.test)
    epochs = protocol.epochs * (steps * cost.step_seconds + each_epoch * cost.image_seconds)
    saves = min(protocol.epochs, epochs / SAVE_SECONDS)
    return epochs + saves * cost.save_seconds + at_the_end * cost.image_seconds


def study_seconds(runs: Iterable[float], jobs: int) -> float:
    """Return how long runs of those seconds take, in their order, with so many at once."""
    ends = [0.0] * jobs
    for seconds in runs:
        first = ends.index(min(ends))
        ends[first] += seconds
    return max(ends)


def reduced(protocol: Protocol, parts: PartSizes) -> PartSizes:
    """Return the parts once the protocol has taken what it wants of those that there are."""
    training = min(parts.training, protocol.training_images or parts.training)
    validation = min(parts.validation, protocol.validation_images or parts.validation)
    return PartSizes(training, validation, parts.test)


def whole_study(costs: Mapping[str, Cost], protocol: Protocol, parts: PartSizes, seeds: int, jobs: int) -> float:
    """Return how long every method takes at `seeds` seeds, seed after seed, from the parts of the full protocol."""
    fewer = reduced(protocol, parts)
    one_seed: Sequence[float] = [run_seconds(cost, protocol, fewer) for cost in costs.values()]
    return study_seconds([*one_seed] * seeds, jobs)


def plan_seconds(plan: StudyPlan, jobs: int) -> float:
    """Return how long a planned study takes with so many runs at once, by the costs that were measured."""
    return whole_study(plan.costs, plan.protocol, plan.parts, plan.seeds, jobs)
