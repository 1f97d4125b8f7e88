"""What a study says on a screen: the answer first; tables of plain text and every sentence where all is wanted."""

import shlex
from collections.abc import Sequence

from rich.cells import cell_len

from overfitlab.report.answer import Answer, Answered, Row, answer_of, what_decides
from overfitlab.report.fresh_seeds import fresh_command, optimism
from overfitlab.report.power_text import power_sentence, power_table
from overfitlab.report.study_sentences import answer, caveats
from overfitlab.report.study_tables import (
    Table,
    contrast_table,
    has_sign_flips,
    method_table,
    onset_table,
    sign_flip_table,
)
from overfitlab.stats.verdict import Verdict
from overfitlab.study.ahead import undecided
from overfitlab.study.plan import power
from overfitlab.words.columns import WIDEST, flowing, padded, wrapped
from overfitlab.words.language import ENGLISH, Language

SPACE, INDENT, BULLET = "  ", "  ", "- "
NARROW = 80  # columns of a screen whose width is not known
MOST_LISTED = 5  # weaknesses of a short answer


def short(
    verdict: Verdict, record: Answered, reference: str, say: Language = ENGLISH, width: int | None = None
) -> str:  # fmt: skip
    """Return the answer: one sentence, one table, what weakens it, and what to do next.

    Lines have at most `width` columns and break at words; None leaves sentences whole, as for a file.
    """
    found = answer_of(verdict, record, reference, say)
    more = [
        say("More: {command}", command=shlex.join(["overfitlab", "show", reference, "--full"])),
        *([] if len(found.weaknesses) <= MOST_LISTED else [
            say("Weaknesses listed only there: {count}.", count=len(found.weaknesses) - MOST_LISTED)]),
    ]  # fmt: skip
    return "\n\n".join([*answer_text(found, say, width, MOST_LISTED), flowing("\n".join(more), width)])


def whole(
    verdict: Verdict, record: Answered, reference: str, say: Language = ENGLISH, width: int | None = None
) -> str:  # fmt: skip
    """Return everything: the answer, and below it all tables and sentences."""
    parts = answer_text(answer_of(verdict, record, reference, say), say, width, None)
    looks = [contrast_table, *([] if record.plan.protocol.keep == "best" else [onset_table])]
    contrasts = looks if verdict.contrasts else []
    tables = [method_table, *contrasts, *([sign_flip_table] if has_sign_flips(verdict) else [])]
    parts += [laid_out(made(verdict, say), width) for made in tables]
    if verdict.contrasts:
        parts.append(flowing(answer(verdict, say), width))
    ahead = undecided(verdict, record)
    if ahead:
        head = say("Seeds of a new study that would decide what is undecided, with a probability of 80 %, if the true "
                   "difference is the one seen here:")  # fmt: skip
        parts.append(items_text(head, what_decides(ahead, verdict, say), width))
    planned = power(record.config, record.plan)
    if planned.cases:
        parts.append(flowing(say("Estimated before training: {what}", what=power_sentence(planned, say)), width))
        parts.append(laid_out(power_table(planned, verdict.metric, say), width))
    if notes := caveats(verdict, record, say):
        parts.append(flowing("\n".join(say("Note: {what}", what=note) for note in notes), width))
    if known := optimism(verdict, say):
        parts.append("\n".join([flowing(known, width), *command_lines(fresh_command(record), width)]))
    return "\n\n".join(parts)


def answer_text(found: Answer, say: Language, width: int | None, most: int | None = None) -> list[str]:
    """Return the parts of an answer, with at most so many of its weaknesses."""
    parts = [flowing(found.lead, width)]
    if found.rows:
        parts.append(f"{contrasts_text(found.rows, say, width)}\n{flowing(found.caption, width)}")
    if found.weaknesses:
        parts.append(items_text(say("What weakens this answer:"), found.weaknesses[:most], width))
    if found.oddities:
        parts.append(items_text(say("What looks odd, and why:"), found.oddities, width))
    if found.outcome:
        parts.append(flowing(found.outcome, width))
    parts += ["\n".join([flowing(step.text, width), *command_lines(step.command, width)]) for step in found.steps]
    return parts


def contrasts_text(rows: Sequence[Row], say: Language, width: int | None) -> str:
    """Return the contrasts as a table, the differences below the words; a block each where that is too wide."""
    heads = [cell.question for cell in rows[0].cells]
    lines = [["", *heads]]
    for row in rows:
        lines += [[row.name, *(cell.word for cell in row.cells)], ["", *(cell.numbers for cell in row.cells)]]
    wide = table(lines[0], lines[1:], left=len(lines[0]))
    if cell_len(max(wide.split("\n"), key=cell_len)) <= (width or NARROW):
        return wide
    room, blocks = width or NARROW, []
    for row in rows:
        blocks += wrapped(row.name, room)
        for cell in row.cells:
            said = say("{question} {word}: {numbers}", question=cell.question, word=cell.word, numbers=cell.numbers)
            if cell_len(INDENT + said) <= room:
                blocks.append(INDENT + said)
            else:  # an estimate stays beside its interval
                question = say("{question} {word}:", question=cell.question, word=cell.word)
                blocks += [*wrapped(question, room, INDENT), *wrapped(cell.numbers, room, 2 * INDENT)]
    return "\n".join(blocks)


def command_lines(command: str, width: int | None) -> list[str]:
    """Return a command on lines that can be pasted: those that go on end in a backslash."""
    if not command:
        return []
    if width is None or cell_len(INDENT + command) <= width:
        return [INDENT + command]
    lines = [""]
    for word in _words(command):
        if lines[-1] and cell_len(f"{INDENT}{lines[-1]} {word} \\") > width:
            lines.append(INDENT)
        lines[-1] += word if not lines[-1].strip() else f" {word}"
    return [*(f"{INDENT}{line} \\" for line in lines[:-1]), INDENT + lines[-1]]


def _words(command: str) -> list[str]:
    """Return the words of a command, quoted as they have to be, each option with its value."""
    try:
        words = [shlex.quote(word) for word in shlex.split(command)]
    except ValueError:
        return [command]
    if shlex.join(shlex.split(command)) != command:  # Python, not a shell
        return [command]
    found: list[str] = []
    for word in words:
        if found and found[-1].startswith("--") and " " not in found[-1] and not word.startswith("--"):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def items_text(head: str, items: Sequence[str], width: int | None) -> str:
    """Return sentences as a list below its heading."""
    if width is None:
        return "\n".join([head, *(BULLET + item for item in items)])
    room = min(width, WIDEST)
    lines = [flowing(head, width)]
    for item in items:
        first, *rest = wrapped(item, room, INDENT)
        lines += [BULLET + first.removeprefix(INDENT), *rest]
    return "\n".join(lines)


def laid_out(found: Table, width: int | None = None) -> str:
    """Return a table as aligned text, and its note; in several parts, below each other, where it is too wide."""
    parts = [table(header, rows, found.left) for header, rows in _split(found, width)]
    if found.note:
        parts[-1] += f"\n{flowing(found.note, width)}"
    return "\n\n".join(parts)


def _split(found: Table, width: int | None) -> list[tuple[list[str], list[list[str]]]]:
    """Return header and rows of parts that fit: the names, and as many further columns as there is room for."""
    lines = [found.header, *found.rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(found.header))]
    names = list(range(found.left))
    taken = sum(widths[column] for column in names) + len(SPACE) * len(names)
    groups: list[list[int]] = [[]]
    room = taken
    for column in range(found.left, len(widths)):
        more = widths[column] + len(SPACE)
        if width is not None and groups[-1] and room + more - len(SPACE) > width:
            groups.append([])
            room = taken
        groups[-1].append(column)
        room += more
    return [
        ([found.header[column] for column in names + group], [[row[column] for column in names + group]
                                                              for row in found.rows])
        for group in groups
    ]  # fmt: skip


def listed_text(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Return rows of texts as a table, or where that is too wide, each as a name with its other cells below it."""
    wide = table(header, rows, left=len(header))
    if width is None or max(map(cell_len, wide.split("\n"))) <= width:
        return wide
    lines = []
    for name, *others in rows:
        lines += [name, *wrapped(", ".join(filter(None, others)), width, INDENT)]
    return "\n".join(lines)


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
