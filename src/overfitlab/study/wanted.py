"""Which runs of a study are wanted: all of a look, or in rounds as many as the contrasts that are still open need."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from overfitlab.results.outcome import Outcome
from overfitlab.stats.design import Design, Run
from overfitlab.stats.reading import Progress, progress, read
from overfitlab.stats.rounds import Rounds
from overfitlab.stats.sequential import FEWEST
from overfitlab.stats.verdict import Verdict, compute_verdict


@dataclass(frozen=True)
class Wants:
    """What is to be trained next, in planned order; runs that have ended may be among it."""

    needed: Sequence[Run]  # before the verdict can be read
    ahead: Sequence[Run] = ()  # that may be needed after it: only where a worker has nothing else to do
    rounds: Rounds | None = None  # of a verdict in rounds: what was read
    progress: Progress | None = None


class Wanted(ABC):
    """Says what is wanted, from what has ended."""

    def __init__(self, design: Design) -> None:
        self.design = design

    @abstractmethod
    def after(self, outcomes: Sequence[Outcome], given_up: Collection[Run], at_once: int) -> Wants:
        """Return what is wanted once these have ended, where so many are trained at once."""

    def verdict(self, outcomes: Sequence[Outcome], given_up: Collection[Run]) -> Verdict:
        """Return what the rounds so far say."""
        return compute_verdict(outcomes, self.design, given_up=given_up)


class AllSeeds(Wanted):
    """Every method at all seeds of a look, one seed after the other: so pairs are whole soon."""

    def after(self, outcomes: Sequence[Outcome], given_up: Collection[Run], at_once: int) -> Wants:
        """Return all of them."""
        return Wants([(method, seed) for seed in self.design.seeds for method in self.design.labels])


class UntilDecided(Wanted):
    """One seed more for every method that has a contrast without a word, up to the planned maximum."""

    def after(self, outcomes: Sequence[Outcome], given_up: Collection[Run], at_once: int) -> Wants:
        """Return the runs that the next round waits for, and those of the rounds behind it."""
        by_run = {(each.method, each.seed): each for each in outcomes}
        rounds = read(by_run, {*by_run, *given_up}, self.design)
        now = progress(rounds, self.design)
        seeds, next_round = self.design.seeds, max(now.round + 1, FEWEST)
        runs = [(method, seed) for seed in seeds[: next_round + at_once] for method in now.wanted]
        needed = next_round * len(now.wanted)
        return Wants(runs[:needed], list(islice(runs, needed, needed + at_once)), rounds, now)


def wanted_in(design: Design) -> Wanted:
    """Return what says which runs a study of that design wants."""
    return AllSeeds(design) if design.until is None else UntilDecided(design)
