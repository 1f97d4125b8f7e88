"""How near to its threshold a word is: the same seeds on another processor can turn one that is near into another."""

from overfitlab.report.metric_words import amount, digits
from overfitlab.report.numbers import p_value
from overfitlab.stats.findings import EQUIVALENT, HARMS, HELPS, UNDECIDED, Finding
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH, Language

FACTOR = 2  # a p is near to alpha where it is less than so many times larger or smaller


def is_close(finding: Finding, margin: float, verdict: Verdict) -> bool:
    """Return whether a word is near to its threshold."""
    return bool(closeness(finding, margin, verdict, ENGLISH))


def closeness(finding: Finding, margin: float, verdict: Verdict, say: Language) -> str:
    """Return a sentence, with a blank before it, where a word is near to its threshold; else no text.

    Near is a p within a factor of two of the level, or an estimate within one standard error of the margin.
    """
    if verdict.provisional or finding.reason is not None or not finding.mean or not finding.deviation:
        return ""
    if finding.verdict in (HELPS, HARMS):
        return _by_p(finding, verdict, say) or _by_margin(finding, margin, verdict, say)
    if finding.verdict == EQUIVALENT:
        return _of_equivalence(finding, verdict, say)
    if finding.verdict == UNDECIDED and verdict.over:  # what is still open is neither near nor far
        return _undecided(finding, margin, verdict, say)
    return ""


def _by_p(finding: Finding, verdict: Verdict, say: Language) -> str:
    p = finding.p_adjusted
    if p is None or not verdict.alpha < FACTOR * p or not _at_the_end(finding, verdict):
        return ""
    return _p_is_near(p, verdict.alpha, say)


def _p_is_near(p: float, alpha: float, say: Language) -> str:
    return say(" Close: adjusted p is {p}, and the limit is {alpha}.", p=p_value(p, alpha), alpha=f"{alpha:g}")


def _of_equivalence(finding: Finding, verdict: Verdict, say: Language) -> str:
    p = finding.p_equivalence_adjusted
    if p is None or not verdict.alpha < FACTOR * p or not _at_the_end(finding, verdict):
        return ""
    return say(" Close: adjusted p of equivalence is {p}, and the limit is {alpha}.",
               p=p_value(p, verdict.alpha), alpha=f"{verdict.alpha:g}")  # fmt: skip


def _at_the_end(finding: Finding, verdict: Verdict) -> bool:
    """Return whether no further seed could have brought the word: before, rounds end as soon as p is small enough."""
    progress = verdict.progress
    return progress is None or finding.decided_at == progress.maximum


def _by_margin(finding: Finding, margin: float, verdict: Verdict, say: Language) -> str:
    beyond = abs(finding.mean or 0.0) - margin
    if not abs(beyond) < (finding.standard_error or 0.0):
        return ""
    size, zone = f"{abs(beyond):.{digits(verdict.metric)}f}", amount(margin, verdict.metric, say)
    if beyond > 0:
        return say(" Close: the estimate lies beyond the margin of {margin} by {size}, less than its standard error.",
                   margin=zone, size=size)  # fmt: skip
    return say(" Close: the estimate lies within the margin of {margin} by {size}, less than its standard error.",
               margin=zone, size=size)  # fmt: skip


def _undecided(finding: Finding, margin: float, verdict: Verdict, say: Language) -> str:
    p, same, alpha = finding.p_adjusted, finding.p_equivalence_adjusted, verdict.alpha
    beyond = abs(finding.mean or 0.0) > margin
    if p is not None and p <= alpha:  # so the estimate lies within the margin
        return _by_margin(finding, margin, verdict, say)
    if p is not None and beyond and p < FACTOR * alpha:
        return _p_is_near(p, alpha, say)
    if same is not None and not beyond and alpha < same < FACTOR * alpha:
        return say(" Close to equivalent: its adjusted p is {p}, and the limit is {alpha}.",
                   p=p_value(same, alpha), alpha=f"{alpha:g}")  # fmt: skip
    return ""
