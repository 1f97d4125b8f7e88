"""What a study says on a screen: tables of plain text, the answer, and what else a reader has to know."""

from collections.abc import Sequence

from rich.cells import cell_len

from overfitlab.report.study_sentences import Noted, answer, caveats, recommendation
from overfitlab.report.study_tables import Table, contrast_table, method_table, onset_table, sign_flip_table
from overfitlab.stats.verdict import Verdict
from overfitlab.words.columns import padded
from overfitlab.words.language import ENGLISH, Language

SPACE = "  "


def whole(verdict: Verdict, record: Noted, say: Language = ENGLISH) -> str:
    """Return everything, from a verdict and its study's record."""
    tables = [method_table]
    if verdict.contrasts:
        tables += [contrast_table, onset_table, *([] if verdict.provisional else [sign_flip_table])]
    parts = [*(laid_out(made(verdict, say)) for made in tables), answer(verdict, say)]
    notes = caveats(verdict, record, say)
    if notes:
        parts.append("\n".join(say("Note: {what}", what=note) for note in notes))
    if verdict.recommended is not None and verdict.contrasts:
        parts.append(recommendation(verdict, say))
    return "\n\n".join(parts)


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
