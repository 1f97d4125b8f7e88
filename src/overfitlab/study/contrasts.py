"""The contrasts of a study as rows: every number under a name that says what it is (docs/report.md has a table)."""

from overfitlab.results.metric import BY_NAME
from overfitlab.stats.findings import Difference, Finding
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.study.rows import Row
from overfitlab.words.language import ENGLISH

AXES = ("metric", "gap")
OF_AN_AXIS = (
    *("difference", "deviation", "low", "high", "verdict", "reason", "margin", "p_raw", "p_adjusted"),
    *("p_equivalence_raw", "p_equivalence_adjusted", "p_sign_flip_raw", "p_sign_flip_adjusted", "p_sign_flip_floor"),
    *("equivalence_low", "equivalence_high", "bootstrap_low", "bootstrap_high", "plain_low", "plain_high"),
    "decided_at",
)
TEXTS = ("method_settings", "against_settings", "metric", "unit", "interval", "metric_verdict", "metric_reason",
         "gap_verdict", "gap_reason")  # fmt: skip
WHOLE = ("n", "n_against", "missing", "gap_at_equal_fit_n", "metric_decided_at", "gap_decided_at")
CONTRAST_COLUMNS = (
    *(
        "method",
        "against",
        "method_settings",
        "against_settings",
        "metric",
        "unit",
        "n",
        "n_against",
        "missing",
        "level",
        "interval",
    ),
    *(f"{axis}_{name}" for axis in AXES for name in OF_AN_AXIS),
    *("metric_low_other_images", "metric_high_other_images", "metric_seed_deviation", "metric_image_deviation"),
    *(f"onset_{axis}_{name}" for axis in AXES for name in ("difference", "low", "high")),
    *("train_acc_difference", "gap_at_equal_fit", "gap_at_equal_fit_low", "gap_at_equal_fit_high"),
    *("gap_at_equal_fit_n", "time_ratio", "time_ratio_low_quartile", "time_ratio_high_quartile"),
)
STUDENT, WELCH, ALWAYS_VALID = "student_t", "welch_t", "always_valid"  # kinds of intervals


def metric_and_unit(verdict: Verdict) -> tuple[str, str]:
    """Return the name of what is compared on the first axis, and the unit of its differences."""
    return verdict.metric, BY_NAME[verdict.metric].unit


def contrast_rows(verdict: Verdict) -> list[Row]:
    """Return a row for each contrast; None where there is no such number."""
    return [_row(each, verdict) for each in verdict.contrasts]


def _row(each: Contrast, verdict: Verdict) -> Row:
    metric, unit = metric_and_unit(verdict)
    row: Row = dict.fromkeys(CONTRAST_COLUMNS) | {
        "method": each.label, "against": each.against_label, "method_settings": each.method,
        "against_settings": each.against, "metric": metric, "unit": unit,
        "n": each.metric.n, "n_against": each.metric.n_against, "missing": each.missing,
        "level": verdict.alpha, "interval": _kind(each, verdict),
        "train_acc_difference": each.fit, "time_ratio": each.time_ratio,
    }  # fmt: skip
    for axis, margin in zip(AXES, (verdict.margin, verdict.gap_margin), strict=True):
        row |= {f"{axis}_{name}": value for name, value in _of_an_axis(each.axis(axis), margin).items()}
    for axis, found in zip(AXES, (each.onset_metric, each.onset_gap), strict=True):
        row |= {f"onset_{axis}_{name}": value for name, value in _estimate(found).items()}
    if (crossed := each.metric.crossed) is not None:
        row |= {
            "metric_low_other_images": crossed.low, "metric_high_other_images": crossed.high,
            "metric_seed_deviation": crossed.seed_deviation, "metric_image_deviation": crossed.image_deviation,
        }  # fmt: skip
    if (fit := each.equal_fit) is not None:
        row |= {"gap_at_equal_fit": fit.mean, "gap_at_equal_fit_low": fit.low, "gap_at_equal_fit_high": fit.high}
        row["gap_at_equal_fit_n"] = fit.n
    if each.time_quartiles is not None:
        row["time_ratio_low_quartile"], row["time_ratio_high_quartile"] = each.time_quartiles
    return row


def _kind(each: Contrast, verdict: Verdict) -> str:
    """Return the kind of a contrast's intervals."""
    if verdict.progress is not None:
        return ALWAYS_VALID
    return STUDENT if each.metric.n_against is None else WELCH


def _estimate(found: Difference) -> Row:
    return {"difference": found.mean, "low": found.low, "high": found.high}


def _of_an_axis(finding: Finding, margin: float) -> Row:
    """Return what is known on one axis, by the names of `OF_AN_AXIS`."""
    named = _estimate(finding) | {
        "margin": margin,
        "reason": None if finding.reason is None else ENGLISH.reason(finding.reason),
    }
    return {name: named[name] if name in named else getattr(finding, name) for name in OF_AN_AXIS}
