"""What a study can decide, and takes: reckoned before anything is trained."""

from overfitlab.config import StudyConfig
from overfitlab.report import metric_words
from overfitlab.report.study_tables import Table
from overfitlab.results.metric import BY_NAME, POINTS
from overfitlab.study.evidence import Power, PowerCase, Runs
from overfitlab.words.language import ENGLISH, Language

LEAST_SHOWN = 0.005


def percent(chance: float, say: Language = ENGLISH) -> str:
    """Return a probability in percent."""
    if chance < LEAST_SHOWN:
        return say("<1 %")
    return say(">99 %") if chance > 1 - LEAST_SHOWN else say("{percent:.0f} %", percent=100 * chance)


def power_table(power: Power, metric: str, say: Language = ENGLISH) -> Table:
    """Return the probability of a word by the true difference, at half, one and twice the assumed noise."""
    sizes = [f"{each.points:g}" for each in power.cases[0].differ]
    rows = []
    for case in power.cases:
        assumed = say("{deviation} assumed", deviation=f"{case.deviation:g}") if case.assumed else f"{case.deviation:g}"
        chances = [percent(chance, say) for chance in (*(each.chance for each in case.differ), case.equal)]
        rows.append((say(metric_words.words_of(metric, case.axis).name), assumed, *chances))
    return Table(
        (say("true difference, {unit}", unit=say(BY_NAME[metric].unit)), say("SD"), *sizes, say("none")), tuple(rows)
    )


def power_sentence(power: Power, say: Language = ENGLISH) -> str:
    """Return what the table of power is about."""
    return say(
        "Power with at most {seeds} and {contrasts}: the probability of detecting a true difference, and of "
        "showing equivalence where there is none. SD is the standard deviation of paired differences between "
        "seeds, which is known only after training.",
        seeds=say.count(power.seeds, "seed"), contrasts=say.count(power.contrasts, "contrast"),
    )  # fmt: skip


def power_lines(power: Power, config: StudyConfig, say: Language = ENGLISH) -> list[str]:
    """Return what a study can decide at the noise that it reckons with, and at half and twice that, by axis."""
    found, unit = [], BY_NAME[config.metric].unit
    for axis, margin in zip(dict.fromkeys(case.axis for case in power.cases), (config.margin, config.gap_margin),
                            strict=True):  # fmt: skip
        cases = sorted((case for case in power.cases if case.axis == axis), key=lambda case: case.deviation)
        [assumed] = (case for case in cases if case.assumed)
        half, _, twice = (_chances(case, say) for case in cases)
        fields = {
            "axis": say(metric_words.words_of(config.metric, axis).name), "half": half, "twice": twice,
            "sizes": " / ".join(f"{each.points:g}" for each in assumed.differ), "chances": _chances(assumed, say),
            "deviation": f"{assumed.deviation:g}", "margin": f"{margin:g}", "equal": percent(assumed.equal, say),
        }  # fmt: skip
        found.append(
            say("Power, {axis}: a true difference of {sizes} points will be detected with probability {chances} %, if "
                "differences vary by {deviation} points from seed to seed (SD); with {half} % if by half as much, with "
                "{twice} % if by twice as much. Equivalence within {margin} can be shown with {equal}.", **fields)
            if unit == POINTS
            else say("Power, {axis}: a true difference of {sizes} nats will be detected with probability {chances} %, "
                     "if differences vary by {deviation} nats from seed to seed (SD); with {half} % if by half as "
                     "much, with {twice} % if by twice as much. Equivalence within {margin} can be shown with {equal}.",
                     **fields)
        )  # fmt: skip
    return found


def _chances(case: PowerCase, say: Language) -> str:
    return " / ".join(percent(each.chance, say).removesuffix("%").rstrip() for each in case.differ)


def runs_sentence(runs: Runs, metric: str, say: Language = ENGLISH) -> str:
    """Return how many runs a study takes that goes on until all is decided."""
    difference = metric_words.amount(runs.difference, metric, say)
    if runs.most is None:
        return say(
            "Continues until everything is decided: at least {least} runs, about {typical} if each method differs "
            "from the next by {difference}, with no maximum.",
            least=runs.least, typical=runs.typical, difference=difference,
        )  # fmt: skip
    return say(
        "Continues until everything is decided: at least {least} runs, about {typical} if each method differs from "
        "the next by {difference}, at most {most}.",
        difference=difference, least=runs.least, typical=runs.typical, most=runs.most,
    )  # fmt: skip
