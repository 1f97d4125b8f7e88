"""A report as Markdown, with its figures beside it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from overfitlab.interop.evidence import Document
from overfitlab.report.blocks import (
    Block,
    Bullets,
    Confusions,
    Downloads,
    Facts,
    FigureBlock,
    Paragraphs,
    Pictures,
    TableBlock,
)
from overfitlab.report.documents import sections, subtitle, title
from overfitlab.report.file_names import localized
from overfitlab.report.page import Made
from overfitlab.report.study_tables import Table
from overfitlab.words.language import ENGLISH, Language

Json = Mapping[str, Any]
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~!&])")


def markdown(evidence: Document, figures: str, say: Language = ENGLISH, *, pictures: bool = True) -> str:
    """Return the report in Markdown (CommonMark with tables), from the document of the evidence.

    `figures` is the folder of the figures, as links name it; `pictures` says whether it has the disputed images.
    """
    made = Made(
        title(evidence, say), subtitle(evidence, say), sections(evidence, say), provisional=evidence.provisional
    )
    return laid_out_text(made, figures, say, pictures=pictures)


def laid_out_text(made: Made, figures: str, say: Language, *, pictures: bool = True) -> str:
    """Return sections in Markdown."""
    lines = [f"# {escaped(made.title)}", escaped(made.subtitle)]
    if made.provisional:
        lines.append(f"**{escaped(say('Provisional: the study is not finished.'))}**")
    for section in made.sections:
        lines.append(f"## {escaped(section.title)}")
        lines += [laid_out(block, figures, say, pictures=pictures) for block in section.blocks]
    return "\n\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text that no reader of Markdown takes for markup, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def laid_out(block: Block, figures: str, say: Language, *, pictures: bool = True) -> str:
    """Return one part of the report."""
    layouts: dict[type[Block], Callable[[Any], str]] = {
        Paragraphs: lambda found: "\n\n".join(map(escaped, found.texts)),
        Bullets: lambda found: "\n".join(f"- {escaped(item)}" for item in found.items),
        TableBlock: lambda found: escaped(found.caption.removesuffix(".")) + ":\n\n" + table(found.table),
        FigureBlock: lambda found: _figure(found, figures, say),
        Confusions: lambda found: _confusions(found, figures, say),
        Pictures: lambda found: _pictures(found, figures if pictures else None, say),
        Facts: _facts,
        Downloads: lambda found: "\n".join(f"- [{one.name}]({one.name}): {escaped(one.about)}" for one in found.found),
    }
    return layouts[type(block)](block)


def table(found: Table) -> str:
    """Return a table, and its note."""
    marks = ["---" if column < found.left else "---:" for column in range(len(found.header))]
    lines = [_row(map(escaped, found.header)), _row(marks), *(_row(map(escaped, row)) for row in found.rows)]
    return "\n".join(lines) + (f"\n\n{escaped(found.note)}" if found.note else "")


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _picture(figures: str, name: str, say: Language) -> str:
    return f"{figures}/{localized(f'{name}.png', say.code)}"


def _figure(block: FigureBlock, figures: str, say: Language) -> str:
    said = " ".join(panel.alternative for panel in block.panels)
    return f"![{escaped(said)}]({_picture(figures, block.name, say)})\n\n{escaped(block.caption)}"


def _confusions(block: Confusions, figures: str, say: Language) -> str:
    alternative = say("Confusion matrices of {methods}", methods=say.listing([one.name for one in block.found]))
    tops = "\n".join(f"- {escaped(f'{one.name}: {one.top}')}" for one in block.found if one.top)
    return f"![{escaped(alternative)}]({_picture(figures, 'confusion', say)})\n\n{escaped(block.caption)}\n\n{tops}"


def _pictures(block: Pictures, figures: str | None, say: Language) -> str:
    header = (say("image"), say("true class"), *(method for method, _ in block.found[0].opinions))
    rows = tuple((str(one.row), one.true, *(said for _, said in one.opinions)) for one in block.found)
    alternative = say("The images and the predictions of each method, as in the table below.")
    if figures is None:
        shown = escaped(say("The images are no longer where they were, so there are no pictures."))
    else:
        shown = f"![{escaped(alternative)}]({_picture(figures, 'disputed', say)})"
    return f"{escaped(block.caption)}\n\n{shown}\n\n{table(Table(header, rows, left=2))}"


def _facts(block: Facts) -> str:
    if block.commands:
        return "\n".join(
            f"- {escaped(term)}{'' if term.endswith('.') else ':'} {_code(value)}" for term, value in block.entries
        )
    return "\n".join(f"- {escaped(term)}: {escaped(value)}" for term, value in block.entries)


def _code(text: str) -> str:
    """Return text as code, between more backticks than it holds itself."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
