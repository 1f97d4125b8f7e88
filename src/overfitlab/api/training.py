"""`overfitlab.train`."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from overfitlab import machine
from overfitlab.api.asked import Asked, Data, Groups, Size
from overfitlab.api.drawing import draw_curves, draw_duplicates
from overfitlab.api.kinds import check_kinds
from overfitlab.api.runs import Run, shown
from overfitlab.arguments import image_size as size_from
from overfitlab.arguments import varied
from overfitlab.config import RunConfig, changed, fitted, protocol_named
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.errors import UsageError
from overfitlab.events import Event, Listener, Noted, RunBegan, RunEnded, listening
from overfitlab.files import file_name, user_path
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.models.handed import Handed, Model, is_own, refuse_python, taken
from overfitlab.models.weights_file import file_hash
from overfitlab.notebook.screen import screen_for
from overfitlab.reasons import reason
from overfitlab.records.run_folder import RunFolder
from overfitlab.records.run_record import DIVERGED
from overfitlab.runs import execution
from overfitlab.study.recipe import Recipe, recipe
from overfitlab.study.study import Study, find_study
from overfitlab.training import compute
from overfitlab.words.languages import spoken


def train(
    method: str | Method | None = None,
    data: Data | None = None,
    *,
    like: Study | str | Path | None = None,
    data_dir: str | Path | None = None,
    image_size: Size | None = None,
    groups: Groups | None = None,
    model: Model | None = None,
    bare: bool = False,
    weights: str | Path | None = None,
    protocol: str | None = None,
    vary: str | Sequence[str] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    keep: str | None = None,
    training_images: int | None = None,
    seed: int = 0,
    precision: str | None = None,
    threads: int | None = None,
    device: str = "cpu",
    out: str | Path | None = None,
    verbose: bool = True,
    stream: TextIO | None = None,
    listener: Listener | Callable[[Event], object] | None = None,
) -> Run:
    """Train one network under one method, and leave a run folder.

    Calling it again with the same arguments resumes an interrupted run, to the bit, and returns a finished one
    without training.

    Args:
        method: a regularization method, or several joined by `+`: `"batch_norm+dropout:rate=0.3"`, or the same as
            objects: `overfitlab.method("batch_norm") + overfitlab.method("dropout", rate=0.3)`. None for
            `"batch_norm"`, the notebook's.
        data: `"cifar10"`, `"cifar100"`, `"fashion_mnist"`, `"digits"`, or `"auto"`: CIFAR-10 where it is on this
            machine or can be fetched, else the digits. Or a folder of images, one subfolder per class, or an `.npz`
            file with `x` and `y`. None for `"auto"`. Or the data itself (docs/data.md): arrays or tensors `(x, y)`, a
            map-style `torch.utils.data.Dataset`, or parts of either, `{"train": ..., "val": ..., "test": ...}`.
        like: a study (a folder, or a name or the beginning of an id below `runs/`): train what it recommends, or
            `method`, under its protocol on all its training images. What else is given here takes the place of the
            study's.
        data_dir: the folder that holds a published set.
        image_size: that the images are resized to, in pixels, from 8 to 224: `64`, or height and width as `(48, 64)` or
            `"48x64"`; None for 32 where they are files, and for the size that they have elsewhere.
        groups: keep images that belong together in one part: the path of a list (CSV or TSV: path, group), a rule such
            as `"name:^(.*?)_"`, or of data that is handed in an array with the group of each image (docs/data.md).
        model: `"notebook_cnn"`, `"resnet20"`, `"vgg11"`, `"timm:NAME"`, and others: docs/models.md. Your own as a file,
            `"net.py"` or `"net.py:NAME"`, as `"MODULE:NAME"`, or as it is: the class of an `nn.Module`, a function that
            returns one, both of which are called anew for each seed, or an `nn.Module`, whose weights are the start
            under every seed. None for `"notebook_cnn"`.
        bare: without the normalization and dropout that the model brings, which identities take the place of; refused
            where it brings none, and where it does not train without.
        weights: to begin with, from a file (`.safetensors`, or `.pt` of PyTorch) or the folder of a run; None for fresh
            ones.
        protocol: everything that is held fixed; `"notebook"` is the notebook, exactly, `"clean"` the same without its
            flaws, `"quick"` the clean one on few images: docs/protocols.md. None for `"notebook"`.
        vary: what the seed decides, of `"split,init,order"`; None for what the protocol says.
        epochs: instead of the protocol's; likewise `batch_size` (images) and `learning_rate`.
        optimizer: what moves the weights: `"adam"`, `"adamw:weight_decay=0.01"`, `"sgd:momentum=0.9,nesterov=true"`;
            `"sgd"` needs a `learning_rate` of its own. None for what the protocol says, `"adam"`.
        schedule: of the learning rate: `"constant"`, `"cosine"`, `"step:every=10,factor=0.1"` or `"one-cycle"`, with a
            warm-up as in `"cosine:warm_up=5"` (docs/recipes.md). None for what the protocol says.
        keep: `"best"` keeps the weights of the epoch with the lowest validation loss, whatever the method; `"last"`,
            and None, the final weights of the method.
        training_images: to train on so many of the training images at most; None for what the protocol says.
        seed: fixes initial weights, batch order and masks; from 0 to 2**63 - 1.
        precision: `"bfloat16"`, `"float32"`, `"float64"`, or `"auto"`: bfloat16 where the processor has instructions
            for it, else float32. None for `"auto"`.
        threads: of the computation; None for one for each core on which no other training of this user computes.
        device: `"cpu"`, or `"cuda"` or `"mps"` for a graphics processor: plain PyTorch without our kernels, which works
            in principle but was never run on one.
        out: the run's folder; None for one below `runs/`, named after what is trained.
        verbose: whether to show progress.
        stream: where to show it; None for standard output, or in a notebook a display that changes in its place.
        listener: is told what happens (`overfitlab.Listener`, or a function that takes an event), and can end the
            training from another thread: `listener.cancel()`.

    Raises:
        UsageError: an argument is unknown or out of range, the study `like` is not finished and no method is given, or
            `out` holds something else.
        DataError: the data is missing, damaged, or no good for this.
        BusyError: another process trains in the folder.
        DamagedError: what lies in the folder is damaged.
        DivergedError: the loss is no longer a finite number.
        CancelledError: the listener asked for the end; the same call goes on after the last finished epoch.
        OverfitlabError: the folder cannot be written, or the method does not go with the network.
    """
    check_kinds(locals())
    pattern = (
        None
        if like is None
        else recipe(like if isinstance(like, Study) else find_study(like), method_given=method is not None)
    )
    if pattern is not None:
        method, precision = method or pattern.method, precision or pattern.precision
        if model is None and is_own(pattern.model):
            refuse_python(pattern.model)
            raise UsageError(
                "study_with_a_program",
                "{study} was made with the network in {model}, which is custom code. If you trust it, pass --model "
                "{model}",
                study=like, model=pattern.model,
            )  # fmt: skip
        network = taken(pattern.model if model is None else model)
        if network.spec == pattern.model or network.source == pattern.model_source is not None:
            weights = weights or pattern.weights  # the weights to begin with are those of its network
            bare = bare or pattern.bare
        if data is None:
            data, data_dir = pattern.data, data_dir or pattern.data_dir
            groups = pattern.groups if groups is None else groups
            image_size = pattern.image_size if image_size is None else image_size
    method = "batch_norm" if method is None else method
    if pattern is None:
        network = taken(RunConfig.model if model is None else model)
    data = "auto" if data is None else data
    precision = precision or "auto"
    chosen = registry.resolve(method)
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
    given = [name for name, value in changes.items() if value is not None]
    if pattern is None or protocol is not None:
        settings = protocol_named(protocol or "notebook", **changes)
    else:
        settings = changed(pattern.protocol, **changes)
        given = ["training_images", "epochs"]  # the study's, and all of its images
    size = None if image_size is None else size_from(image_size)
    config = RunConfig(
        settings,
        chosen.spec,
        "",  # what the images turn out to be called
        seed=seed,
        model=network.spec,
        model_source=network.source,
        image_size=size,
        weights=None if weights is None else file_hash(weights),
        precision=precision,
        threads=threads,
        device=device,
        bare=bare,
    )
    tell = listening(listener, screen_for(stream, spoken(), verbose=verbose))
    try:
        asked = Asked.of(data, groups, size, data_dir, tell)
        return _trained(config, given, asked, weights, out, chosen.label, pattern, tell, network)
    finally:
        tell.close()


def _trained(
    config: RunConfig,
    given: list[str],
    asked: Asked,
    weights: str | Path | None,
    out: str | Path | None,
    label: str,
    pattern: Recipe | None,
    tell: Listener,
    network: Handed,
) -> Run:
    dataset = asked.loaded(tell)
    network = network.settled(dataset.image_shape, len(dataset.class_names))
    config = replace(config, model=network.spec, model_start=network.start)
    settings = fitted(config.protocol, dataset.source, available_for_training(dataset, config.protocol), given)
    config = replace(config, protocol=settings, **asked.identity(dataset))
    run_id = config.run_id(dataset.content_hash)
    network_name = "" if config.model == RunConfig.model else f"{config.model}-{'bare-' * config.bare}"
    name = file_name(f"{dataset.name}-{network_name}{label}", f"-seed{config.seed}-{run_id[:6]}")
    folder = RunFolder(user_path(out) if out else Path("runs") / name)
    tell.on(asked.event(dataset))
    if not network.recognised:
        tell.on(Noted(reason("network_not_recognised", network=network.spec)))
    if pattern is not None and dataset.content_hash != pattern.data_hash:
        tell.on(Noted(reason("other_images_than_the_studys")))
    with folder.claimed(run_id, config), contextlib.ExitStack() as held:
        trained_before = execution.ended(folder)
        if trained_before:
            run = shown(execution.ended_before(folder), network)
            draw_curves(run, again=False)
        else:
            before = execution.begun_with(folder)
            claim = held.enter_context(machine.claimed(before.threads if before else config.threads))
            resolved = before or compute.resolve(config.precision, config.threads or claim.threads, config.device)
            job = execution.Job(config, dataset, folder, asked.data_dir, weights, network=network)
            begun = execution.begin(job, resolved)
            split = begun.trainer.material.split
            draw_duplicates(folder.path, begun.record.data, dataset, split, begun.duplicates)
            rows = begun.trainer.progress.rows
            cores = (claim.cores, claim.usable, claim.taken)
            tell.on(RunBegan(begun.record, rows, begun.changed, begun.notes, *cores))
            run = shown(begun.complete(tell), network)
            draw_curves(run)
    if run.record.status == DIVERGED:
        raise execution.divergence(run)
    tell.on(RunEnded(str(run.folder), run.record, run.rows, trained_before))
    return run
