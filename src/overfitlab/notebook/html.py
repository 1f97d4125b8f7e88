"""Pieces of HTML for the outputs of notebooks: no style sheet and no script, which notebooks share or refuse."""

from collections.abc import Sequence

from overfitlab.report.marks import Panel
from overfitlab.report.palette import light
from overfitlab.report.study_tables import Table
from overfitlab.report.svg import panel_svg
from overfitlab.report.svg_elements import escaped

PANEL_WIDTH = "21em"
CELL = "padding:.2em .7em;text-align:{side};white-space:nowrap;vertical-align:top;border:0"
STRONG = ("helps", "harms")


def card(*parts: str) -> str:
    """Return parts on white ground, in dark letters: notebooks can be dark, and figures are drawn for light ground."""
    ground, ink = light("surface"), light("ink")
    style = f"background:{ground};color:{ink};padding:.6em .8em;font-family:sans-serif;line-height:1.4;max-width:75em"
    return f'<div style="{style}">{"".join(parts)}</div>'


def paragraph(text: str, *, strong: bool = False) -> str:
    """Return a paragraph."""
    weight = ";font-weight:600" if strong else ""
    return f'<p style="margin:.2em 0;max-width:52em{weight}">{escaped(text)}</p>' if text else ""


def bar(share: float, text: str, label: str = "") -> str:
    """Return a bar of progress, from 0 to 1, with text beside it."""
    named = f'<span style="display:inline-block;min-width:18em">{escaped(label)}</span>' if label else ""
    progress = f'<progress max="1" value="{min(max(share, 0.0), 1.0):.3f}" style="width:14em;vertical-align:middle">'
    return f'<div style="margin:.1em 0">{named}{progress}</progress> {escaped(text)}</div>'


def figures(panels: Sequence[Panel]) -> str:
    """Return panels beside each other, or below each other where there is no room."""
    shown = "".join(f'<div style="flex:1 1 17em;max-width:{PANEL_WIDTH}">{panel_svg(panel)}</div>' for panel in panels)
    family = "font-family:DejaVu Sans,Noto Sans,Noto Sans CJK KR,Malgun Gothic,Helvetica,Arial,sans-serif"
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;{family}">{shown}</div>' if panels else ""


def table(found: Table) -> str:
    """Return a table; words of a verdict have their colour."""
    head = "".join(_cell("th", cell, place < found.left) for place, cell in enumerate(found.header))
    rows = "".join(
        "<tr>" + "".join(
            _cell("td", cell, place < found.left, found.tones.get((number, place))) for place, cell in enumerate(row)
        ) + "</tr>"
        for number, row in enumerate(found.rows)
    )  # fmt: skip
    style = f"border-collapse:collapse;font-size:.95em;color:{light('ink')};background:{light('surface')}"
    return (
        f'<div style="overflow-x:auto"><table style="{style}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
        "</table></div>"
    )


def _cell(kind: str, text: str, left: bool, tone: str | None = None) -> str:
    style = CELL.format(side="left" if left else "right")
    if tone in STRONG:
        style += f";color:{light(str(tone))};font-weight:600"
    return f'<{kind} style="{style}">{escaped(text)}</{kind}>'
