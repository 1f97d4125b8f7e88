"""The list of studies and single runs."""

from dataclasses import dataclass
from urllib.parse import quote

from overfitlab.errors import OverfitlabError
from overfitlab.records.study_record import FINISHED, RUNNING
from overfitlab.report.study_sentences import headline
from overfitlab.terminal.task_screen import duration
from overfitlab.ui.desk import Desk
from overfitlab.ui.study_page import address
from overfitlab.words.language import Language

DAMAGED = "damaged"


@dataclass(frozen=True)
class Row:
    """A study or a run in the list."""

    name: str
    address: str
    kind: str
    status: str
    what: str
    outcome: str
    percent: int | None = None  # of a study that is not finished
    left: str = ""
    done: str = ""


def rows(desk: Desk, say: Language) -> list[Row]:
    """Return the list as it is now: what runs first, then by name."""
    found = []
    for each in desk.listed(say):
        if each.kind == "run":
            found.append(Row(each.name, f"/run/{quote(each.name, safe='')}", each.kind, each.status, each.what,
                             each.outcome))  # fmt: skip
        elif each.status == DAMAGED:
            found.append(Row(each.name, "", each.kind, each.status, "", each.outcome))
        else:
            found.append(_study(desk, each.name, each.what, each.outcome, each.status, say))
    there = {row.name for row in found}
    for name, started in desk.processes.started.items():
        if name not in there:
            status = RUNNING if started.code is None else DAMAGED
            said = started.words()[-1:] if started.code else []
            found.append(Row(name, address(name), "study", status, say("planning"), said[0] if said else ""))
    return sorted(found, key=lambda row: (row.status != RUNNING, row.name))


def _study(desk: Desk, name: str, what: str, outcome: str, status: str, say: Language) -> Row:
    if status == FINISHED:
        verdict = desk.verdict(name)
        said = outcome if verdict is None else headline(verdict, say)
        return Row(name, address(name), "study", status, what, said)
    try:
        found = desk.look(name, lambda watched: (watched.status, watched.progress(), headline(watched.evidence(), say)))
    except OverfitlabError as error:
        return Row(name, "", "study", DAMAGED, what, say.error(error))
    if found is None:
        return Row(name, "", "study", status, what, outcome)
    status, progress, said = found
    left = "" if progress.seconds_left is None else duration(progress.seconds_left)
    done = say("{ended} of {total} runs", ended=progress.ended, total=progress.total)
    return Row(name, address(name), "study", status, what, said, round(100 * progress.share), left, done)
