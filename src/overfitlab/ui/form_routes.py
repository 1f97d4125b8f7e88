"""What is answered about the form that starts a study."""

from urllib.parse import parse_qs

from anyio import to_thread
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from overfitlab.api.planning import MODELS, PROTOCOLS
from overfitlab.config import UNTIL
from overfitlab.errors import OverfitlabError
from overfitlab.report.power_text import power_sentence, power_table, runs_sentence
from overfitlab.terminal.task_screen import duration
from overfitlab.ui.desk import Desk, desk_of
from overfitlab.ui.form_page import Looked, choices, looked, looked_of, methods, name_of, wish_of
from overfitlab.ui.look import part, reader, shown
from overfitlab.ui.study_page import address
from overfitlab.words.language import Language

LARGEST_FORM = 64_000  # bytes
Values = dict[str, list[str]]


async def form(request: Request) -> Response:
    """Answer with the form; what its address says is filled in."""
    return await _form(request, parse_qs(request.url.query, keep_blank_values=True), "", 200)


async def _form(request: Request, values: Values, problem: str, status: int) -> Response:
    desk, seen, say = desk_of(request), looked_of(request), reader(request).say

    def made() -> Response:
        here, elsewhere = choices(desk, say)
        beside = problem or _beside(desk, seen, values, say)
        return shown(
            request, "form.html", status, data=here, elsewhere=elsewhere, methods=methods(values, say), models=MODELS,
            protocols=PROTOCOLS, maximum=UNTIL, beside=beside,
            value=lambda name, default="": values.get(name, [default])[0],
        )  # fmt: skip

    return await to_thread.run_sync(made)


async def beside_the_button(request: Request) -> Response:
    """Answer with what stands beside the button: cost, and what can be decided."""
    values, say = await _posted(request), reader(request).say
    html = await to_thread.run_sync(_beside, desk_of(request), looked_of(request), values, say)
    return HTMLResponse(str(html))


async def start(request: Request) -> Response:
    """Start a study, and go to its page; answer with the form and what is wrong where it cannot be."""
    desk, seen, say = desk_of(request), looked_of(request), reader(request).say
    values = await _posted(request)
    if "look" in values:  # without scripts: what would it cost?
        return await _form(request, values, "", 200)

    def made() -> str:
        wish = wish_of(values, desk, say)
        name = name_of(values, looked(desk, seen, wish))
        desk.processes.start(name, wish.arguments(), say.code)
        return name

    try:
        name = await to_thread.run_sync(made)
    except OverfitlabError as error:
        return await _form(request, values, part("problem.html", say, text=say.error(error)), 400)
    return RedirectResponse(address(name), 303)


async def sheet(request: Request) -> Response:
    """Answer with some of the images that can be chosen, by their place in the list."""
    desk, seen, say = desk_of(request), looked_of(request), reader(request).say
    place = request.path_params["place"]

    def made() -> bytes | None:
        here, _ = choices(desk, say)
        if place >= len(here):
            return None
        seen.at(here[place].given)
        return seen.sheets[here[place].given]

    content = await to_thread.run_sync(made)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/png")


def _beside(desk: Desk, seen: Looked, values: Values, say: Language) -> Markup:
    try:
        wish = wish_of(values or {"method": ["dropout", "batch_norm"]}, desk, say)
        found = looked(desk, seen, wish)
    except OverfitlabError as error:
        return part("problem.html", say, text=say.error(error))
    plan, config = found.plan, found.config
    rounds = None if found.rounds is None else runs_sentence(found.rounds, config.metric, say)
    table = power_table(found.power, config.metric, say) if found.power.cases else None
    seconds = found.seconds
    if found.rounds is not None:
        seconds *= found.rounds.typical / (len(config.methods) * plan.seeds)
    return part(
        "outlook.html", say, name=found.name, labels=[str(say.method(each)) for each in found.labels.values()],
        plan=plan, count=len(config.methods) * plan.seeds, time=duration(seconds), jobs=found.jobs,
        estimate=found.estimate, power=table, rounds=rounds, parts=plan.parts,
        sentence=power_sentence(found.power, say) if table else "", gave_up=[say.reason(each) for each in plan.gave_up],
        until=config.until_decided is not None,
        command=" ".join(["overfitlab", "compare", *wish.arguments()]),
    )  # fmt: skip


async def _posted(request: Request) -> Values:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise HTTPException(413)
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
