"""What a study says on a screen: tables of plain text, the answer, and what else a reader has to know."""

from collections.abc import Sequence
from typing import Protocol

from rich.cells import cell_len

from overfitlab.report.fresh_seeds import Commanded, fresh_command, optimism
from overfitlab.report.round_sentences import state
from overfitlab.report.study_sentences import Noted, answer, caveats, exact_test_note, failed_note, recommendation
from overfitlab.report.study_tables import (
    Table,
    contrast_table,
    has_sign_flips,
    method_table,
    onset_table,
    sign_flip_table,
)
from overfitlab.stats.verdict import Verdict
from overfitlab.words.columns import padded
from overfitlab.words.language import ENGLISH, Language

SPACE = "  "


class Recorded(Noted, Commanded, Protocol):
    """What knows how a study went and how to begin it again: its record, and the evidence."""


def whole(verdict: Verdict, record: Recorded, say: Language = ENGLISH) -> str:
    """Return everything, from a verdict and its study's record."""
    looks = [contrast_table, *([] if record.plan.protocol.keep == "best" else [onset_table])]
    contrasts = looks if verdict.contrasts else []
    tables = [method_table, *contrasts, *([sign_flip_table] if has_sign_flips(verdict) else [])]
    parts = [*(laid_out(made(verdict, say)) for made in tables), _joined(state(verdict, say), answer(verdict, say))]
    beside = (exact_test_note(verdict, say), failed_note(verdict, record, say))
    notes = [note for note in (*beside, *caveats(verdict, record, say)) if note]
    if notes:
        parts.append("\n".join(say("Note: {what}", what=note) for note in notes))
    if verdict.recommended is not None and verdict.contrasts:
        parts.append(_joined(recommendation(verdict, say), *_fresh(verdict, record, say)))
    return "\n\n".join(parts)


def _fresh(verdict: Verdict, record: Recorded, say: Language) -> list[str]:
    """Return what to think of the estimate of what is recommended, and the command that gets a better one."""
    known = optimism(verdict, say)
    return [known, f"  {fresh_command(record)}".rstrip()] if known else []


def _joined(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def laid_out(found: Table) -> str:
    """Return a table as aligned text, and its note."""
    text = table(found.header, found.rows, found.left)
    return f"{text}\n{found.note}" if found.note else text


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return an aligned table; the first `left` columns are flush left, the others flush right."""
    lines = [header, *rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(header))]
    aligned = [
        SPACE.join(
            padded(cell, width, right=column >= left)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([aligned[0], "-" * max(map(cell_len, aligned)), *aligned[1:]])
