"""How a reader wants pages: language and colours, from cookies; and the pages themselves, from templates."""

import gc
import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from overfitlab._version import __version__
from overfitlab.report.page import block_maker, typed, typeset, wrapped
from overfitlab.report.palette import COLORS
from overfitlab.ui.charts import drawn
from overfitlab.ui.parts import mark
from overfitlab.words.language import ENGLISH, Language
from overfitlab.words.languages import CODES, language_named, spoken

LANGUAGE, THEME = "overfitlab-language", "overfitlab-theme"
THEMES = ("auto", "light", "dark")
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Reader:
    """Who reads: in which language, in which colours."""

    say: Language
    theme: str = "auto"


def reader(request: Request) -> Reader:
    """Return what a request asks for: its cookies, else the language of the browser where we speak it."""
    code, theme = request.cookies.get(LANGUAGE, ""), request.cookies.get(THEME, "auto")
    if code not in CODES:
        own = spoken()
        accepted = request.headers.get("accept-language", "")[:2].lower()
        code = accepted if own is ENGLISH and accepted in CODES else own.code
    return Reader(language_named(code), theme if theme in THEMES else "auto")


@cache
def templates() -> jinja2.Environment:
    """Return the templates; whatever is put into them is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("overfitlab", "ui/templates"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip


def warm() -> None:
    """Compile the templates, and import what verdicts wait for: nobody has to wait for these seconds with a page.

    What is there by then stays, so the garbage collector need not look through it whenever much is read.
    """
    for name in templates().list_templates(extensions=["html"]):
        templates().get_template(name)
    block_maker(ENGLISH, drawn, {}, lambda _: "")
    importlib.import_module("scipy.stats")
    gc.freeze()


def shown(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """Return a page."""
    who = reader(request)
    values |= {"say": who.say, "theme": who.theme, "version": __version__, "typeset": typeset,
               "path": request.url.path, "codes": CODES, "themes": THEMES}  # fmt: skip
    return HTMLResponse(templates().get_template(template).render(**values), status)


def part(template: str, say: Language, /, **values: Any) -> Markup:
    """Return a part of a page."""
    ours = {"say": say, "typeset": typeset, "typed": typed, "wrapped": wrapped, "mark": mark}
    text = templates().get_template(template).render(**ours, **values)
    return Markup(text)  # noqa: S704 - what is put into templates is escaped there


@cache
def style_sheet(report: str) -> str:
    """Return the style sheet of all pages: that of reports, the colours of both themes, and what is ours alone."""
    light, dark = (" ".join(f"--{name}: {getattr(color, kind)};" for name, color in COLORS.items())
                   for kind in ("light", "dark"))  # fmt: skip
    own = jinja2.Environment(loader=jinja2.PackageLoader("overfitlab", "ui/static"), autoescape=False)  # noqa: S701
    return "\n".join([
        report,
        f':root[data-theme="light"] {{ color-scheme: light; {light} }}',
        f'@media screen {{ :root[data-theme="dark"] {{ color-scheme: dark; {dark} }} }}',
        own.get_template("page.css").render(),
    ])  # fmt: skip
