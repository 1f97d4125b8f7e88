"""A report as one HTML file that needs nothing else: no scripts, no requests, and a policy that allows none."""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import jinja2
from markupsafe import Markup

from overfitlab._version import __version__
from overfitlab.interop.evidence import Document
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
    Section,
    TableBlock,
)
from overfitlab.report.documents import sections, subtitle, title
from overfitlab.report.marks import Panel
from overfitlab.report.palette import COLORS
from overfitlab.report.svg import panel_svg
from overfitlab.words.columns import NO_BREAK, NUMBERS
from overfitlab.words.language import ENGLISH, Language
from overfitlab.words.languages import NAMES

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
)
SETTINGS = re.compile(r"(?<=[^\s,],)(?=[A-Za-z_]+=)|(?<=[a-z]\.)(?=[a-z_])")  # `rate=0.5,shared=1`, `protocol.name`
LEAST_SHOWN = 0.5  # percent: less is an empty cell


@dataclass(frozen=True)
class Made:
    """A report, ready to be laid out."""

    title: str
    subtitle: str
    sections: Sequence[Section]
    provisional: bool = False
    kind: str = "study"  # or run


def page(
    evidence: Document,
    pictures: Mapping[int, bytes] | None = None,
    say: Language = ENGLISH,
    others: Mapping[str, str] | None = None,
) -> str:
    """Return the page, from the document of the evidence and PNG pictures of test images by their rows.

    `others` has the files of the same page in other languages, by their codes: those that are there. The same document
    and pictures give the same page.
    """
    made = Made(
        title(evidence, say), subtitle(evidence, say), sections(evidence, say), provisional=evidence.provisional
    )
    return laid_out_page(made, say, "verdict.json", pictures, others)


def laid_out_page(
    made: Made,
    say: Language,
    numbers_in: str,
    pictures: Mapping[int, bytes] | None = None,
    others: Mapping[str, str] | None = None,
) -> str:
    """Return sections as a page; `numbers_in` is the file beside it that has all numbers."""

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
        "typed": typed,
        "wrapped": wrapped,
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
        say=say, version=__version__, made=made, laid_out=laid_out, numbers_in=numbers_in,
        anchor=made.sections[0].anchor, others=[(code, NAMES[code], file) for code, file in (others or {}).items()],
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

    A true minus, which screen readers say aloud; the sign of multiplication; no line broken within `95 %`, `n = 9` or
    `+0.2 to +1.3`.
    """
    text = NUMBERS.sub(lambda found: found[0].replace(" ", NO_BREAK), text)
    for pattern, sign in SIGNS:
        text = pattern.sub(sign, text)
    return text


def typed(command: str) -> Markup:
    """Return a command whose lines break between its words: a flag such as `--epochs` stays whole."""
    return Markup(" ").join(Markup("<span>{}</span>").format(word) for word in command.split(" "))


def wrapped(text: str) -> Markup:
    """Return text whose lines can break before the next of several settings, rather than within its number."""
    return Markup("<wbr>").join(SETTINGS.split(text))


def _link(offered: Offered) -> str:
    """Return the address of a file that is in the page itself, so that it can be passed on with it."""
    return f"data:{offered.kind};charset=utf-8;base64,{base64.b64encode(offered.content).decode()}"


def _shade(share: float) -> int:
    """Return the step of a share in percent; the square root shows the few mistakes of a good network too."""
    return round(SHADES * math.sqrt(share / 100))


def _cell(share: float) -> str:
    return f"{share:.0f}" if share >= LEAST_SHOWN else ""


def block_maker(
    say: Language, drawn: Callable[[Panel], Markup], shown: Mapping[int, str], link: Callable[[Offered], str]
) -> Callable[[Block, int], Markup]:
    """Return what makes HTML of a block, for pages that are not one file, given a number that keeps ids apart.

    `drawn` draws a panel, `shown` has addresses of pictures by their rows, and `link` that of a file to take away.
    """
    parts = {
        "say": say, "drawn": drawn, "shade": _shade, "cell": _cell, "shown": shown, "typeset": typeset, "typed": typed,
        "wrapped": wrapped, "link": link,
    }  # fmt: skip
    macros: Any = _environment().get_template("blocks.html").make_module(parts)

    def made(block: Block, number: int) -> Markup:
        make: Callable[[Block, int], Markup] = getattr(macros, MACROS[type(block)])
        return make(block, number)

    return made


def style_sheet() -> str:
    """Return the style sheet of a report, with our colours in it."""
    return _style()
