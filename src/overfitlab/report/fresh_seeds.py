"""What to think of the estimate of a method that was picked because it helped most, and how to get a better one."""

from typing import Protocol

from overfitlab.records.study_record import StudyPlan
from overfitlab.stats.verdict import Verdict
from overfitlab.study.retyped import FIRST_SEED, first_seed, retyped
from overfitlab.words.language import ENGLISH, Language


class Commanded(Protocol):
    """What knows its command, and its plan: a study's record, and the evidence."""

    @property
    def command(self) -> str:
        """What to type to begin it again."""

    @property
    def plan(self) -> StudyPlan:
        """What it was to do."""


def optimism(verdict: Verdict, say: Language = ENGLISH) -> str:
    """Return that the estimate of the recommended method is too large; no text where nothing was picked."""
    if verdict.recommended in (None, verdict.baseline):
        return ""
    return say("A method chosen because it helped most has an estimate that is too large on average; fresh seeds "
               "give an unbiased one.")  # fmt: skip


def fresh_command(study: Commanded) -> str:
    """Return the command of the same study at seeds that it has not used; no text where its command is not known."""
    first = first_seed(study.command)
    return "" if first is None else retyped(study.command, {FIRST_SEED: str(first + study.plan.seeds)})
