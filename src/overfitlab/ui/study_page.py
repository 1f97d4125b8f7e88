"""The page of a study: what a report holds, section by section, and how far the study has come."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from markupsafe import Markup
from starlette.datastructures import QueryParams

from overfitlab.records.study_folder import LOG
from overfitlab.records.study_record import FINISHED, INTERRUPTED, RUNNING
from overfitlab.report import image_figures, live_figures, study_figures
from overfitlab.report.blocks import Block, Downloads, FigureBlock, Offered, Pictures, Section
from overfitlab.report.content import sections, subtitle, title
from overfitlab.report.live_figures import METRICS, MOST_SMOOTHING, View
from overfitlab.report.marks import Panel
from overfitlab.report.page import block_maker, typeset
from overfitlab.report.power_text import power_sentence, power_table
from overfitlab.study.evidence import Evidence
from overfitlab.study.watching import Watched
from overfitlab.terminal.task_screen import duration
from overfitlab.ui.charts import drawn, leading, plate
from overfitlab.ui.desk import Desk
from overfitlab.ui.look import part
from overfitlab.ui.parts import Part
from overfitlab.words.language import Language

CURVES, GAPS, DIFFERENCES = "learning_curves", "gap_curves", "paired_differences"
LIVE = {"curves": CURVES, "gaps": GAPS}  # sections whose figures grow
FIGURES = (*study_figures.FIGURES, "confusion")
OF_VIEW = ("shown", "metric", "method", "smoothing", "log", "single")  # what an address says of the view
FAILED = (1, 2)  # how a process ends that could not do what was asked for
LAST_LINES = 40  # of the workers' log


@dataclass(frozen=True)
class Page:
    """A study as it is shown: parts that are put in place one by one, by their ids."""

    title: str
    subtitle: str
    contents: list[tuple[str, str]]  # anchor and heading
    parts: dict[str, Part]
    version: str


def view_of(query: QueryParams, methods: Sequence[str]) -> View:
    """Return what a reader wants to see of the curves, as the form says it; what makes no sense is left out."""
    if "shown" not in query:
        return View()
    metrics = tuple(metric for metric in METRICS if metric in query.getlist("metric")) or METRICS
    places = {int(text) for text in query.getlist("method") if text.isascii() and text.isdigit() and len(text) < 5}
    try:
        smoothing = min(max(float(query.get("smoothing", "0")), 0.0), MOST_SMOOTHING)
    except ValueError:
        smoothing = 0.0
    smoothing = 0.0 if math.isnan(smoothing) else smoothing
    chosen = frozenset(method for place, method in enumerate(methods) if place in places)
    return View(metrics, chosen, round(smoothing, 2), "log" in query,
                "single" in query)  # fmt: skip


def address(name: str, *more: str) -> str:
    """Return the address of a study, or of something that belongs to it."""
    return "/".join(["/study", quote(name, safe=""), *(quote(each, safe="") for each in more)])


def study_page(desk: Desk, watched: Watched, view: View, say: Language, query: str, *, whole: bool = True) -> Page:
    """Return the page of a study as it is now; `query` is what its address says of the view.

    Without the `whole` of it there are only the parts that change from epoch to epoch, or with the view.
    """
    path, now = watched.path, version(desk, watched)
    grown = desk.pages.get((path, now, view, say.code, query), lambda: _growing(desk, watched, view, say, query))
    evidence = desk.evidence(watched)
    contents: list[tuple[str, str]] = []
    parts: dict[str, Part] = {}
    if whole:
        settled = desk.pages.get((path, watched.known, say.code), lambda: _settled(desk, watched, say))
        contents = _contents(settled, grown, first=watched.status != FINISHED)
        parts = {"contents": Part(part("contents.html", say, contents=contents)), **settled.parts}
    parts |= grown.parts
    return Page(title(evidence, say), subtitle(evidence, say), contents, parts, now)


@dataclass(frozen=True)
class _Made:
    """Parts that were made at one time, and the headings of those that are sections."""

    parts: dict[str, Part]
    headings: dict[str, str]


def _settled(desk: Desk, watched: Watched, say: Language) -> _Made:
    """Return the sections that stay until another run has ended."""
    evidence = desk.evidence(watched)
    made = _maker(desk, watched, evidence, say, "")
    told = sections(evidence, say, has_buttons=watched.status != FINISHED)
    found = [section for section in told if section.anchor not in LIVE]
    parts = {section.anchor: _section(section, made, say, watched, evidence, View()) for section in found}
    return _Made(parts, {section.anchor: section.title for section in found})


def _growing(desk: Desk, watched: Watched, view: View, say: Language, query: str) -> _Made:
    """Return the parts that change from epoch to epoch, and with the view."""
    evidence = desk.evidence(watched)
    made, found = _maker(desk, watched, evidence, say, query), live_sections(watched, evidence, view, say)
    parts = {"state": Part(state(desk, watched, say))}
    parts |= {anchor: _section(section, made, say, watched, evidence, view) for anchor, section in found.items()}
    headings = {anchor: section.title for anchor, section in found.items()} | {"runs": say("All runs")}
    return _Made(parts | {"runs": _runs(watched, say)}, headings)


def _contents(settled: _Made, grown: _Made, *, first: bool) -> list[tuple[str, str]]:
    """Return anchors and headings as a report has them; the curves come `first` while they are the news."""
    anchors = [*settled.headings]
    before = "answer" if first else "methods"
    where = anchors.index(before) + 1 if before in anchors else 0
    anchors[where:where] = [anchor for anchor in grown.headings if anchor in LIVE]
    headings = settled.headings | grown.headings
    return [(anchor, headings[anchor]) for anchor in (*anchors, "runs")]


def version(desk: Desk, watched: Watched) -> str:
    """Return what a study's state is called: the same state has the same name after a new start of the server, too.

    What this server started and stops is a part of it.
    """
    name = watched.path.name
    process, stopping = desk.processes.started.get(name), name in desk.processes.stopping
    ours = "" if process is None and not stopping else f"-{process and process.code}-{stopping}"
    return watched.signature + ours


def live_sections(watched: Watched, evidence: Evidence, view: View, say: Language) -> dict[str, Section]:
    """Return the sections of curves, by their anchors."""
    found = {}
    for anchor, heading, caption in (
        ("curves", say("Learning curves"), say(
            "Training and validation on one axis, both in evaluation mode. A thick line is the mean over the runs that "
            "have ended, its band one standard deviation over their seeds; a thin one is a single run. The onset is "
            "the epoch with the lowest validation loss: what comes after it is overfitting. All methods are drawn on "
            "the same scale.")),
        ("gaps", say("The gap over the epochs"), say(
            "Training minus validation accuracy, in points: the larger it is, the less of the fit to the training "
            "images carries over to other images.")),
    ):  # fmt: skip
        make, _ = live_figures.FIGURES[LIVE[anchor]]
        panels = tuple(make(evidence, watched.glances, view, say))
        found[anchor] = Section(anchor, heading, (FigureBlock(LIVE[anchor], panels, caption),))
    return found


def figure(desk: Desk, watched: Watched, name: str, view: View, say: Language) -> tuple[list[Panel], int] | None:
    """Return the panels of a figure, and in how many columns they stand; None for one that there is not."""
    if name in live_figures.FIGURES:
        make, columns = live_figures.FIGURES[name]
        columns = len(view.metrics) if name == CURVES else columns
        return make(desk.evidence(watched), watched.glances, view, say), columns
    if name == "confusion":
        return image_figures.confusion(desk.evidence(watched), say), 3
    if name in study_figures.FIGURES:
        draw, columns = study_figures.FIGURES[name]
        return draw(desk.evidence(watched), say), columns
    return None


def state(desk: Desk, watched: Watched, say: Language) -> Markup:
    """Return how far a study has come, what it is doing, and what can be done with it."""
    progress, status, planned = watched.progress(), watched.status, watched.record.plan.protocol.epochs
    training = [
        (each.name, str(say.method(watched.record.labels[each.method])), each.seed, len(each.rows), planned)
        for each in watched.glances
        if not each.ended and status == RUNNING
    ]
    failures = [
        (str(say.method(watched.record.labels[each.method])), each.seed, say.reason(each.reason))
        for each in watched.record.failures.values()
    ]
    started = desk.processes.started.get(watched.path.name)
    code = None if started is None else started.code
    left = None if progress.seconds_left is None else duration(progress.seconds_left)
    return part("state.html", say, name=watched.path.name, address=address(watched.path.name), status=status,
                progress=progress, left=left, training=training, failures=failures,
                damaged=[say.error(error) for error in watched.damaged.values()],
                stopping=desk.processes.is_stopping(watched.path.name, training=status == RUNNING),
                beginning=started is not None and code is None and status == INTERRUPTED,
                last_words=started.words()[-1:] if started is not None and code in FAILED else [],
                command=watched.record.command, percent=round(100 * progress.share),
                power=_power(watched, say) if status != FINISHED else None)  # fmt: skip


def _power(watched: Watched, say: Language) -> tuple[str, object] | None:
    found = watched.evidence().power
    if not found.cases:
        return None
    return power_sentence(found, say), power_table(found, watched.record.config.metric, say)


Maker = Callable[[Block, int, dict[str, str]], Markup]  # of a block and its number; pieces of it are added


def _maker(desk: Desk, watched: Watched, evidence: Evidence, say: Language, query: str) -> Maker:
    name = watched.path.name
    rows = {each.row: address(name, "image", f"{each.row}.png") for each in evidence.disputed}
    link: Callable[[Offered], str] = lambda offered: address(name, "file", offered.name)  # noqa: E731
    made = block_maker(say, drawn, rows, link)
    runs = {(each.method, each.seed): each.name for each in watched.glances}
    places = {
        f"{each.method}:{each.against}:{seed}": run_address(
            name, runs[each.method, seed], runs.get((each.against, seed))
        )
        for each in evidence.contrasts
        for seed in each.metric.seeds
        if (each.method, seed) in runs
    }

    def block(one: Block, number: int, pieces: dict[str, str]) -> Markup:
        if not isinstance(one, FigureBlock):
            return made(one, number)
        panels = leading(one.panels, places) if one.name == DIFFERENCES else one.panels
        grows = one.name in LIVE.values()
        plates = [plate(panel, f"{one.name}-{place}" if grows else "") for place, panel in enumerate(panels)]
        pieces |= {each.name: str(each.content) for each in plates if each.name}
        after = f"?{query}" if query and grows else ""
        return part("figure.html", say, block=one, panels=plates, after=after,
                    files=address(name, "figure", one.name))  # fmt: skip

    return block


def run_address(study: str, run: str, beside: str | None = None) -> str:
    """Return the address of a run of a study, perhaps beside another one of the same seed."""
    found = address(study, "run", run)
    return f"{found}?beside={quote(beside, safe='')}" if beside else found


def _section(
    section: Section, made: Maker, say: Language, watched: Watched, evidence: Evidence, view: View
) -> Part:  # fmt: skip
    methods = [(place, str(say.method(each.label)), view.shows(each.method))
               for place, each in enumerate(evidence.methods)]  # fmt: skip
    first = 100 * (1 + sum(map(ord, section.anchor)))  # ids of a section are its own, whatever the others hold
    pieces: dict[str, str] = {}
    blocks = [made(block, first + number, pieces) for number, block in enumerate(section.blocks)]
    text = part("section.html", say, section=section, blocks=blocks, methods=methods, view=view, metrics=METRICS,
                pictured=any(isinstance(block, Pictures | Downloads) for block in section.blocks),
                name=watched.path.name, most=MOST_SMOOTHING)  # fmt: skip
    return Part(text, pieces)


def _runs(watched: Watched, say: Language) -> Part:
    """Return the table of runs, each a link: what the dots of figures lead to, for everybody."""
    labels, name = watched.record.labels, watched.path.name
    ended = {each.name: each for each in watched.ended()}
    rows = {}
    for place, each in enumerate(watched.glances):
        end = ended[each.name].end if each.name in ended else None
        lowest, last = each.onset, each.rows[-1] if each.rows else None
        begun = lowest if lowest is not None and last is not None and lowest.epoch < last.epoch else None
        rows[f"runs-{place}"] = _row(
            address(name, "run", each.name),
            say("{method}, seed {seed}", method=say.method(labels[each.method]), seed=each.seed),
            each.seed,
            say("in training") if each.status == RUNNING and watched.status == RUNNING else say(each.status),
            len(each.rows), "" if begun is None else begun.epoch,
            "" if last is None else f"{last.val_acc:.3f}", "" if end is None else f"{end.accuracy:.3f}",
            "" if end is None else typeset(f"{end.gap:+.3f}"),
        )  # fmt: skip
    return Part(part("runs.html", say, rows=rows, log=_log(watched)), rows)


@lru_cache(4096)
def _row(place: str, name: str, *cells: object) -> str:
    """Return what is inside a row of the table of runs."""
    head = Markup('<th scope="row"><a href="{}">{}</a></th>').format(place, name)
    return str(head + Markup().join(Markup("<td>{}</td>").format(cell) for cell in cells))


def _log(watched: Watched) -> str:
    """Return the end of what the processes said that trained."""
    from overfitlab.display import display_name
    from overfitlab.files import read_whole

    try:
        text = read_whole(watched.path / LOG, 2**24).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(display_name(line) for line in text.splitlines()[-LAST_LINES:])
