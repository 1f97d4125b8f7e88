"""The pages and their addresses.

Names in addresses are looked for among the folders that there are, and never used as paths.
"""

import importlib
from collections.abc import Awaitable, Callable
from importlib import resources
from urllib.parse import parse_qs, urlsplit

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.report.page import style_sheet as report_style
from overfitlab.ui import run_routes, study_routes
from overfitlab.ui.desk import Desk, desk_of
from overfitlab.ui.gate import Gate, Keys
from overfitlab.ui.listing_page import rows
from overfitlab.ui.look import LANGUAGE, THEME, THEMES, YEAR, part, reader, shown, style_sheet
from overfitlab.ui.parts import Part
from overfitlab.ui.streams import Snapshot, stream
from overfitlab.words.languages import CODES

FILES = dict.fromkeys(("stream.js", "chart.js", "form.js"), "text/javascript") | {"icon.svg": "image/svg+xml"}
SLOWER = 1.0  # seconds between two looks at the whole list
Handler = Callable[[Request], Awaitable[Response]]


def application(desk: Desk, keys: Keys) -> Gate:
    """Return the whole of it, behind the gate."""
    routes = [
        Route("/", studies),
        Route("/events", studies_events),
        Route("/static/{name}", static),
        Route("/settings", settings, methods=["POST"]),
        Route("/new", of_the_form("form")),
        Route("/new/outlook", of_the_form("beside_the_button"), methods=["POST"]),
        Route("/new/start", of_the_form("start"), methods=["POST"]),
        Route("/new/images/{place:int}.png", of_the_form("sheet")),
        Route("/study/{name}", study_routes.study),
        Route("/study/{name}/events", study_routes.events),
        Route("/study/{name}/parts", study_routes.parts),
        Route("/study/{name}/stop", study_routes.stop, methods=["POST"]),
        Route("/study/{name}/resume", study_routes.resume, methods=["POST"]),
        Route("/study/{name}/image/{row:int}.png", study_routes.image),
        Route("/study/{name}/file/{file}", study_routes.file),
        Route("/study/{name}/figure/{figure}.{kind}", study_routes.figure),
        Route("/study/{name}/run/{run}", run_routes.run),
        Route("/study/{name}/run/{run}/events", run_routes.events),
        Route("/study/{name}/run/{run}/image/{row:int}.png", run_routes.image),
        Route("/study/{name}/run/{run}/figure/curves.{kind}", run_routes.figure),
        Route("/run/{run}", run_routes.run),
        Route("/run/{run}/events", run_routes.events),
        Route("/run/{run}/image/{row:int}.png", run_routes.image),
        Route("/run/{run}/figure/curves.{kind}", run_routes.figure),
    ]
    app = Starlette(routes=routes, exception_handlers={OverfitlabError: refused, OSError: disk_refused,
                                                       404: nothing_here, 405: nothing_here, 500: failed})  # fmt: skip
    app.state.desk = desk
    return Gate(app, keys)


def of_the_form(name: str) -> Handler:
    """Return what answers about the form: it needs PyTorch for its methods, which nothing else here waits for."""

    async def answer(request: Request) -> Response:
        routes = await to_thread.run_sync(importlib.import_module, "overfitlab.ui.form_routes")
        handler: Handler = getattr(routes, name)
        return await handler(request)

    return answer


async def studies(request: Request) -> Response:
    """Answer with the list."""
    desk, who = desk_of(request), reader(request)
    found = await to_thread.run_sync(rows, desk, who.say)
    return shown(request, "studies.html", rows=part("rows.html", who.say, rows=found, folder=str(desk.runs)))


async def studies_events(request: Request) -> Response:
    """Answer with what changes in the list."""
    desk, who = desk_of(request), reader(request)

    def look() -> Snapshot:
        html = part("rows.html", who.say, rows=rows(desk, who.say), folder=str(desk.runs))
        return str(hash(html)), lambda: {"studies": Part(html)}

    return stream(desk, request, look, SLOWER)


async def static(request: Request) -> Response:
    """Answer with a file of ours: the style sheet, a script, the icon."""
    name = request.path_params["name"]
    if name == "page.css":
        return Response(style_sheet(report_style()), media_type="text/css")
    if name in FILES:
        text = (resources.files("overfitlab.ui") / "static" / name).read_text(encoding="utf-8")
        return Response(text, media_type=FILES[name])
    return Response(status_code=404)


async def settings(request: Request) -> Response:
    """Keep the language or the colours that a reader has chosen, and go back to where they were."""
    values = parse_qs((await request.body())[:2000].decode("utf-8", "replace"))
    back = urlsplit(values.get("back", ["/"])[0])
    place = back.path if back.path.startswith("/") and not back.path.startswith("//") and not back.netloc else "/"
    answer = RedirectResponse(f"{place}?{back.query}" if back.query else place, 303)
    for cookie, name, known in ((LANGUAGE, "language", CODES), (THEME, "theme", THEMES)):
        chosen = values.get(name, [""])[0]
        if chosen in known:
            answer.set_cookie(cookie, chosen, max_age=YEAR, httponly=True, samesite="strict", path="/")
    return answer


async def refused(request: Request, error: Exception) -> Response:
    """Answer with what an error of ours says."""
    if not isinstance(error, OverfitlabError):
        raise error
    say = reader(request).say
    status = 400 if isinstance(error, UsageError) else 500
    return shown(request, "message.html", status, heading=say("That did not work"), texts=[say.error(error)])


async def disk_refused(request: Request, error: Exception) -> Response:
    """Answer with what the system says."""
    say = reader(request).say
    reason = error.strerror if isinstance(error, OSError) else ""
    return shown(request, "message.html", 500, heading=say("That did not work"), texts=[str(reason or error)])


async def nothing_here(request: Request, _: Exception) -> Response:
    """Answer that there is no such page."""
    say = reader(request).say
    return shown(request, "message.html", 404, heading=say("Page not found"),
                 texts=[say("No study or run has this address; the list shows all there are.")])  # fmt: skip


async def failed(_: Request, error: Exception) -> Response:
    """Answer after a mistake of ours, without what it was: that stands in the terminal."""
    return PlainTextResponse(f"internal error: {type(error).__name__}\n", 500)
