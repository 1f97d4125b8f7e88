"""The tables of a study, as cells of text: a screen, Markdown and a page lay them out each in its way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from overfitlab.report import metric_words
from overfitlab.report.numbers import Interval, least_p, level, other_images, p_value, plain, without_interval
from overfitlab.report.round_sentences import about_intervals
from overfitlab.report.seed_spread import deviation_range
from overfitlab.stats.findings import Difference, Finding
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


Column = tuple[str, Callable[[Finding], str]]  # its header, and the cell of a finding


def contrast_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the table of contrasts: estimate, interval, adjusted p, n and word on both axes, and the cost.

    While runs are missing there are estimates alone.
    """
    by_axis = {axis: _columns(axis, verdict, say) for axis in verdict.axes}
    header = [say("contrast"), *(name for columns in by_axis.values() for name, _ in columns), say("n")]
    timed = any(each.time_ratio is not None for each in verdict.contrasts)  # logs of others have no times
    header += [say("time")] if timed else []
    rows, tones = [], {}
    for row, each in enumerate(verdict.contrasts):
        cells = [pair(each, say)]
        for axis, columns in by_axis.items():
            finding = each.axis(axis)
            place = len(cells) + [name for name, _ in columns].index(say("verdict"))
            cells += [cell(finding) for _, cell in columns]
            tones[row, place] = finding.verdict
        cells.append(runs_cell(each.metric))
        cells += ["" if each.time_ratio is None else f"x{each.time_ratio:.2f}"] if timed else []
        rows.append(tuple(cells))
    return Table(tuple(header), tuple(rows), about_intervals(verdict, say), tones=tones)


def runs_cell(found: Difference) -> str:
    """Return how many pairs there are; `7 / 5` runs where they are not paired."""
    return str(found.n) if found.n_against is None else f"{found.n} / {found.n_against}"


def _columns(axis: str, verdict: Verdict, say: Language) -> list[Column]:
    """Return what a table of contrasts has on one axis."""
    name = metric_words.name(verdict.metric, say) if axis == "metric" else say("gap")
    estimate: Column = (name, lambda found: difference(found.mean, metric_words.table_digits(verdict.metric)))
    said: Column = (say("verdict"), lambda found: word(found, verdict, say))
    if verdict.provisional:
        return [estimate, said]
    columns = [estimate, *_interval_columns(axis, verdict, say)]
    columns += [(say("p adjusted"), lambda found: _p(found.p_adjusted, verdict.alpha)), said]
    if verdict.progress is not None:
        after = say("after pairs") if verdict.in_order else say("after seeds")
        columns.append((after, lambda found: "" if found.decided_at is None else str(found.decided_at)))
    return columns


def _interval_columns(axis: str, verdict: Verdict, say: Language) -> list[Column]:
    """Return the interval of the word, and those that others are read for."""
    confidence, places = level(verdict.confidence), metric_words.table_digits(verdict.metric)
    if verdict.progress is None:
        columns: list[Column] = [(say("{level} %", level=confidence), lambda found: between(found, say, places))]
    else:
        columns = [(say("{level} %, always valid", level=confidence), lambda found: between(found, say, places))]
    if axis == "metric" and any(other_images(each.metric) for each in verdict.contrasts):
        columns.append((say("for other images"), lambda found: _known(other_images(found), say, places)))
    return columns


def _p(value: float | None, alpha: float | None = None) -> str:
    return "" if value is None else p_value(value, alpha)


def _known(interval: Interval | None, say: Language, digits: int) -> str:
    return "" if interval is None else between(interval, say, digits)


def onset_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the contrasts with the weights of the onset: estimates without words.

    At the epoch with the lowest validation loss every method has been stopped early, the baseline too. A word here
    would be another chance to be wrong, for which no level was set apart.
    """
    plain_name = student_level(verdict, say)
    name, places = metric_words.name(verdict.metric, say), metric_words.table_digits(verdict.metric)
    header = (say("at the onset"), name, plain_name, say("gap"), plain_name, say("n"))
    intervals, gaps = not verdict.provisional, "gap" in verdict.axes
    shown = [True, True, intervals, gaps, gaps and intervals, True]
    rows = []
    for each in verdict.contrasts:
        cells = [pair(each, say)]
        for found in (each.onset_metric, each.onset_gap):
            cells += [difference(found.mean, places), between(found, say, places)]
        rows.append(_kept((*cells, str(each.onset_metric.n)), shown))
    return Table(_kept(header, shown), tuple(rows))


def _kept(cells: tuple[str, ...], shown: list[bool]) -> tuple[str, ...]:
    return tuple(cell for cell, keep in zip(cells, shown, strict=True) if keep)


def student_level(verdict: Verdict, say: Language) -> str:
    """Return the header of a column of Student's t intervals."""
    confidence = level(verdict.confidence)
    if verdict.progress is not None:
        return say("{level} %, plain", level=confidence)
    return say("{level} %", level=confidence)


def sign_flip_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the p of the exact sign-flip test on both axes, and the least that it can give with so many seeds."""
    name = metric_words.name(verdict.metric, say)
    header = (say("exact sign-flip test"), say("{metric}: p raw", metric=name), say("p adjusted"), say("gap: p raw"),
              say("p adjusted"), say("least p raw"), say("n"))  # fmt: skip
    rows = []
    for each in verdict.contrasts:
        metric, gap, floor = each.metric, each.gap, each.metric.p_sign_flip_floor
        exact = (metric.p_sign_flip_raw, metric.p_sign_flip_adjusted, gap.p_sign_flip_raw, gap.p_sign_flip_adjusted)
        shown = [_p(p, verdict.alpha) for p in exact]
        rows.append((pair(each, say), *shown, "" if floor is None else least_p(floor), str(metric.n)))
    return Table(header, tuple(rows))


def p_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return every p of a verdict, before and after its adjustment, a row for each contrast and axis.

    Of a verdict in rounds there are plain intervals instead of the exact test.
    """
    last: list[Column] = [
        (say("sign-flip: p raw"), lambda found: _p(found.p_sign_flip_raw)),
        (say("p adjusted"), lambda found: _p(found.p_sign_flip_adjusted, verdict.alpha)),
        (say("least p raw"), lambda found: "" if found.p_sign_flip_floor is None else least_p(found.p_sign_flip_floor)),
    ]
    if verdict.progress is not None:
        places = metric_words.table_digits(verdict.metric)
        last = [(student_level(verdict, say), lambda found: between(plain(found), say, places))]
    columns: list[Column] = [
        (say("difference: p raw"), lambda found: _p(found.p_raw)),
        (say("p adjusted"), lambda found: _p(found.p_adjusted, verdict.alpha)),
        (say("equivalence: p raw"), lambda found: _p(found.p_equivalence_raw)),
        (say("p adjusted"), lambda found: _p(found.p_equivalence_adjusted, verdict.alpha)),
        *last,
        (say("n"), runs_cell),
    ]
    rows = [
        (pair(each, say), name, *(cell(each.axis(axis)) for _, cell in columns))
        for each in verdict.contrasts
        for axis, name in (("metric", metric_words.name(verdict.metric, say)), ("gap", say("gap")))
        if axis in verdict.axes
    ]
    return Table((say("contrast"), say("axis"), *(name for name, _ in columns)), tuple(rows), left=2)


def has_sign_flips(verdict: Verdict) -> bool:
    """Return whether the exact test says anything: not while runs are missing, nor of a verdict in rounds."""
    return any(each.metric.p_sign_flip_raw is not None for each in verdict.contrasts)


def method_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the table of methods: means over the seeds and standard deviations, in percent, points, epochs and nats.

    The loss rise is validation loss at the end less that at the onset: what overfitting cost.
    """
    test = say("test acc") if verdict.metric == "accuracy" else metric_words.name(verdict.metric, say)
    alone = [] if verdict.contrasts else [say("SD, 95 %")]
    places = metric_words.digits(verdict.metric)
    header = (
        say("method"), test, *alone, say("gap"), say("train acc"), say("onset"), say("loss rise"), say("best epoch"),
        say("s/epoch"), say("params"), say("MB"), say("n"),
    )  # fmt: skip
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
            *(deviation_range(each, verdict.metric, say) for _ in alone),
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
    return Table(header, tuple(rows))


def pair(contrast: Contrast, say: Language = ENGLISH) -> str:
    """Return the name of a contrast: method - what it is compared with."""
    return f"{say.method(contrast.label)} - {say.method(contrast.against_label)}"


def difference(value: float | None, digits: int = 2) -> str:
    """Return a difference in points with its sign."""
    return "" if value is None else f"{value:+.{digits}f}"


def between(interval: Interval, say: Language = ENGLISH, digits: int = 2) -> str:
    """Return an interval, nothing where it is not known, and that there is none where nothing varies."""
    if isinstance(interval, Difference) and without_interval(interval):
        return say("no interval")
    if interval.low is None or interval.high is None:
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
