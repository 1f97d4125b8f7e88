"""What is answered about one run, of a study or by itself."""

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from overfitlab.api.listing import status_of
from overfitlab.records.run_folder import RunFolder, StoredRun
from overfitlab.records.run_record import OwnRunRecord
from overfitlab.study.watching import Watched
from overfitlab.ui.charts import language_of_file
from overfitlab.ui.desk import Desk, desk_of
from overfitlab.ui.look import reader, shown
from overfitlab.ui.run_page import figure as panels_of
from overfitlab.ui.run_page import pictures, predictions, run_page, worst
from overfitlab.ui.study_page import address
from overfitlab.ui.study_routes import KINDS, drawn_file
from overfitlab.words.language import Language

Found = tuple[RunFolder, StoredRun]


async def run(request: Request) -> Response:
    """Answer with the page of a run; `beside` in its address names another one of the study to compare it with."""
    desk, say = desk_of(request), reader(request).say
    study, name = request.path_params.get("name"), request.path_params["run"]
    place = f"/run/{name}" if study is None else address(study, "run", name)

    def made() -> Response | None:
        found = _run(desk, study, name)
        if found is None:
            return None
        others = _names(desk, study)
        beside = request.query_params.get("beside", "")
        other = _run(desk, study, beside) if beside in others and beside != name else None
        folder, stored = found
        page = run_page(folder, stored, place, request.query_params.get("part", ""),
                        None if other is None else other[1], say,
                        status_of(folder.path, stored.record.status))  # fmt: skip
        return shown(
            request, "run.html", page=page, place=place, study=study, name=name,
            study_address=None if study is None else address(study), beside=beside,
            others=[each for each in others if each != name],
        )  # fmt: skip

    answer = await to_thread.run_sync(made)
    if answer is None:
        raise HTTPException(404)
    return answer


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
