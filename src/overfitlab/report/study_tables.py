"""The tables of a study, as cells of text: a screen, Markdown and a page lay them out each in its way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from overfitlab.report import metric_words
from overfitlab.report.seed_spread import deviation_range
from overfitlab.report.study_sentences import Interval, leading_interval, least_p, p_value
from overfitlab.stats.findings import Finding
from overfitlab.stats.method_summary import Spread
from overfitlab.stats.verdict import Contrast, Verdict
from overfitlab.words.language import ENGLISH, Language


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header; the first `left` columns are names, the others numbers and words.

    `tones` has the verdict's word in English for the cells, by row and column, that say one.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    left: int = 1
    tones: Mapping[tuple[int, int], str | None] = field(default_factory=dict)


def contrast_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the table of contrasts: estimate, interval, adjusted p, n and word on both axes, and the cost."""
    axis_header = ("95 %", "p adj.", "verdict")
    header = ("contrast", metric_words.TEST_WORDS[verdict.metric].name, *axis_header, "gap", *axis_header, "n", "time")
    rows, tones, places = [], {}, metric_words.table_digits(verdict.metric)
    for row, each in enumerate(verdict.contrasts):
        cells = [pair(each, say)]
        for axis in ("metric", "gap"):
            finding = each.axis(axis)
            interval = leading_interval(finding, verdict) if axis == "metric" else finding
            p = "" if finding.p_adjusted is None else p_value(finding.p_adjusted, verdict.alpha)
            cells += [difference(finding.mean, places), between(interval, say, places), p, word(finding, verdict, say)]
            tones[row, len(cells) - 1] = finding.verdict
        cells += [str(each.metric.n), "" if each.time_ratio is None else f"x{each.time_ratio:.2f}"]
        rows.append(tuple(cells))
    return Table(tuple(metric_words.at_level(say(each), verdict) for each in header), tuple(rows), tones=tones)


def onset_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the contrasts with the weights of the onset.

    At the epoch with the lowest validation loss every method has been stopped early, the baseline too.
    """
    header = ("at the onset", metric_words.TEST_WORDS[verdict.metric].name, "95 %", "gap", "95 %", "n")
    rows, places = [], metric_words.table_digits(verdict.metric)
    for each in verdict.contrasts:
        cells = [pair(each, say)]
        for found in (each.onset_metric, each.onset_gap):
            cells += [difference(found.mean, places), between(found, say, places)]
        rows.append((*cells, str(each.onset_metric.n)))
    return Table(tuple(metric_words.at_level(say(each), verdict) for each in header), tuple(rows))


def sign_flip_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the p of the exact sign-flip test on both axes, and the least that it can give with so many seeds."""
    header = ("sign-flip p", metric_words.TEST_WORDS[verdict.metric].name, "gap", "least p", "n")
    rows = []
    for each in verdict.contrasts:
        accuracy, floor = each.metric, each.metric.p_sign_flip_floor
        exact = ["" if p is None else p_value(p) for p in (accuracy.p_sign_flip_raw, each.gap.p_sign_flip_raw)]
        rows.append((pair(each, say), *exact, "" if floor is None else least_p(floor), str(accuracy.n)))
    return Table(tuple(map(say, header)), tuple(rows))


def method_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the table of methods: means over the seeds and standard deviations, in percent, points, epochs and nats.

    The loss rise is validation loss at the end less that at the onset: what overfitting cost.
    """
    test = "test acc" if verdict.metric == "accuracy" else metric_words.TEST_WORDS[verdict.metric].name
    alone = () if verdict.contrasts else ("SD, 95 %",)
    header = ("method", test, *alone, "gap", "train acc", "onset", "loss rise", "best epoch", "s/epoch", "params", "MB",
              "n")  # fmt: skip
    places = metric_words.digits(verdict.metric)
    rows = []
    for each in verdict.methods:
        extra = []
        if each.diverged:
            extra.append(say("{count} diverged", count=each.diverged))
        if each.missing:
            extra.append(say("{count} missing", count=each.missing))
        if each.without_onset:
            extra.append(say("{count} without onset", count=each.without_onset))
        if each.stopped_early:
            extra.append(say("{count} stopped early", count=each.stopped_early))
        rows.append((
            say.method(each.label),
            spread(each.metric, places),
            *([deviation_range(each, verdict.metric, say)] if alone else []),
            spread(each.gap, places),
            spread(each.train_acc),
            spread(each.onset),
            spread(each.loss_rise, 2),
            spread(each.best_epoch),
            spread(each.seconds_per_epoch, 2),
            "" if each.parameters is None else f"{each.parameters:,}",
            "" if each.peak_memory_mb is None else str(each.peak_memory_mb),
            ", ".join([str(each.finished), *extra]),
        ))  # fmt: skip
    return Table(tuple(map(say, header)), tuple(rows))


def pair(contrast: Contrast, say: Language = ENGLISH) -> str:
    """Return the name of a contrast: method - what it is compared with."""
    return f"{say.method(contrast.label)} - {say.method(contrast.against_label)}"


def difference(value: float | None, digits: int = 2) -> str:
    """Return a difference in points with its sign."""
    return "" if value is None else f"{value:+.{digits}f}"


def between(interval: Interval | None, say: Language = ENGLISH, digits: int = 2) -> str:
    """Return an interval, nothing where it is not known."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return say("{low} to {high}", low=f"{interval.low:+.{digits}f}", high=f"{interval.high:+.{digits}f}")


def word(finding: Finding, verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return the verdict's word."""
    if verdict.provisional or finding.verdict is None:
        return say("provisional")
    return say(finding.verdict)


def spread(found: Spread | None, digits: int = 1) -> str:
    """Return a mean over the seeds and their standard deviation."""
    if found is None:
        return ""
    if found.deviation is None:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} ±{found.deviation:.{digits}f}"
