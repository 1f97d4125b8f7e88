"""What a verdict in rounds says besides its words: how far it has come, and what its intervals are."""

from overfitlab.stats.findings import Finding
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH, Language


def state(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return how far a verdict in rounds has come; no text for a fixed number of seeds."""
    progress = verdict.progress
    if progress is None:
        return ""
    seeds = counted(progress.round, verdict, say)
    contrasts = say.listing([f"{say.method(verdict.label(method))} - {say.method(verdict.label(against))}"
                             for method, against in progress.open])  # fmt: skip
    if progress.wanted:
        return say("So far {seeds}; still open: {contrasts}.", seeds=seeds, contrasts=contrasts)
    if not progress.open:
        return say("Decided after {seeds}.", seeds=seeds)
    return say("Not decided at the maximum of {seeds}: {contrasts}.", seeds=seeds, contrasts=contrasts)


def counted(number: int, verdict: Verdict, say: Language) -> str:
    """Return so many seeds, or pairs where runs share none."""
    return say.count(number, "pair" if verdict.in_order else "seed")


def decided(finding: Finding, verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return after how many seeds a word was there; no text where there is none, or the number was fixed."""
    if finding.decided_at is None:
        return ""
    return say("decided after {seeds}", seeds=counted(finding.decided_at, verdict, say))


def about_intervals(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return what the intervals of a verdict in rounds cover; no text for a fixed number of seeds."""
    if verdict.progress is None:
        return ""
    return say(
        "Always-valid intervals hold for every number of seeds at once, so looking after each seed does no harm. "
        "Plain intervals, and those for other images, assume a fixed number of seeds, so after that many looks "
        "they are too narrow."
    )
