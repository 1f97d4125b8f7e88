"""What a round of a study brings that goes on until all is decided: said while it trains."""

from overfitlab.report.power_text import percent
from overfitlab.report.round_sentences import state
from overfitlab.report.study_sentences import decided_sentence
from overfitlab.stats.forecast import Forecast
from overfitlab.stats.sequential import FEWEST
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH, Language

LIKELY = 0.5  # from there on it is said when, too


def news(verdict: Verdict, forecast: Forecast | None, say: Language = ENGLISH) -> list[str]:
    """Return what the last round brought: new words, what is still open, and what to expect."""
    progress = verdict.progress
    if progress is None:
        return []
    found = []
    for each in verdict.contrasts:
        axes = [axis for axis in ("metric", "gap") if each.axis(axis).decided_at == progress.round]
        if axes:
            found.append(decided_sentence(each, axes, verdict, say))
    if progress.wanted and (found or progress.round == FEWEST):
        found.append(state(verdict, say))
    if forecast is not None and progress.wanted and progress.maximum is not None:
        fields = {"maximum": progress.maximum, "chance": percent(forecast.decided, say)}
        found.append(
            say("Forecast from the seeds so far: everything is decided within {maximum} seeds with a probability "
                "of {chance}, typically after {seeds}.", seeds=round(forecast.seeds), **fields)
            if forecast.decided >= LIKELY
            else say("Forecast from the seeds so far: everything is decided within {maximum} seeds with a probability "
                     "of {chance}.", **fields)
        )  # fmt: skip
    return found
