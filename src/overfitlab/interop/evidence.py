"""Everything that a report of other people's runs shows, as one document of typed values.

It is the same verdict as a study's, with where its numbers come from instead of how they were trained.
"""

from dataclasses import dataclass

from overfitlab.records.run_record import Producer
from overfitlab.records.study_record import Failure
from overfitlab.stats.verdict import Verdict
from overfitlab.study.evidence import Curves, Evidence

PAIRED, PARTLY, UNPAIRED, IN_ORDER = "paired", "partly", "unpaired", "in_order"  # how the runs of a contrast are
FROM_COLUMN, FROM_OPTION, FROM_GRID = "column", "option", "grid"  # where the number of images comes from


@dataclass(frozen=True)
class LogFile:
    """A log that was read, or one run of a store of several."""

    name: str
    kind: str  # the program that wrote it
    sha256: str
    runs: int


@dataclass(frozen=True)
class LeftOut:
    """Runs whose seed the other side of a contrast lacks."""

    method: str
    against: str
    seeds: tuple[str, ...]  # "dropout 7"


@dataclass(frozen=True, kw_only=True)
class JudgedEvidence(Verdict):
    """The verdict on runs of others, with all numbers behind it."""

    command: str
    logs: tuple[LogFile, ...]
    producers: tuple[Producer, ...]  # who made the runs
    when: str  # end or best
    picked_on: tuple[str, ...]  # the images on which best epochs were picked, of any run: judged, validation, unsaid
    columns: tuple[str, ...]  # that were judged, as the logs call them
    percent: bool  # whether the logs have percent
    gap_columns: tuple[str, str] | None  # training, in evaluation mode, and validation
    images_from: str | None  # column, option or grid; None where the number of images is not known
    seed_names: dict[int, str]  # as the logs call them
    pairing: dict[str, str]  # of each contrast, "A - B": paired, partly, unpaired, in_order
    left_out: tuple[LeftOut, ...]
    epochs: tuple[int, int]  # fewest and most of a run; 0 where only outcomes are known
    as_logged: bool  # whether training curves are running means
    values: dict[str, tuple[tuple[str, float], ...]]  # by method: seed and metric of each run, a share or in nats
    failures: dict[str, Failure]  # none: what failed is not in a log
    curves: dict[str, Curves]  # by method; no gap in them where training was logged as running means

    @property
    def in_order(self) -> bool:
        """Whether the k-th run of one method was paired with the k-th of the other, as they share no seeds."""
        return IN_ORDER in self.pairing.values()

    def seed_name(self, seed: int) -> str:
        """Return what a seed is called in the logs; of pairs in order their number, from 1."""
        return str(seed + 1) if self.in_order else self.seed_names.get(seed, str(seed))


Document = Evidence | JudgedEvidence  # what a report is made from
