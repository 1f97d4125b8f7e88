"""A report as one HTML file that needs nothing else: no scripts, no requests, and a policy that allows none."""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import jinja2
from markupsafe import Markup

from overfitlab._version import __version__
from overfitlab.report.blocks import (
    Block,
    Bullets,
    Confusions,
    Facts,
    FigureBlock,
    Paragraphs,
    Pictures,
    TableBlock,
)
from overfitlab.report.content import sections, subtitle, title
from overfitlab.report.inline_svg import DrawnPanel, inline_svg
from overfitlab.report.palette import COLORS
from overfitlab.report.study_figures import FIGURES
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH, Language

Json = Mapping[str, Any]
MACROS: dict[type[Block], str] = {
    Paragraphs: "paragraphs", Bullets: "bullets", TableBlock: "table", FigureBlock: "figure",
    Confusions: "confusions", Pictures: "pictures", Facts: "facts",
}  # fmt: skip
TEMPLATES = "report/templates"
SHADES = 10  # steps of a confusion matrix
SIGNS = (
    (re.compile(r"(?<![\w+*/.-])-(?=\d)"), "\N{MINUS SIGN}"),
    (re.compile(r"\bx(?=\d+\.\d\d$)"), "\N{MULTIPLICATION SIGN}"),  # the whole of a cell
    (re.compile(r"(?<=\d) %"), "\N{NO-BREAK SPACE}%"),
    (re.compile(r"\b([np]) ([=<]) (?=\d)"), "\\1\N{NO-BREAK SPACE}\\2\N{NO-BREAK SPACE}"),
)
LEAST_SHOWN = 0.5  # percent: less is an empty cell


Drawings = Mapping[str, Sequence[DrawnPanel]]  # the panels of each figure, by its name


def drawings(evidence: Evidence, say: Language = ENGLISH) -> Drawings:
    """Return the panels of all figures that have some."""
    panels = {name: make(evidence, say) for name, (make, _) in FIGURES.items()}
    return {
        name: [inline_svg(panel, f"{name}-{number}") for number, panel in enumerate(found, start=1)]
        for name, found in panels.items()
        if found
    }


def page(
    evidence: Evidence,
    pictures: Mapping[int, bytes] | None = None,
    say: Language = ENGLISH,
    drawn: Drawings | None = None,
) -> str:
    """Return the page, from the document of the evidence and PNG pictures of test images by their rows.

    `drawn` are the panels, where they have been drawn already. The same document and pictures give the same page.
    """
    figures = drawings(evidence, say) if drawn is None else drawn

    def drawn_panel(name: str, number: int) -> Markup:
        return Markup(figures[name][number - 1].svg)  # noqa: S704 - made of elements, not of text

    environment = _environment()
    shown = {row: f"data:image/png;base64,{base64.b64encode(png).decode()}" for row, png in (pictures or {}).items()}
    parts = {"say": say, "drawn": drawn_panel, "shade": _shade, "cell": _cell, "shown": shown, "typeset": typeset}
    macros: Any = environment.get_template("blocks.html").make_module(parts)

    numbers = count(1)  # that keep ids apart

    def laid_out(block: Block) -> Markup:
        made: Callable[[Block, int], Markup] = getattr(macros, MACROS[type(block)])
        return made(block, next(numbers))

    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return environment.get_template("report.html").render(
        say=say, version=__version__, title=title(evidence, say), subtitle=subtitle(evidence, say),
        provisional=evidence.provisional, sections=sections(evidence, say), laid_out=laid_out,
        style=Markup(style), policy=policy,  # noqa: S704 - ours, and hashed as it stands
    )  # fmt: skip


@cache
def _environment() -> jinja2.Environment:
    """Return the templates; whatever is put into them is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("overfitlab", TEMPLATES), autoescape=True, trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip


@cache
def _style() -> str:
    """Return the style sheet, with our colours in it."""
    template = _environment().get_template("report.css")
    classes = "\n".join(
        f".{kind}-{name} {{ {kind}: var(--{name}); }}" for name in COLORS for kind in ("fill", "stroke")
    )
    shades = "\n".join(
        f".share-{step} {{ background: color-mix(in srgb, var(--share) {100 * step // SHADES}%, var(--surface)); }}"
        for step in range(1, SHADES + 1)
    )
    return template.render(
        light=" ".join(f"--{name}: {color.light};" for name, color in COLORS.items()),
        dark=" ".join(f"--{name}: {color.dark};" for name, color in COLORS.items()),
        classes=classes,
        shades=shades,
    )


def typeset(text: str) -> str:
    """Return text with the signs of print for those of the keyboard.

    A true minus, which screen readers say aloud; the sign of multiplication; no line broken within `95 %` and `n = 9`.
    """
    for pattern, sign in SIGNS:
        text = pattern.sub(sign, text)
    return text


def _shade(share: float) -> int:
    """Return the step of a share in percent; the square root shows the few mistakes of a good network too."""
    return round(SHADES * math.sqrt(share / 100))


def _cell(share: float) -> str:
    return f"{share:.0f}" if share >= LEAST_SHOWN else ""
