"""What would decide a study that left something undecided: who leads, how many seeds it takes, and how long here.

Computed from the differences and the times that the study itself measured, and no word goes by it.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from overfitlab.config import StudyConfig
from overfitlab.records.study_record import Sitting, StudyPlan
from overfitlab.stats.design import axes
from overfitlab.stats.findings import UNDECIDED
from overfitlab.stats.power import seeds_to_decide
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.stats.weakness import images_needed
from overfitlab.study.cost import study_seconds
from overfitlab.study.evidence import Ahead
from overfitlab.study.plan import asked, typical_deviations
from overfitlab.study.retyped import BUDGET, EPOCHS, FIRST_SEED, SEEDS, first_seed, retyped

LONGER = 2  # times the epochs, where nothing had begun to overfit
FEWEST_KNOWN = 3  # pairs whose noise is better than what the plan reckoned with


class Planned(Protocol):
    """What knows what was asked for, and how it was carried out: a study's record, and the evidence."""

    @property
    def config(self) -> StudyConfig:
        """What was asked for."""

    @property
    def plan(self) -> StudyPlan:
        """What that led to."""

    @property
    def look(self) -> int:
        """Which look it is at."""

    @property
    def sessions(self) -> list[Sitting]:
        """When it trained."""

    @property
    def command(self) -> str:
        """What to type to begin it again."""


def undecided(verdict: Verdict, record: Planned) -> list[Ahead]:
    """Return what would decide each contrast and axis that is undecided for want of evidence."""
    if not verdict.over:
        return []
    return [
        found
        for each in verdict.contrasts
        for axis in ("metric", "gap")
        if (found := _ahead(each, axis, verdict, record)) is not None
    ]


def leading(ahead: Sequence[Ahead], verdict: Verdict) -> Ahead | None:
    """Return the best method by the estimates, where nothing was shown; None where something was, or nobody leads.

    Of the contrasts with the baseline that are undecided; where no method is better than the baseline, the one nearest
    to it, which the baseline leads.
    """
    if verdict.recommended is not None:
        return None
    there = [each for each in ahead if each.axis == "metric" and each.against == verdict.baseline]
    return max(there, key=lambda each: each.lead if each.leader == each.method else -each.lead, default=None)


def _ahead(contrast: Contrast, axis: str, verdict: Verdict, record: Planned) -> Ahead | None:
    found, place = contrast.axis(axis), ("metric", "gap").index(axis)
    if found.verdict != UNDECIDED or found.mean is None:
        return None
    known = axes(asked(record.config, record.plan, record.look))[place]
    noise = found.deviation if found.n >= FEWEST_KNOWN else None
    if noise is None:
        assumed = (record.plan.deviation, record.plan.gap_deviation)[place]
        noise = assumed or typical_deviations(record.config.data, record.config.metric)[place]
    count = len(verdict.contrasts)
    seeds = seeds_to_decide(found.mean, noise, known.margin, record.config.alpha, count, known.unit)
    better = (found.mean < 0) if known.smaller_is_better else (found.mean > 0)
    crossed, images = found.crossed, None
    if crossed is not None and crossed.images_matter and verdict.test_images and abs(found.mean) > known.margin:
        needed = images_needed(crossed.image_deviation, found.mean, verdict.test_images)
        images = needed if needed is not None and needed > verdict.test_images else None
    return Ahead(
        contrast.method, contrast.against, axis, contrast.method if better else contrast.against, abs(found.mean),
        abs(found.mean) > known.margin, seeds, None if seeds is None else seconds(verdict, record, seeds), images,
    )  # fmt: skip


def seconds(verdict: Verdict, record: Planned, seeds: int) -> float | None:
    """Return how long every method takes at so many seeds, by the times of this study's own runs; None for none."""
    jobs = next((each.jobs for each in reversed(record.sessions) if each.jobs), 1)
    one_seed = [
        each.seconds_per_epoch.mean * each.epochs.mean
        for each in verdict.methods
        if each.seconds_per_epoch is not None and each.epochs is not None
    ]
    total = study_seconds(one_seed * seeds, jobs) if len(one_seed) == len(verdict.methods) else math.nan
    return total if math.isfinite(total) else None


def decisive_command(record: Planned, seeds: int) -> str:
    """Return the command of a new study at so many fresh seeds; no text where the study's own is not known."""
    first = first_seed(record.command)
    if first is None:
        return ""
    changes = {FIRST_SEED: str(first + record.plan.seeds), SEEDS: str(seeds)}
    return retyped(record.command, changes, (BUDGET,))


def longer_command(record: Planned, *, more_seeds: bool = False) -> str:
    """Return the command of a new study that trains twice as long; no text where the study's own is not known.

    With `more_seeds` at as many seeds as a verdict needs, as is usual unless a number is asked for.
    """
    without = (BUDGET, SEEDS) if more_seeds else (BUDGET,)
    return retyped(record.command, {EPOCHS: str(LONGER * record.plan.protocol.epochs)}, without)
