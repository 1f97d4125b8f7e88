"""The evidence of studies that nobody trained: from a stored study, and a verdict over made-up outcomes."""

from dataclasses import fields, replace
from pathlib import Path

import msgspec
import numpy as np

import overfitlab
from overfitlab.results.history import EpochRow
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.design import Design, Until
from overfitlab.stats.verdict import compute_verdict
from overfitlab.study.evidence import Evidence

STORED = Path(__file__).parent.parent / "records" / "format-3" / "study"
LABELS = {"none": "none", "dropout:rate=0.2": "dropout", "l2:rate=0.001": "l2"}
PAIRS = (("dropout:rate=0.2", "none"), ("l2:rate=0.001", "none"), ("dropout:rate=0.2", "l2:rate=0.001"))
HELPS_BY = {"none": 0.0, "dropout:rate=0.2": 3.0, "l2:rate=0.001": 0.0}  # points
ROW = EpochRow(1, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)


def outcome(method: str, seed: int, *, diverged: bool = False, stopped: bool = False) -> Outcome:
    """Return a run of a study in which dropout helps and l2 does nothing."""
    noise = np.random.default_rng([seed, list(LABELS).index(method)]).normal(0, 0.3)
    accuracy = (70 + HELPS_BY[method] + noise) / 100
    gap = (20 - 2 * HELPS_BY[method] + noise) / 100
    end = Endpoints(accuracy, gap, accuracy, gap, 0.9, 0.9 - gap, 0.1, 1, 0.0, 0.0, 1, 1, 1.0, 10, None)
    return Outcome(method, seed, f"{method}-{seed}", None if diverged else end, [ROW], stopped_early=stopped)


def evidence(
    *,
    pairs=PAIRS,
    seeds=7,
    looks=None,
    look=1,
    alpha=0.05,
    margins=(0.5, 1.0),
    until=None,
    diverged=(),
    stopped=(),
    missing=(),
    given_up=(),
    data=None,
    asked=None,
    protocol=None,
    **changes,
) -> Evidence:
    """Return the evidence of such a study; `until` is a maximum, "none", or None for a fixed number of seeds."""
    labels = {method: label for method, label in LABELS.items() if any(method in pair for pair in pairs)}
    labels = labels or dict([next(iter(LABELS.items()))])  # the baseline alone
    looks = looks or (seeds,)
    verdict = compute_verdict(
        [outcome(method, seed, diverged=(method, seed) in diverged, stopped=method in stopped)
         for method in labels for seed in range(seeds) if (method, seed) not in {*missing, *given_up}],
        Design("made", labels, pairs, range(seeds), looks, look, alpha / len(looks), *margins, 359, 432,
               None if until is None else Until(None if until == "none" else until)),
        given_up=given_up,
    )  # fmt: skip
    stored = overfitlab.load_study(STORED).evidence()
    config = replace(stored.asked, alpha=alpha, margin=margins[0], gap_margin=margins[1],
                     looks=None if until else looks, until_decided=until, **(asked or {}))  # fmt: skip
    parts = msgspec.structs.replace(stored.plan.parts, test=359, validation=432)
    settings = replace(stored.plan.protocol, **(protocol or {}))
    plan = msgspec.structs.replace(stored.plan, parts=parts, looks=looks, protocol=settings)
    return replace(
        stored, asked=config, plan=plan, seed_numbers=tuple(range(verdict.seeds)),
        data=msgspec.structs.replace(stored.data, **(data or {})),
        **{each.name: getattr(verdict, each.name) for each in fields(verdict)} | changes,
    )  # fmt: skip
