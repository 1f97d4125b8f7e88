"""The table of contrasts as a page has it: what is said of each contrast stands beside its name."""

from dataclasses import replace

from overfitlab.report.study_tables import Table, contrast_table
from overfitlab.stats.verdict import Verdict
from overfitlab.words.language import ENGLISH, Language


def verdict_table(verdict: Verdict, say: Language = ENGLISH) -> Table:
    """Return the table of contrasts with the words of both axes first: on a telephone no one has to scroll for them."""
    found = contrast_table(verdict, say)
    words = sorted({column for _, column in found.tones})
    order = [0, *words, *(column for column in range(1, len(found.header)) if column not in words)]
    questions = dict(zip(words, (say("generalizes better?"), say("overfits less?")), strict=False))
    return replace(
        found,
        header=tuple(questions.get(column, found.header[column]) for column in order),
        rows=tuple(tuple(row[column] for column in order) for row in found.rows),
        tones={(row, order.index(column)): word for (row, column), word in found.tones.items()},
    )
