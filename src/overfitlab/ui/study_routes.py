"""What is answered about one study."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from anyio import to_thread
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from overfitlab.errors import OverfitlabError
from overfitlab.records.study_record import RUNNING
from overfitlab.report.marks import Panel
from overfitlab.report.paper_files import paper_files
from overfitlab.study.watching import Watched
from overfitlab.ui.charts import as_png, as_svg, language_of_file
from overfitlab.ui.desk import Desk, desk_of
from overfitlab.ui.look import part, reader, shown
from overfitlab.ui.parts import Part, Parts
from overfitlab.ui.processes import Started
from overfitlab.ui.streams import Snapshot, pause, stream
from overfitlab.ui.study_page import FIGURES, OF_VIEW, address, study_page, version, view_of
from overfitlab.ui.study_page import figure as panels_of
from overfitlab.words.language import Language

Found = TypeVar("Found")
KINDS = {"png": "image/png", "svg": "image/svg+xml"}
BEGINNING = "beginning"  # the one part of a page of a study that is being planned


async def study(request: Request) -> Response:
    """Answer with the page of a study."""
    desk, name, who = desk_of(request), request.path_params["name"], reader(request)

    def look(watched: Watched) -> Response:
        view = view_of(request.query_params, watched.record.config.methods)
        found = study_page(desk, watched, view, who.say, _of_view(request.query_params))
        return shown(request, "study.html", page=found, name=name, address=address(name))

    found = await to_thread.run_sync(desk.look, name, look)
    if found is not None:
        return found
    started = desk.processes.started.get(name)
    if started is None:
        raise HTTPException(404)
    beginning = _beginning(started, who.say)
    return shown(request, "beginning.html", name=name, address=address(name), beginning=beginning)


def _beginning(started: Started, say: Language) -> str:
    code = started.code
    return part("beginning_state.html", say, name=started.name, code=code, lines=started.words()[-12:])


async def events(request: Request) -> Response:
    """Answer with what changes on the page of a study."""
    desk, name = desk_of(request), request.path_params["name"]
    follower = _Follower(desk, name, request.query_params, reader(request).say)
    return stream(desk, request, follower.look, at_once=lambda: follower.training)


@dataclass
class _Follower:
    """Who watches one study: what is sent of it, and when.

    The end of an epoch changes the curves, and little is drawn for it; the end of a run changes all sections, which
    takes longer. So those may come later than the curves, as seldom as their processor time demands; until then the
    state has another name.
    """

    desk: Desk
    name: str
    query: QueryParams
    say: Language
    told: object = None  # what the evidence was made of that the sections were made of
    due: float = 0.0  # when they may be made again
    training: int = 1  # runs at once

    def look(self) -> Snapshot | None:
        """Return what the study's state is called, and what makes the parts of its page; None where there is none."""
        try:
            found = self.desk.look(self.name, self._state)
        except OverfitlabError as error:
            said = self.say.error(error)
            text = part("damaged.html", self.say, said=said)
            return f"damaged {hash(said)}", lambda: {"state": Part(text)}
        if found is not None:
            state, whole = found
            return state, lambda: self.desk.look(self.name, lambda watched: self._parts(watched, whole=whole)) or {}
        started = self.desk.processes.started.get(self.name)
        if started is None:
            return None
        html = _beginning(started, self.say)
        return f"{BEGINNING} {hash(html)}", lambda: {BEGINNING: Part(html)}

    def _state(self, watched: Watched) -> tuple[str, bool]:
        state = version(self.desk, watched)
        self.training = sum(not each.ended for each in watched.glances)
        if self.told == watched.known:
            return state, False
        waits = self.told is not None and watched.status == RUNNING and time.monotonic() < self.due
        return (f"{state}+", False) if waits else (state, True)

    def _parts(self, watched: Watched, *, whole: bool) -> Parts:
        began, known = time.thread_time(), watched.known
        view = view_of(self.query, watched.record.config.methods)
        found = study_page(self.desk, watched, view, self.say, _of_view(self.query), whole=whole)
        if whole:
            self.told, self.due = known, time.monotonic() + pause(time.thread_time() - began, self.training)
        return found.parts


async def parts(request: Request) -> Response:
    """Answer with the parts of the page that depend on the view, as JSON: HTML by the ids of their places."""
    desk, name, who = desk_of(request), request.path_params["name"], reader(request)

    def look(watched: Watched) -> dict[str, str]:
        view = view_of(request.query_params, watched.record.config.methods)
        found = study_page(desk, watched, view, who.say, _of_view(request.query_params), whole=False)
        return {name: str(part.whole) for name, part in found.parts.items()}

    return JSONResponse(await _looked(desk, name, look))


async def stop(request: Request) -> Response:
    """Send Ctrl-C to the process that trains a study: what was trained is kept."""
    desk, name = desk_of(request), request.path_params["name"]
    path = desk.study_path(name)
    if path is None and name in desk.processes.started:
        path = desk.runs / name  # it is being planned
    if path is None:
        raise HTTPException(404)
    await to_thread.run_sync(desk.processes.stop, path)
    return RedirectResponse(address(name), 303)


async def resume(request: Request) -> Response:
    """Take a study up again."""
    desk, name, who = desk_of(request), request.path_params["name"], reader(request)

    def look(watched: Watched) -> bool:
        desk.processes.resume(watched.path, watched.record, who.say.code)
        return True

    await _looked(desk, name, look)
    return RedirectResponse(address(name), 303)


async def image(request: Request) -> Response:
    """Answer with an image on which methods disagree."""
    desk, row = desk_of(request), request.path_params["row"]

    def look(watched: Watched) -> bytes | None:
        return desk.disputed(watched, desk.evidence(watched)).get(row)

    return _picture(await to_thread.run_sync(desk.look, request.path_params["name"], look))


async def file(request: Request) -> Response:
    """Answer with a file for a paper."""
    desk, wanted, who = desk_of(request), request.path_params["file"], reader(request)
    found = await _looked(desk, request.path_params["name"],
                          lambda watched: paper_files(desk.evidence(watched), who.say))  # fmt: skip
    if wanted not in found:
        raise HTTPException(404)
    return Response(found[wanted], media_type="text/plain; charset=utf-8", headers=_saved(wanted))


async def figure(request: Request) -> Response:
    """Answer with a figure as a file: PNG, or SVG."""
    desk, name, kind = desk_of(request), request.path_params["name"], request.path_params["kind"]
    wanted, say = request.path_params["figure"], reader(request).say
    if kind not in KINDS or wanted not in FIGURES:
        raise HTTPException(404)
    found = await _looked(
        desk, name,
        lambda watched: panels_of(desk, watched, wanted, view_of(request.query_params, watched.record.config.methods),
                                  language_of_file(kind, say)),
    )  # fmt: skip
    if found is None or not found[0]:
        raise HTTPException(404)
    return await drawn_file(found[0], found[1], wanted, kind)


async def drawn_file(panels: Sequence[Panel], columns: int, name: str, kind: str) -> Response:
    """Return the answer with a figure as a file."""
    content = await to_thread.run_sync(as_png if kind == "png" else as_svg, panels, columns)
    return Response(content, media_type=KINDS[kind], headers=_saved(f"{name}.{kind}"))


def _saved(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def _picture(content: bytes | None) -> Response:
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/png", headers={"cache-control": "private, max-age=600"})


def _of_view(query: QueryParams) -> str:
    """Return what an address says of the view, for those of figures."""
    return urlencode([(name, text) for name, text in query.multi_items() if name in OF_VIEW])


async def _looked(desk: Desk, name: str, look: Callable[[Watched], Found]) -> Found:
    found = await to_thread.run_sync(desk.look, name, look)
    if found is None:
        raise HTTPException(404)
    return found
