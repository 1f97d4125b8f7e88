"""A claim about two methods as a check: shown, not shown, or the opposite shown."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overfitlab.config import METRICS
from overfitlab.errors import UsageError
from overfitlab.results.metric import BY_NAME
from overfitlab.stats import paired, sequential, student
from overfitlab.stats.design import image_unit
from overfitlab.stats.findings import EQUIVALENT, HARMS, HELPS, Finding
from overfitlab.stats.verdict import Contrast, Verdict

NOT_WORSE = "not-worse"
WORDS = (HELPS, HARMS, EQUIVALENT, NOT_WORSE)
GAP, METRIC = "gap", "metric"
AXES = (*METRICS, METRIC, GAP)
SHOWN, NOT_SHOWN, OPPOSITE = 0, 3, 4  # exit codes
OPPOSITES = {HELPS: (HARMS,), HARMS: (HELPS,), EQUIVALENT: (HELPS, HARMS), NOT_WORSE: (HARMS,)}
CLAIM = re.compile(
    rf"\s*(?P<method>.+?)\s+(?:is\s+)?(?P<word>{'|'.join(WORDS)})\s+(?:(?:in|on)\s+)?(?P<axis>{'|'.join(AXES)})"
    r"(?:\s+(?:than|to)\s+(?P<against>.+?))?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Claim:
    """That a method helps, harms, is equivalent or not worse, on one axis, compared with another one."""

    method: str
    word: str
    axis: str  # of AXES
    against: str | None  # None for the baseline

    @property
    def metric(self) -> str | None:
        """What has to be judged for it; None where it leaves that open."""
        return self.axis if self.axis in METRICS else None


@dataclass(frozen=True)
class Passed:
    """What became of a claim."""

    claim: str
    method: str
    against: str
    word: str  # that was claimed
    axis: str  # metric or gap
    found: str  # the verdict's word
    exit_code: int
    alpha: float  # at which it was read
    attempt: int | None  # of a ledger
    again: bool  # the same files as in an attempt before
    p: float | None  # of not-worse

    @property
    def shown(self) -> bool:
        """Whether the claim was shown."""
        return self.exit_code == SHOWN

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**vars(self), "shown": self.shown}


def claim(text: str) -> Claim:
    """Return the claim in a text such as `dropout helps accuracy than none`; raises `UsageError`."""
    found = CLAIM.fullmatch(text)
    if not found:
        raise UsageError(
            "no_claim", "--gate takes 'A helps|harms|equivalent|not-worse accuracy|gap [than B]', not {text!r}; "
                        "the metric "
            "can be {metrics} as well",
            text=text, metrics=", ".join((*METRICS[1:], METRIC)),
        )  # fmt: skip
    return Claim(found["method"].strip(), found["word"].lower(), found["axis"].lower(), found["against"])


def passed(text: str, asked: Claim, verdict: Verdict, *, attempt: int | None = None, again: bool = False) -> Passed:
    """Return what a verdict on the two methods of a claim says of it.

    Raises `UsageError` where the claim is about a gap that nobody measured.
    """
    [contrast] = verdict.contrasts
    axis = GAP if asked.axis == GAP else METRIC
    if axis not in verdict.axes:
        raise UsageError(
            "claim_about_no_gap", "the logs have no training metric that was measured in evaluation mode, so no "
                                  "claim about the gap can be made; name it: --column train=NAME"
        )  # fmt: skip
    finding = contrast.axis(axis)
    word = finding.verdict or ""
    p = None
    code = SHOWN if word == asked.word else OPPOSITE if word in OPPOSITES[asked.word] else NOT_SHOWN
    if asked.word == NOT_WORSE:
        p = not_worse(contrast, axis, verdict)
        diverged = any(each.diverged and each.method == contrast.method for each in verdict.methods)
        if code != OPPOSITE and p is not None and p <= verdict.alpha and not diverged:
            code = SHOWN
    return Passed(text, contrast.label, contrast.against_label, asked.word, axis, word, code, verdict.alpha, attempt,
                  again, p)  # fmt: skip


def not_worse(contrast: Contrast, axis: str, verdict: Verdict) -> float | None:
    """Return the one-sided p that a method is worse by less than the margin; None where it cannot be told.

    As of *equivalent*, it takes the number of images: a few seeds that miss the same images show nothing.
    """
    finding, metric = contrast.axis(axis), BY_NAME[verdict.metric]
    margin = verdict.gap_margin if axis == GAP else verdict.margin
    images = verdict.validation_images if axis == GAP else verdict.test_images
    unit = image_unit(metric, images or None, None)
    if unit is None or finding.mean is None or (not finding.standard_error and unit == 0):
        return None
    sign = -1 if axis == GAP or metric.smaller_is_better else 1
    least = paired.least_noise(margin, unit)
    if verdict.progress is not None:
        return _in_rounds(finding, sign, margin, least, verdict.progress.maximum)
    if finding.fewest < 3 or finding.standard_error is None:
        return None
    p = float(p_not_worse(sign * finding.mean, finding.standard_error, finding.n, finding.n_against, margin, least))
    return None if math.isnan(p) else p


def p_not_worse(
    mean: ArrayLike, error: ArrayLike, n: int, against: int | None, margin: float, least: float
) -> NDArray[np.float64]:  # fmt: skip
    """Return the one-sided p that a mean difference lies above -margin, given its standard error.

    `against` are the runs of the other arm, None of n pairs; `least` is the noise that it is taken to have at least.
    NaN where that leaves none. Everything works on arrays of any shape.
    """
    if against is None:
        floor, freedom = least / math.sqrt(n), n - 1
    else:  # as many degrees of freedom as the smaller arm alone would have: never too many
        floor, freedom = least * math.sqrt((1 / n + 1 / against) / 2), min(n, against) - 1
    error = np.maximum(error, floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, student.above((np.asarray(mean) + margin) / error, freedom), np.nan)


def _in_rounds(finding: Finding, sign: int, margin: float, least: float, maximum: int | None) -> float | None:
    """Return the p of the largest evidence, over all rounds so far, of lying above -margin."""
    values = sign * np.array(finding.differences)
    largest = -math.inf
    for n in range(sequential.FEWEST, len(values) + 1):
        some = values[:n]
        noise = max(float(some.std(ddof=1)), least)
        if noise > 0:
            t = math.sqrt(n) * (float(some.mean()) + margin) / noise
            largest = max(largest, float(sequential.log_evidence_above(t, n)))
    return float(sequential.p_of_maximum(largest, maximum, sequential.ONE_SIDED)) if math.isfinite(largest) else None
