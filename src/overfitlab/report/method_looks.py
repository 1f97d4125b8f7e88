"""How each method looks where several are drawn into one panel: the same colour and dashes in every figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from overfitlab.report.marks import PLAIN, Dash
from overfitlab.report.palette import OF_METHODS
from overfitlab.stats.verdict import Verdict

BASELINE_WIDTH, WIDTH = 2.2, 1.5  # points of a line
DASHES: tuple[Dash, ...] = (PLAIN, (4.0, 1.4), (1.2, 1.2), (5.0, 1.3, 1.0, 1.3))


@dataclass(frozen=True)
class Look:
    """The name of a colour, and how a line is dashed and how wide it is: readable without colours, too."""

    color: str
    dash: Dash
    width: float


def looks(verdict: Verdict) -> dict[str, Look]:
    """Return how each method of a verdict looks, by its name."""
    return looks_of([each.method for each in verdict.methods], verdict.baseline)


def looks_of(methods: Sequence[str], baseline: str) -> dict[str, Look]:
    """Return how each method looks; the baseline is the thick line in the colour of letters.

    There are 32 looks; after them they begin anew.
    """
    found = {baseline: Look("ink", PLAIN, BASELINE_WIDTH)}
    for number, method in enumerate(each for each in methods if each != baseline):
        rounds, place = divmod(number, len(OF_METHODS))
        found[method] = Look(OF_METHODS[place], DASHES[(place + rounds) % len(DASHES)], WIDTH)
    return found
