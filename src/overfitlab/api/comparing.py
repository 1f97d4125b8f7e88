"""`overfitlab.compare`."""

import contextlib
import inspect
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TextIO

from overfitlab import machine
from overfitlab.api.asked import Asked, Data, Groups, Size
from overfitlab.api.kinds import check_kinds
from overfitlab.api.studies import Study, load_study, shown
from overfitlab.arguments import image_size as size_from
from overfitlab.arguments import joined, varied
from overfitlab.arguments import looks as looks_from
from overfitlab.arguments import margins as margins_from
from overfitlab.arguments import seconds as seconds_from
from overfitlab.arguments import until_decided as until_from
from overfitlab.config import METRICS, UNTIL, StudyConfig, protocol_named
from overfitlab.data.sources.groups import is_rule
from overfitlab.errors import UsageError
from overfitlab.events import Event, Listener, Noted, StudyEnded, listening
from overfitlab.files import file_name, user_path
from overfitlab.methods.base import Method
from overfitlab.models.handed import Model, taken
from overfitlab.models.weights_file import file_hash
from overfitlab.notebook.screen import screen_for
from overfitlab.reasons import reason
from overfitlab.records.study_folder import StudyFolder
from overfitlab.results.metric import BY_NAME
from overfitlab.study.network import check_methods, look_at
from overfitlab.study.question import BASELINE, Question, question
from overfitlab.study.session import Images, Session
from overfitlab.values import check_one_of, check_whole, is_truth_value
from overfitlab.words.languages import spoken

NO_OPTIONS = {
    "methods",
    "baseline",
    "contrasts",
    "verbose",
    "stream",
    "listener",
    "command",
    "give_up",
    "full",
}  # on the command line
FOLDERS = ("data", "data_dir", "groups", "weights", "out")


def compare(
    methods: Sequence[str | Method] = (),
    data: Data = "auto",
    *,
    baseline: str | Method | None = None,
    contrasts: Sequence[str] = (),
    protocol: str = "clean",
    seeds: int | str | Sequence[int] | None = None,
    until_decided: int | str | bool | None = None,
    alpha: float = 0.05,
    first_seed: int = 0,
    budget: str | None = None,
    metric: str = "accuracy",
    equivalence: str | float | Sequence[float] | None = None,
    data_dir: str | Path | None = None,
    image_size: Size | None = None,
    groups: Groups | None = None,
    model: Model = "notebook_cnn",
    bare: bool = False,
    weights: str | Path | None = None,
    vary: str | Sequence[str] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    keep: str | None = None,
    training_images: int | None = None,
    precision: str = "auto",
    threads: int | None = None,
    jobs: int | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    verbose: bool = True,
    stream: TextIO | None = None,
    give_up: bool = False,
    listener: Listener | Callable[[Event], object] | None = None,
    command: str = "",
    full: bool = False,
) -> Study:
    """Train methods at paired seeds, and say which of them helps against overfitting, and how sure that is.

    Calling it again with the same arguments resumes an interrupted study, and returns a finished one without training.

    Args:
        methods: regularization methods, alone or composed: `["none", "dropout:rate=0.3", "batch_norm+dropout"]`. The
            baseline alone asks how much it varies from seed to seed; none at all asks the notebook's question: none,
            dropout, batch_norm, and batch_norm against dropout. Of a network that brings regularization it asks for
            that: the network as it is (`as_is`), dropout and batch_norm, each against the network without (`bare`).
        data: as for `overfitlab.train`; likewise `data_dir`, `image_size`, `groups`, `model`, `bare`, `weights`,
            `vary`, `epochs`, `batch_size`, `learning_rate`, `optimizer`, `schedule`, `keep`, `training_images` and
            `precision`.
        baseline: what every method is compared with; None for `none`, which is added where it is not among the methods.
        contrasts: pairs to compare besides, as `"batch_norm:dropout"`; with hyperparameters as
            `"dropout:rate=0.5 : dropout:rate=0.2"`, the colon between blanks.
        protocol: `"clean"` or `"quick"`: docs/protocols.md.
        seeds: how many; None for as many as make a verdict reachable. `"6,12"` plans two looks: after 6 seeds the study
            ends if every contrast is decided, else it goes on to 12; each look has its share of the level.
        until_decided: add seeds until every contrast is decided on both axes, up to so many (from 6 to 100; `True` for
            12), or `"none"` for no maximum. A method all of whose contrasts are decided trains no further seeds.
        alpha: level of the tests on each axis.
        first_seed: the seeds count from here.
        budget: a time that the study must fit into, such as `"10m"`; what is given up for it is in docs/study.md.
        metric: what the verdict goes by, on both axes: `"accuracy"`, `"balanced_accuracy"`, `"f1"` (macro) or `"loss"`
            (nats, where less is better).
        equivalence: differences that do not matter, in the metric's unit, and of its gap after a comma; None for
            `"0.5,1"` points, of a loss `"0.02,0.04"` nats.
        alpha: level of the tests of each axis, from 1e-6 to 0.5; intervals beside them are at 1 - alpha.
        threads: of each run; None for one, more where there are more cores than runs.
        jobs: runs at once; None for as many as there are free cores.
        name: of the study; its folder is `runs/NAME`. None for one after what is compared.
        out: the study's folder instead.
        verbose: whether to show progress.
        stream: where to show it; None for standard output, or in a notebook a display that changes in its place.
        listener: is told what happens (`overfitlab.Listener`, or a function that takes an event), and can end the study
            from another thread: `listener.cancel()`.
        give_up: read the verdict without the runs that failed, which are not tried again.
        command: how to call this again, for people; empty for what one would type on the command line.
        full: whether to show every table at the end, not the answer alone.

    Raises:
        UsageError: an argument is unknown or out of range, the methods do not go together, the budget is too little,
            or the folder holds something else.
        DataError: the data is missing or damaged; `DownloadError` where it could not be fetched.
        BusyError: another process works on the study.
        OverfitlabError: a method does not go with the network, or the disk refuses.
    """
    given = dict(locals())
    check_kinds(given)
    asked = question(methods, baseline, contrasts, bare=bare)
    network = taken(StudyConfig.model if model is None else model)
    given["model"] = network.spec
    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "optimizer": optimizer,
        "schedule": schedule,
        "keep": keep,
        "training_images": training_images,
        "vary": None if vary is None else varied(vary),
    }
    if name is not None and not re.fullmatch(r"\w[\w.+=-]*", name):
        raise UsageError(
            "no_name_for_a_study",
            "{name!r} is not a valid name for a study; use letters, digits, and - _ . + =, or choose a folder with "
            "--out",
            name=name,
        )
    if name is not None and out is not None:
        raise UsageError(
            "both_name_and_out", "--name and --out both say where the study is kept; leave one of them out"
        )
    if jobs is not None:
        jobs = check_whole("jobs", jobs, low=1)
    check_one_of("metric", metric, METRICS)
    usual = BY_NAME[metric]
    margins = usual.margin, usual.gap_margin
    if equivalence is not None:
        margins = margins_from(equivalence, usual.gap_margin)
    size = None if image_size is None else size_from(image_size)
    config = StudyConfig(
        protocol_named(protocol, **changes),
        tuple(asked.methods),
        tuple(asked.contrasts),
        "",  # what the images turn out to be called
        looks=None if seeds is None else looks_from(seeds),
        until_decided=_until(until_decided),
        alpha=alpha,
        first_seed=first_seed,
        budget=None if budget is None else seconds_from(budget),
        margin=margins[0],
        gap_margin=margins[1],
        given=_given(changes, protocol),
        model=network.spec,
        model_source=network.source,
        image_size=size,
        weights=None if weights is None else file_hash(weights),
        precision=precision,
        threads=threads,
        metric=metric,
        bare=bare,
    )
    tell = listening(listener, screen_for(stream, spoken(), verbose=verbose, full=full))
    try:
        wanted = Asked.of(data, groups, size, data_dir, tell)
        dataset = wanted.loaded(tell)
        shape, classes = dataset.image_shape, len(dataset.class_names)
        network = network.settled(shape, classes)
        config = replace(config, **wanted.identity(dataset), model=network.spec, model_start=network.start)
        seen = look_at(config, shape, classes, network)
        if asked.default and seen.brings and not bare:  # what does that regularization do?
            asked = question(methods, baseline, contrasts, bare=True)
            config = replace(config, bare=True, methods=tuple(asked.methods), contrasts=tuple(asked.contrasts))
            seen = look_at(config, shape, classes, network)
        check_methods(seen, config)
        command = command or _as_typed(asked, given | dict(wanted.typed()) | {"bare": config.bare})
        study_id = config.study_id(dataset.content_hash)
        default = file_name(f"study-{dataset.name}", f"-{study_id[:6]}")
        folder = StudyFolder(user_path(out) if out else Path("runs") / (name or default))
        tell.on(wanted.event(dataset))
        if not network.recognised:
            tell.on(Noted(reason("network_not_recognised", network=network.spec)))
        start = str(user_path(weights).absolute()) if weights else None
        images = Images(dataset, wanted.data_dir, size, start, network)
        session = Session(folder, config, images, asked.labels, tell, command, give_up=give_up, notes=seen.notes)
        return shown(_compared(folder, session, jobs, threads, tell), network)
    finally:
        tell.close()


def _given(changes: Mapping[str, Any], protocol: str) -> tuple[str, ...]:
    """Return the fields of the protocol that were asked for, without recipes that are the protocol's own anyway."""
    given = {field: value for field, value in changes.items() if value is not None}
    own, now = protocol_named(protocol), protocol_named(protocol, **given)
    same = {field for field in ("optimizer", "schedule", "keep") if getattr(own, field) == getattr(now, field)}
    return tuple(sorted(given.keys() - same))


def _until(given: int | str | bool | None) -> int | Literal["none"] | None:
    if given is None or is_truth_value(given):
        return UNTIL if given else None
    return until_from(given)


def _compared(folder: StudyFolder, session: Session, jobs: int | None, threads: int | None, tell: Listener) -> Study:
    with folder.claimed(session.study_id), contextlib.ExitStack() as held:
        before = session.finished_before
        if before:
            study = load_study(folder.path)
        else:
            claim = held.enter_context(machine.claimed(None if jobs is None else jobs * (threads or 1)))
            study = shown(session.train(claim.threads, jobs))
    tell.on(StudyEnded(str(study.folder), study.record, study.judged(), before))
    return study


def _as_typed(asked: Question, given: Mapping[str, Any]) -> str:
    """Return the command line for the arguments of `compare`; of a folder elsewhere, its name alone.

    A report passes it on, and where the folder lay is nobody's business.
    """
    baseline = asked.methods[0]
    words = ["overfitlab", "compare", *(asked.labels[method] for method in asked.methods)]
    for method, against in asked.contrasts:
        if against != baseline:
            words += ["--contrast", f"{asked.labels[method]} : {asked.labels[against]}"]
    if baseline != BASELINE:
        words += ["--baseline", asked.labels[baseline]]
    for name, parameter in inspect.signature(compare).parameters.items():
        value = given[name]
        if name in NO_OPTIONS or value is None:
            continue
        if value is True:
            words.append(f"--{name.replace('_', '-')}")
            continue
        text = os.fspath(value) if isinstance(value, os.PathLike) else joined(value)
        if text in ("", str(parameter.default)):
            continue
        if name in FOLDERS and not is_rule(text):
            path = Path(text)
            text = path.name if path.is_absolute() else str(path)
        words += [f"--{name.replace('_', '-')}", text]
    return shlex.join(words)
