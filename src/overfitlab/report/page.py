"""A report as one HTML file that needs nothing else: no scripts, no requests, and a policy that allows none."""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Mapping
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
    Downloads,
    Facts,
    FigureBlock,
    Offered,
    Paragraphs,
    Pictures,
    TableBlock,
)
from overfitlab.report.documents import Document, sections, subtitle, title
from overfitlab.report.marks import Panel
from overfitlab.report.palette import COLORS
from overfitlab.report.svg import panel_svg
from overfitlab.words.language import ENGLISH, Language

Json = Mapping[str, Any]
MACROS: dict[type[Block], str] = {
    Paragraphs: "paragraphs", Bullets: "bullets", TableBlock: "table", FigureBlock: "figure",
    Confusions: "confusions", Pictures: "pictures", Facts: "facts",
    Downloads: "downloads",
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


def page(evidence: Document, pictures: Mapping[int, bytes] | None = None, say: Language = ENGLISH) -> str:
    """Return the page, from the document of the evidence and PNG pictures of test images by their rows.

    The same document and pictures give the same page.
    """

    def drawn(panel: Panel) -> Markup:
        return Markup(panel_svg(panel))  # noqa: S704 - texts in it are escaped

    environment = _environment()
    shown = {row: f"data:image/png;base64,{base64.b64encode(png).decode()}" for row, png in (pictures or {}).items()}
    parts = {
        "say": say,
        "drawn": drawn,
        "shade": _shade,
        "cell": _cell,
        "shown": shown,
        "typeset": typeset,
        "link": _link,
    }
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


def _link(offered: Offered) -> str:
    """Return the address of a file that is in the page itself, so that it can be passed on with it."""
    return f"data:{offered.kind};charset=utf-8;base64,{base64.b64encode(offered.content).decode()}"


def _shade(share: float) -> int:
    """Return the step of a share in percent; the square root shows the few mistakes of a good network too."""
    return round(SHADES * math.sqrt(share / 100))


def _cell(share: float) -> str:
    return f"{share:.0f}" if share >= LEAST_SHOWN else ""
