"""`overfitlab.train`."""

import contextlib
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from overfitlab import machine
from overfitlab.api.drawing import draw_curves, draw_duplicates
from overfitlab.api.runs import Run, shown
from overfitlab.arguments import image_size as size_from
from overfitlab.arguments import varied
from overfitlab.config import RunConfig, changed, fitted, protocol_named
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.events import Event, ImagesLoaded, Listener, Noted, RunBegan, RunEnded, listening
from overfitlab.files import text_of, user_path
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.models import registry as models
from overfitlab.models.weights_file import file_hash
from overfitlab.reasons import reason
from overfitlab.records.run_folder import RunFolder
from overfitlab.records.run_record import DIVERGED
from overfitlab.runs import execution
from overfitlab.study.recipe import Recipe, recipe
from overfitlab.study.study import find_study
from overfitlab.terminal.screen import screen_on
from overfitlab.training import compute
from overfitlab.words.languages import spoken


def train(
    method: str | Method | None = None,
    data: str | Path | None = None,
    *,
    like: str | Path | None = None,
    data_dir: str | Path | None = None,
    image_size: int | str | None = None,
    model: str | None = None,
    weights: str | Path | None = None,
    protocol: str | None = None,
    vary: str | None = None,
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
            file with `x` and `y`. None for `"auto"`.
        like: a study (a folder, or a name or the beginning of an id below `runs/`): train what it recommends, or
            `method`, under its protocol on all its training images. What else is given here takes the place of the
            study's.
        data_dir: the folder that holds a published set.
        image_size: that the images are resized to, in pixels, from 8 to 224: `64`, or height and width as `"48x64"`;
            None for 32 where they are files, and for the size that they have elsewhere.
        model: `"notebook_cnn"`, `"resnet20"`, `"vgg11"`, `"timm:NAME"`, your own as `"FILE.py:FUNCTION"` or
            `"MODULE:FUNCTION"`, and others: docs/models.md. None for `"notebook_cnn"`.
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
        keep: `"best"` hands over the weights of the epoch with the lowest validation loss, whatever the method;
            `"last"`, and None, those that the method hands over.
        training_images: to train on so many of the training images at most; None for what the protocol says.
        seed: fixes initial weights, batch order and masks; from 0 to 2**63 - 1.
        precision: `"bfloat16"`, `"float32"`, `"float64"`, or `"auto"`: bfloat16 where the processor has instructions
            for it, else float32. None for `"auto"`.
        threads: of the computation; None for one for each core on which no other training of this user computes.
        device: `"cpu"`, or `"cuda"` or `"mps"` for a graphics processor: plain PyTorch without our kernels, which works
            in principle but was never run on one.
        out: the run's folder; None for one below `runs/`, named after what is trained.
        verbose: whether to show progress.
        stream: where to show it; None for standard output.
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
    pattern = None if like is None else recipe(find_study(like), method_given=method is not None)
    if pattern is not None:
        method, precision = method or pattern.method, precision or pattern.precision
        if model is None:  # the weights to begin with are those of its network
            model, weights = pattern.model, weights or pattern.weights
        if data is None:
            data, data_dir = pattern.data, data_dir or pattern.data_dir
            image_size = image_size or _size_text(pattern.image_size)
    method, model = method or "batch_norm", model or "notebook_cnn"
    data = "auto" if data is None else text_of("data", data)
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
    size = None if image_size is None else size_from(str(image_size))
    config = RunConfig(
        settings,
        chosen.spec,
        data,
        seed=seed,
        model=models.canonical(model),
        model_source=models.source_hash(model),
        image_size=size,
        weights=None if weights is None else file_hash(weights),
        precision=precision,
        threads=threads,
        device=device,
    )
    tell = listening(listener, screen_on((stream or sys.stdout) if verbose else None, spoken()))
    try:
        return _trained(config, given, size, data_dir, weights, out, chosen.label, pattern, data == "auto", tell)
    finally:
        tell.close()


def _trained(
    config: RunConfig,
    given: list[str],
    size: tuple[int, int] | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    out: str | Path | None,
    label: str,
    pattern: Recipe | None,
    any_data: bool,
    tell: Listener,
) -> Run:
    folder_of_data = user_path(data_dir) if data_dir else None
    dataset = loading.load(config.data, folder_of_data, image_size=size, listener=tell)
    settings = fitted(config.protocol, dataset.source, available_for_training(dataset, config.protocol), given)
    config = replace(config, protocol=settings, data=dataset.name, image_size=dataset.image_shape[:2] if size else None)
    run_id = config.run_id(dataset.content_hash)
    network_name = "" if config.model == RunConfig.model else f"{config.model}-"
    name = re.sub(r"[^\w.+=-]+", "-", f"{dataset.name}-{network_name}{label}-seed{config.seed}-{run_id[:6]}")
    folder = RunFolder(user_path(out) if out else Path("runs") / name)
    tell.on(images_loaded(dataset, unexpected=any_data and dataset.name == "digits"))
    if pattern is not None and dataset.content_hash != pattern.data_hash:
        tell.on(Noted(reason("other_images_than_the_studys")))
    with folder.claimed(run_id, config), contextlib.ExitStack() as held:
        trained_before = execution.ended(folder)
        if trained_before:
            run = shown(execution.ended_before(folder))
            draw_curves(run, again=False)
        else:
            before = execution.begun_with(folder)
            claim = held.enter_context(machine.claimed(before.threads if before else config.threads))
            resolved = before or compute.resolve(config.precision, config.threads or claim.threads, config.device)
            begun = execution.begin(execution.Job(config, dataset, folder, folder_of_data, weights), resolved)
            split = begun.trainer.material.split
            draw_duplicates(folder.path, begun.record.data, dataset, split, begun.duplicates)
            rows = begun.trainer.progress.rows
            cores = (claim.cores, claim.usable, claim.taken)
            tell.on(RunBegan(begun.record, rows, begun.changed, begun.notes, *cores))
            run = shown(begun.complete(tell))
            draw_curves(run)
    if run.record.status == DIVERGED:
        raise execution.divergence(run)
    tell.on(RunEnded(str(run.folder), run.record, run.rows, trained_before))
    return run


def images_loaded(dataset: Dataset, *, unexpected: bool) -> ImagesLoaded:
    """Return the event that the images are there; `unexpected` where they are others than the reader will expect."""
    return ImagesLoaded(
        dataset.name, dataset.origin, len(dataset.images), dataset.image_shape, len(dataset.class_names), dataset.note,
        unexpected,
    )  # fmt: skip


def _size_text(size: tuple[int, int] | None) -> str | None:
    return None if size is None else f"{size[0]}x{size[1]}"
