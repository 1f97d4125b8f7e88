"""Numbers as people read them: p-values, levels, sizes, and intervals with the name of what they cover."""

from dataclasses import replace

from overfitlab.stats.crossed import Crossed
from overfitlab.stats.findings import Difference, Finding
from overfitlab.stats.pairs import EqualFit
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import Language

Interval = Difference | Crossed | EqualFit  # what has a lower and an upper bound
MOST_DIGITS = 8  # of a p
MINUTE, MOST_MINUTES = 60, 120  # longer times are said in hours
LEAST_SHOWN = 0.001  # of a p: what is smaller says more about the model of the noise than about the methods


def p_value(value: float, alpha: float | None = None) -> str:
    """Return p with three digits, or that it is smaller than they can say.

    With more of them where it would look as if it were at most `alpha`, and is not.
    """
    if value < LEAST_SHOWN:
        return f"<{LEAST_SHOWN}"
    digits = 3
    while alpha is not None and float(f"{value:.{digits}f}") <= alpha < value and digits < MOST_DIGITS:
        digits += 1
    return f"{value:.{digits}f}"


def least_p(value: float) -> str:
    """Return the smallest p that a test can give, with as many digits as that takes."""
    return f"{value:.3f}" if value >= LEAST_SHOWN else f"{value:.1g}"


def level(confidence: float) -> str:
    """Return a coverage in percent: `95`, `97.5`, `98.3`, and never 100."""
    digits = 1
    while float(text := f"{100 * confidence:.{digits}f}") >= 100 and digits < MOST_DIGITS:
        digits += 1
    return text.rstrip("0").rstrip(".")


def span(interval: Interval, say: Language, digits: int = 1) -> str:
    """Return from where to where an interval goes, which has to be known."""
    low, high = interval.low or 0.0, interval.high or 0.0
    return say("{low} to {high}", low=f"{low:+.{digits}f}", high=f"{high:+.{digits}f}")


def interval_name(verdict: Verdict, say: Language) -> str:
    """Return what the interval beside a word is called."""
    confidence = level(verdict.confidence)
    if verdict.progress is not None:
        return say("always-valid {level} % interval", level=confidence)
    return say("{level} % interval", level=confidence)


def student_name(verdict: Verdict, say: Language) -> str:
    """Return what Student's t interval is called: a plain one where seeds were added until all was decided."""
    confidence = level(verdict.confidence)
    if verdict.progress is not None:
        return say("plain {level} % interval", level=confidence)
    return say("{level} % interval", level=confidence)


def plain(finding: Finding) -> Finding:
    """Return a finding with the interval that it would have, had its number of seeds been fixed."""
    if finding.plain_low is None:  # then its interval is plain, or there is none
        return finding
    return replace(finding, low=finding.plain_low, high=finding.plain_high)


def other_images(finding: Finding) -> Crossed | None:
    """Return the interval for other images, None where it is not known or their noise does not matter."""
    crossed = finding.crossed
    return crossed if crossed is not None and crossed.images_matter else None


def without_interval(found: Difference) -> bool:
    """Return whether there are differences enough for an interval, and all are the same."""
    return found.low is None and found.fewest > 1 and found.deviation == 0


def time_text(seconds: float, say: Language) -> str:
    """Return about how long something takes: `40 s`, `12 min`, `2.5 h`."""
    if seconds < MINUTE:
        return say("{number} s", number=max(1, round(seconds)))
    if seconds < MOST_MINUTES * MINUTE:
        return say("{number} min", number=round(seconds / MINUTE))
    return say("{number} h", number=f"{seconds / MINUTE / MINUTE:.1f}")


def runs_text(finding: Finding, say: Language) -> str:
    """Return how many pairs there are, or runs of each side: `n = 7`, `n = 7 and 5`."""
    if finding.n_against is None:
        return say("n = {n}", n=finding.n)
    return say("n = {n} and {against}", n=finding.n, against=finding.n_against)
