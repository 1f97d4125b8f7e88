"""The page of a study: what a report holds, section by section, and how far the study has come."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from overfitlab.report.page import block_maker
from overfitlab.report.power_text import power_sentence, power_table
from overfitlab.results.onset import onset
from overfitlab.study.evidence import Evidence
from overfitlab.study.watching import Watched
from overfitlab.terminal.task_screen import duration
from overfitlab.ui.charts import drawn, leading, pointed
from overfitlab.ui.desk import Desk
from overfitlab.ui.look import part
from overfitlab.words.language import Language

CURVES, GAPS, DIFFERENCES = "learning_curves", "gap_curves", "paired_differences"
LIVE = {"curves": CURVES, "gaps": GAPS}  # sections whose figures grow
FIGURES = (*study_figures.FIGURES, "confusion")
FAILED = (1, 2)  # how a process ends that could not do what was asked for
LAST_LINES = 40  # of the workers' log


@dataclass(frozen=True)
class Page:
    """A study as it is shown: parts that are put in place one by one, by their ids."""

    title: str
    subtitle: str
    contents: list[tuple[str, str]]  # anchor and heading
    parts: dict[str, Markup]
    version: str
    over: bool


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


def study_page(
    desk: Desk, watched: Watched, view: View, say: Language, query: str, *, whole: bool = True
) -> Page:  # fmt: skip
    """Return the page of a study as it is now; `query` is what its address says of the view.

    Without the `whole` of it there are only the parts that change from epoch to epoch, or with the view.
    """
    evidence = desk.evidence(watched)
    found = [section for section in sections(evidence, say) if section.anchor not in LIVE] if whole else []
    made = _maker(desk, watched, evidence, say, query)
    live = live_sections(watched, evidence, view, say)
    before = (
        "methods" if watched.status == FINISHED else "answer"
    )  # as a report has it; while it runs they are the news
    where = next((k for k, section in enumerate(found) if section.anchor == before), -1) + 1
    found[where:where] = [live[anchor] for anchor in LIVE if anchor in live]
    contents = [(section.anchor, section.title) for section in found]
    contents.append(("runs", say("All runs")))
    parts = {"state": state(desk, watched, say)}
    if whole:
        parts["contents"] = part("contents.html", say, contents=contents)
    for section in found:
        parts[section.anchor] = _section(section, made, say, watched, evidence, view)
    parts["runs"] = _runs(watched, say)
    return Page(title(evidence, say), subtitle(evidence, say), contents, parts, version(watched),
                watched.status == FINISHED)  # fmt: skip


def version(watched: Watched) -> str:
    """Return what a study's state is called: the same state has the same name after a new start of the server, too."""
    return watched.signature


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
            "Training minus validation accuracy in points: the more, the further the network fits the training images "
            "beyond what it has learnt of others.")),
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


def _maker(
    desk: Desk, watched: Watched, evidence: Evidence, say: Language, query: str
) -> Callable[[Block, int], Markup]:
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

    def block(one: Block, number: int) -> Markup:
        if not isinstance(one, FigureBlock):
            return made(one, number)
        panels = leading(one.panels, places) if one.name == DIFFERENCES else one.panels
        shown = [(panel, drawn(panel), pointed(panel)) for panel in panels]
        after = f"?{query}" if query and one.name in LIVE.values() else ""
        return part("figure.html", say, block=one, panels=shown, after=after,
                    files=address(name, "figure", one.name))  # fmt: skip

    return block


def run_address(study: str, run: str, beside: str | None = None) -> str:
    """Return the address of a run of a study, perhaps beside another one of the same seed."""
    found = address(study, "run", run)
    return f"{found}?beside={quote(beside, safe='')}" if beside else found


def _section(
    section: Section, made: Callable[[Block, int], Markup], say: Language, watched: Watched, evidence: Evidence,
    view: View,
) -> Markup:  # fmt: skip
    methods = [(place, str(say.method(each.label)), view.shows(each.method))
               for place, each in enumerate(evidence.methods)]  # fmt: skip
    first = 100 * (1 + sum(map(ord, section.anchor)))  # ids of a section are its own, whatever the others hold
    blocks = [made(block, first + number) for number, block in enumerate(section.blocks)]
    return part("section.html", say, section=section, blocks=blocks, methods=methods, view=view, metrics=METRICS,
                pictured=any(isinstance(block, Pictures | Downloads) for block in section.blocks),
                name=watched.path.name, most=MOST_SMOOTHING)  # fmt: skip


def _runs(watched: Watched, say: Language) -> Markup:
    """Return the table of runs, each a link: what the dots of figures lead to, for everybody."""
    labels, name = watched.record.labels, watched.path.name
    ended = {each.name: each for each in watched.ended()}
    rows = []
    for each in watched.glances:
        end = ended[each.name].end if each.name in ended else None
        lowest, last = onset(each.rows), each.rows[-1] if each.rows else None
        rows.append((
            address(name, "run", each.name), str(say.method(labels[each.method])), each.seed,
            say("in training") if each.status == RUNNING and watched.status == RUNNING else say(each.status),
            len(each.rows), "" if lowest is None else lowest.epoch,
            "" if last is None else f"{last.val_acc:.3f}", "" if end is None else f"{end.accuracy:.3f}",
            "" if end is None else f"{end.gap:+.3f}",
        ))  # fmt: skip
    log = _log(watched)
    return part("runs.html", say, rows=rows, log=log)


def _log(watched: Watched) -> str:
    """Return the end of what the processes said that trained."""
    from overfitlab.display import display_name
    from overfitlab.files import read_whole

    try:
        text = read_whole(watched.path / LOG, 2**24).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(display_name(line) for line in text.splitlines()[-LAST_LINES:])
