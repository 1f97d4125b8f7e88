"""`overfitlab.compare`."""

import contextlib
import inspect
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TextIO

from overfitlab import machine
from overfitlab.api.studies import Study, load_study, shown
from overfitlab.api.training import images_loaded
from overfitlab.arguments import image_size as size_from
from overfitlab.arguments import looks as looks_from
from overfitlab.arguments import margins as margins_from
from overfitlab.arguments import seconds as seconds_from
from overfitlab.arguments import until_decided as until_from
from overfitlab.arguments import varied
from overfitlab.config import UNTIL, StudyConfig, check_whole, protocol_named
from overfitlab.data import loading
from overfitlab.errors import UsageError, unknown_name
from overfitlab.events import Event, Listener, Noted, StudyEnded, listening
from overfitlab.files import text_of, user_path
from overfitlab.methods.base import Method
from overfitlab.models.handed import Model, taken
from overfitlab.models.weights_file import file_hash
from overfitlab.reasons import reason
from overfitlab.records.study_folder import StudyFolder
from overfitlab.results.metric import BY_NAME
from overfitlab.study.question import BASELINE, Question, question
from overfitlab.study.session import Images, Session
from overfitlab.terminal.screen import screen_on
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
}  # on the command line
FOLDERS = ("data", "data_dir", "weights", "out")


def compare(
    methods: Sequence[str | Method] = (),
    data: str | Path = "auto",
    *,
    baseline: str | Method | None = None,
    contrasts: Sequence[str] = (),
    protocol: str = "clean",
    seeds: int | str | None = None,
    until_decided: int | str | bool | None = None,
    alpha: float = 0.05,
    first_seed: int = 0,
    budget: str | None = None,
    metric: str = "accuracy",
    equivalence: str | float | None = None,
    data_dir: str | Path | None = None,
    image_size: int | str | None = None,
    model: Model = "notebook_cnn",
    weights: str | Path | None = None,
    vary: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
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
) -> Study:
    """Train methods at paired seeds, and say which of them helps against overfitting, and how sure that is.

    Calling it again with the same arguments resumes an interrupted study, and returns a finished one without training.

    Args:
        methods: regularization methods, alone or composed: `["none", "dropout:rate=0.3", "batch_norm+dropout"]`. The
            baseline alone asks how much it varies from seed to seed; none at all asks the notebook's question: none,
            dropout, batch_norm, and batch_norm against dropout.
        data: as for `overfitlab.train`; likewise `data_dir`, `image_size`, `model`, `weights`, `vary`, `epochs`,
            `batch_size`, `learning_rate`, `training_images` and `precision`.
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
        stream: where to show it; None for standard output.
        listener: is told what happens (`overfitlab.Listener`, or a function that takes an event), and can end the study
            from another thread: `listener.cancel()`.
        give_up: read the verdict without the runs that failed, which are not tried again.
        command: how to call this again, for people; empty for what one would type on the command line.

    Raises:
        UsageError: an argument is unknown or out of range, the methods do not go together, the budget is too little,
            or the folder holds something else.
        DataError: the data is missing or damaged; `DownloadError` where it could not be fetched.
        BusyError: another process works on the study.
        OverfitlabError: a method does not go with the network, or the disk refuses.
    """
    given = dict(locals())
    data = text_of("data", data)
    for what, where in (("out", out), ("data_dir", data_dir)):
        if where is not None:
            text_of(what, where)
    asked = question(methods, baseline, contrasts)
    network = taken(model)
    given["model"] = network.spec
    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "training_images": training_images,
        "vary": None if vary is None else varied(vary),
    }
    if name is not None and not re.fullmatch(r"\w[\w.+=-]*", str(name)):
        raise UsageError(
            "no_name_for_a_study",
            "{name!r} is no name for a study; take letters, digits, and - _ . + =, or a folder with --out",
            name=name,
        )
    if name is not None and out is not None:
        raise UsageError(
            "both_name_and_out", "a study lies in the folder of its --name or in --out; leave one of them out"
        )
    if jobs is not None:
        check_whole("jobs", jobs, low=1)
    if metric not in BY_NAME:
        raise unknown_name("metric", str(metric), BY_NAME)
    usual = BY_NAME[metric]
    margins = usual.margin, usual.gap_margin
    if equivalence is not None:
        margins = margins_from(str(equivalence), usual.gap_margin)
    size = None if image_size is None else size_from(str(image_size))
    config = StudyConfig(
        protocol_named(protocol, **changes),
        tuple(asked.methods),
        tuple(asked.contrasts),
        data,
        looks=None if seeds is None else looks_from(str(seeds)),
        until_decided=_until(until_decided),
        alpha=alpha,
        first_seed=first_seed,
        budget=None if budget is None else seconds_from(str(budget)),
        margin=margins[0],
        gap_margin=margins[1],
        given=tuple(sorted(field for field, value in changes.items() if value is not None)),
        model=network.spec,
        model_source=network.source,
        image_size=size,
        weights=None if weights is None else file_hash(weights),
        precision=precision,
        threads=threads,
        metric=metric,
    )
    command = command or _as_typed(asked, given)
    tell = listening(listener, screen_on((stream or sys.stdout) if verbose else None, spoken()))
    try:
        folder_of_data = user_path(data_dir) if data_dir else None
        dataset = loading.load(data, folder_of_data, image_size=size, listener=tell)
        network = network.settled(dataset.image_shape, len(dataset.class_names))
        config = replace(
            config, data=dataset.name, image_size=dataset.image_shape[:2] if size else None, model=network.spec,
            model_start=network.start,
        )  # fmt: skip
        study_id = config.study_id(dataset.content_hash)
        default = re.sub(r"[^\w.+=-]+", "-", f"study-{dataset.name}-{study_id[:6]}")
        folder = StudyFolder(user_path(out) if out else Path("runs") / (name or default))
        tell.on(images_loaded(dataset, unexpected=data == "auto" and dataset.name == "digits"))
        if not network.recognised:
            tell.on(Noted(reason("network_not_recognised", network=network.spec)))
        images = Images(dataset, folder_of_data, size, str(user_path(weights).absolute()) if weights else None, network)
        session = Session(folder, config, images, asked.labels, tell, command, give_up=give_up)
        return shown(_compared(folder, session, jobs, threads, tell), network)
    finally:
        tell.close()


def _until(given: int | str | bool | None) -> int | Literal["none"] | None:
    if given is None or given is False:
        return None
    return UNTIL if given is True else until_from(str(given))


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
        if name in NO_OPTIONS or value in (None, "", parameter.default):
            continue
        if name in FOLDERS:
            path = Path(value)
            value = path.name if path.is_absolute() else path
        words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)
