"""What to think of the estimate of a method that was picked because it helped most, and how to get a better one."""

import shlex
from typing import Protocol

from overfitlab.records.study_record import StudyPlan
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH, Language

FIRST_SEED = "--first-seed"
REPLACED = (FIRST_SEED, "--name", "--out")  # a new study lies elsewhere
LEFT_OUT = ("--give-up",)


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
    return say("The estimate of a method that was picked because it helped most is too large on average; fresh seeds "
               "give one that is not.")  # fmt: skip


def fresh_command(study: Commanded) -> str:
    """Return the command of the same study at seeds that it has not used; no text where its command is not known."""
    try:
        words = shlex.split(study.command)
    except ValueError:  # a stranger's, with a quote that never ends
        return ""
    if not words:
        return ""
    kept, first, takes = [], "0", ""
    for word in words:
        name, _, value = word.partition("=")
        if takes:
            first, takes = (word if takes == FIRST_SEED else first), ""
        elif word in REPLACED:
            takes = word
        elif name in REPLACED and value:
            first = value if name == FIRST_SEED else first
        elif word not in LEFT_OUT:
            kept.append(word)
    if not first.isdecimal():
        return ""
    return shlex.join([*kept, FIRST_SEED, str(int(first) + study.plan.seeds)])
