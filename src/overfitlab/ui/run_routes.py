"""What is answered about one run, of a study or by itself."""

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

from anyio import to_thread
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from overfitlab.api.listing import status_of
from overfitlab.errors import OverfitlabError
from overfitlab.records.run_folder import RunFolder, StoredRun
from overfitlab.records.run_record import RUNNING, OwnRunRecord
from overfitlab.study.watching import Watched
from overfitlab.ui.charts import language_of_file
from overfitlab.ui.desk import Desk, desk_of
from overfitlab.ui.look import part, reader, shown
from overfitlab.ui.parts import Part, Parts
from overfitlab.ui.run_page import figure as panels_of
from overfitlab.ui.run_page import growing_parts, pictures, predictions, settled_parts, worst
from overfitlab.ui.streams import Snapshot, stream
from overfitlab.ui.study_page import address
from overfitlab.ui.study_routes import KINDS, drawn_file
from overfitlab.words.language import Language

Found = tuple[RunFolder, StoredRun]
ORDER = ("top", "curves", "images", "configuration", "network", "log")
LOOKS = 10  # after so many of them somebody looks whether anybody is at the run


@dataclass
class _Asked:
    """A run whose page is asked for, and the parts of it as they are now."""

    desk: Desk
    study: str | None
    name: str
    query: QueryParams
    say: Language
    looks: int = 0
    held: str = ""  # its status, when somebody last looked whether anybody is at it

    @classmethod
    def by(cls, request: Request) -> "_Asked":
        """Return what a request asks for; `beside` names another run to compare it with."""
        study, name = request.path_params.get("name"), request.path_params["run"]
        return cls(desk_of(request), study, name, request.query_params, reader(request).say)

    @property
    def place(self) -> str:
        """The address of its page."""
        return f"/run/{quote(self.name, safe='')}" if self.study is None else address(self.study, "run", self.name)

    def follow(self) -> Snapshot | None:
        """Return the same as `look`, and of a run that cannot be read what is wrong with it."""
        try:
            return self.look()
        except OverfitlabError as error:
            said = self.say.error(error)
            text = part("damaged.html", self.say, said=said)
            return f"damaged {hash(said)}", lambda: {"top": Part(text)}

    def look(self) -> Snapshot | None:
        """Return what its state is called, and what makes the parts of its page; None where there is no such run.

        Raises what reading it raises.
        """
        found = _run(self.desk, self.study, self.name)
        if found is None:
            return None
        folder, stored = found
        if self.looks % LOOKS == 0 or stored.record.status != RUNNING:  # a lock is taken for a moment by who looks
            self.held = status_of(folder.path, stored.record.status)
        self.looks += 1
        status, said = self.held, repr((self.held, folder.stamps()))
        state = hashlib.sha256(said.encode()).hexdigest()[:16]
        return state, lambda: self._parts(folder, stored, status)

    def _parts(self, folder: RunFolder, stored: StoredRun, status: str) -> Parts:
        others = [each for each in _names(self.desk, self.study) if each != self.name]
        beside, wanted = self.query.get("beside", ""), self.query.get("part", "")
        other = _run(self.desk, self.study, beside) if beside in others else None
        key = self.place, folder.stamps()[0], wanted, beside, tuple(others), self.say.code
        settled = self.desk.pages.get(
            key,
            lambda: settled_parts(folder, stored, self.place, wanted, others, other and other[1], self.say),
        )
        parts = growing_parts(folder, stored, self.place, self.say, status) | settled
        return {name: parts[name] for name in ORDER}


async def run(request: Request) -> Response:
    """Answer with the page of a run."""
    asked = _Asked.by(request)

    def made() -> Response | None:
        found = asked.look()
        if found is None:
            return None
        state, make = found
        return shown(
            request, "run.html", parts=make(), since=state, address=asked.place, study=asked.study, name=asked.name,
            study_address=None if asked.study is None else address(asked.study),
        )  # fmt: skip

    answer = await to_thread.run_sync(made)
    if answer is None:
        raise HTTPException(404)
    return answer


async def events(request: Request) -> Response:
    """Answer with what changes on the page of a run."""
    return stream(desk_of(request), request, _Asked.by(request).follow)


async def image(request: Request) -> Response:
    """Answer with an image that the run takes for something else."""
    desk, row = desk_of(request), request.path_params["row"]
    study, name = request.path_params.get("name"), request.path_params["run"]

    def made() -> bytes | None:
        found = _run(desk, study, name)
        if found is None or not isinstance(found[1].record, OwnRunRecord):
            return None
        folder, stored = found
        record = found[1].record

        def drawn() -> dict[int, bytes]:
            mistakes = [
                each for one in predictions(folder, stored).values() for each in worst(one, record.data.classes)
            ]
            return pictures(record, [each.row for each in mistakes])

        return desk.pictures.get((folder.path, record.files.get("probabilities.safetensors")), drawn).get(row)

    content = await to_thread.run_sync(made)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/png")


async def figure(request: Request) -> Response:
    """Answer with the curves as a file."""
    desk, kind = desk_of(request), request.path_params["kind"]
    say: Language = reader(request).say
    found = await to_thread.run_sync(_run, desk, request.path_params.get("name"), request.path_params["run"])
    if found is None or kind not in KINDS or not found[1].rows:
        raise HTTPException(404)
    panels = await to_thread.run_sync(panels_of, found[1], language_of_file(kind, say))
    return await drawn_file(panels, 2, "curves", kind)


def _run(desk: Desk, study: str | None, name: str) -> Found | None:
    if study is None:
        return desk.single_run(name)

    def look(watched: Watched) -> Found | None:
        try:
            return watched.folder_of(name), watched.stored(name)
        except KeyError:
            return None

    return desk.look(study, look)


def _names(desk: Desk, study: str | None) -> list[str]:
    """Return the names of the runs that one of them can be compared with."""
    if study is None:
        return desk.single_runs()
    return desk.look(study, lambda watched: [each.name for each in watched.glances]) or []
