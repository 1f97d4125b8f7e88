"""A study as data frames of pandas."""

from collections.abc import Mapping, Sequence

import pandas

from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH

WHOLE = ("seed", "epoch", "onset", "best_epoch", "epochs", "parameters", "peak_memory_mb")
YES_OR_NO = ("stopped_early",)
AXES = ("metric", "gap")
NUMBERS = {  # of a finding: what its column is called
    "mean": "difference", "low": "low", "high": "high", "p_raw": "p_raw", "p_adjusted": "p_adjusted",
    "verdict": "verdict", "p_sign_flip_raw": "p_sign_flip_raw", "p_sign_flip_adjusted": "p_sign_flip_adjusted",
}  # fmt: skip


def verdict_frame(verdict: Verdict) -> pandas.DataFrame:
    """Return a row for each contrast: both axes, in points (of a loss in nats), and the cost; none of one method."""
    rows = []
    for each in verdict.contrasts:
        row: dict[str, object] = {"method": each.label, "against": each.against_label, "n": each.metric.n}
        for axis, finding in zip(AXES, (each.metric, each.gap), strict=True):
            row |= {f"{axis}_{column}": getattr(finding, name) for name, column in NUMBERS.items()}
            row[f"{axis}_reason"] = "" if finding.reason is None else ENGLISH.reason(finding.reason)
        crossed = each.metric.crossed
        row["metric_low_images"] = crossed and crossed.low
        row["metric_high_images"] = crossed and crossed.high
        row["gap_at_equal_fit"] = each.equal_fit and each.equal_fit.mean
        row["time_ratio"] = each.time_ratio
        rows.append(row)
    if not rows:
        return pandas.DataFrame(index=pandas.MultiIndex.from_arrays([[], []], names=["method", "against"]))
    found = pandas.DataFrame(rows).set_index(["method", "against"])
    texts = [f"{axis}_{column}" for axis in AXES for column in ("verdict", "reason")]
    numbers = [name for name in found.columns if name not in (*texts, "n")]
    return found.astype(dict.fromkeys(numbers, "float64"))  # also where none of them is known


def frame(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pandas.DataFrame:
    """Return rows as a data frame; whole numbers stay whole where some are not known."""
    kinds = {name: "Int64" for name in WHOLE if name in columns} | {
        name: "boolean" for name in YES_OR_NO if name in columns
    }
    return pandas.DataFrame(rows, columns=list(columns)).astype(kinds)
