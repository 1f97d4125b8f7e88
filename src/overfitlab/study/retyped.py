"""The command of a study, changed: what to type for the next one."""

import itertools
import shlex
from collections.abc import Collection, Mapping

from overfitlab.study.calling import as_called

FIRST_SEED, SEEDS, UNTIL_DECIDED, EPOCHS = "--first-seed", "--seeds", "--until-decided", "--epochs"
BUDGET = "--budget"  # of the study that is over
ELSEWHERE = ("--name", "--out")  # a new study lies elsewhere
LEFT_OUT = ("--give-up",)


def retyped(command: str, changes: Mapping[str, str], without: Collection[str] = ()) -> str:
    """Return the command of a new study with these options, in place of those that it had; no text for none.

    It is a call in Python where the network or the images were handed over there.

    Options `without` are left out, and those of its folder: a study cannot go on with other options.
    """
    words = split(command)
    if not words:
        return ""
    replaced = {*changes, *without, *ELSEWHERE}
    if SEEDS in replaced:
        replaced.add(UNTIL_DECIDED)
    kept, takes = [], ""
    for word in words:
        value_of, takes = takes, ""
        if value_of and not (value_of == UNTIL_DECIDED and not _is_number(word)):  # its number may be left out
            continue
        name = word.partition("=")[0]
        if word in replaced:
            takes = word
        elif name not in replaced and word not in LEFT_OUT:
            kept.append(word)
    return as_called(shlex.join([*kept, *(part for option in changes.items() for part in option)]))


def first_seed(command: str) -> int | None:
    """Return the first seed that a command asks for; None where it is no number."""
    words = split(command)
    given = [after for word, after in itertools.pairwise(words) if word == FIRST_SEED]
    given += [word.partition("=")[2] for word in words if word.startswith(f"{FIRST_SEED}=")]
    last = given[-1] if given else "0"
    return int(last) if last.isdecimal() else None


def split(command: str) -> list[str]:
    """Return the words of a command; none of a stranger's, with a quote that never ends."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _is_number(word: str) -> bool:
    return word.isdecimal() or word == "none"
