"""`overfitlab.evaluate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from overfitlab.api import evaluation_files
from overfitlab.api.asked import Asked, Data, Groups
from overfitlab.api.kinds import check_kinds
from overfitlab.api.runs import find_run
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.recorded import recorded
from overfitlab.data.sources.handed_in import is_handed_in_before
from overfitlab.display import display_name
from overfitlab.errors import DataError, OverfitlabError, UsageError
from overfitlab.events import Event, Listener, TaskNoted, listening
from overfitlab.files import text_of, user_path
from overfitlab.inference.evaluation import Evaluated, Evaluation, other_images, own_images
from overfitlab.inference.evaluation import evaluate as passed_through
from overfitlab.inference.trained import Trained, computing, load_trained
from overfitlab.inference.writable import refuse_unwritable
from overfitlab.models.handed import Model
from overfitlab.report.evaluation_text import evaluation_text
from overfitlab.runs.run import Run
from overfitlab.terminal.screen import screen_on
from overfitlab.words.languages import spoken


def evaluate(
    run: Run | str | Path,
    part: str | None = None,
    *,
    data: Data | None = None,
    data_dir: str | Path | None = None,
    groups: Groups | None = None,
    precision: str = "float32",
    threads: int | None = None,
    model: Model | None = None,
    listener: Listener | Callable[[Event], object] | None = None,
) -> Evaluation:
    """Measure a trained run on images with labels.

    Args:
        run: a run, its folder, or its name or id below `runs/`.
        part: which of the run's own images: `"test"` (also None), `"validation"` or `"training"`.
        data: other images instead, all of them: whatever `train` takes, with names of the run's classes. Together
            with `part` it is where the run's own images lie now.
        data_dir: the folder that holds the data, where it is no longer where it was.
        groups: where the groups of the run's own images are written now, if no longer where they were.
        precision: of the computation: `"float32"`, `"float64"`, `"bfloat16"` or `"auto"`.
        threads: of the computation; None for one a core.
        model: the user's own network, for a run that was trained with one and read from its folder; see
            `load_trained`.
        listener: is told how far it is (`overfitlab.Listener`, or a function that takes an event), and can end it from
            another thread: `listener.cancel()`.

    Raises:
        UsageError: an argument is unknown.
        DataError: the images are missing or no longer the same.
        CancelledError: the listener asked for the end.
        OverfitlabError: the run is unfinished or damaged; which, its kind says (see `load_trained`).
    """
    check_kinds(locals())
    trained = load_trained(
        run if isinstance(run, Run) else find_run(run), precision=precision, threads=threads, model=model
    )
    tell = listening(listener)
    images = _images(trained, part, data, data_dir, groups, tell)
    with computing(trained):
        return passed_through(trained, images, tell)


def evaluate_and_write(
    run: str | Path, part: str | None, *, out: Path | None, progress: TextIO, **options: Any
) -> tuple[dict[str, Any], str]:
    """Evaluate as `evaluate` does, write the files, and return all numbers as JSON values and as a text for people.

    `out` is the folder for the files; None for one below the run's. `progress` is where the progress is shown.
    Raises what `evaluate` raises, and `OverfitlabError` where the folder cannot be written.
    """
    found_run, say = find_run(run), spoken()
    place = None if out is None else user_path(out)
    refuse_unwritable(place or found_run.folder / "evaluation", make=True)
    found = evaluate(found_run, part, listener=screen_on(progress, say), **options)
    folder = place or found.run.folder / "evaluation" / evaluation_files.folder_name(found)
    names = evaluation_files.write(found, folder)
    document = {"folder": str(folder), "files": names} | found.as_dict()
    wrote = say("Wrote {file} (and {others})", file=folder / names[0], others=", ".join(names[1:]))
    return document, f"{evaluation_text(found.numbers(), say)}\n{wrote}"


def _images(
    trained: Trained,
    part: str | None,
    data: Data | None,
    data_dir: str | Path | None,
    groups: Groups | None,
    listener: Listener,
) -> Evaluated:
    run = trained.run
    if data is None:
        place = None if data_dir is None else user_path(data_dir, "data_dir")
        where = None if groups is None else text_of("groups", groups)
        return own_images(run, _own_dataset(run, place, where, part or "test", listener), part or "test")
    height, width, _ = trained.image_shape
    if part is not None and groups is None and run.own.data.groups is not None:
        groups = run.own.data.groups.source
    asked = Asked.of(data, groups if part is not None else None, (height, width), data_dir, listener)
    dataset = asked.loaded(listener, trainable=part is not None, white=run.own.data.white)
    for note in dataset.notes:
        listener.on(TaskNoted(note))
    if part is None:
        return other_images(trained, dataset)
    if dataset.content_hash != run.own.data.sha256:
        raise UsageError(
            "data_without_images_of_the_run",
            "{data} does not hold the images of {folder}; leave out --part to evaluate all of them",
            data=dataset.name, folder=run.folder,
        )  # fmt: skip
    return own_images(run, dataset, part)


def _own_dataset(run: Run, folder: Path | None, groups: str | None, part: str, listener: Listener) -> Dataset:
    """Return the images that the run was trained on, from where they were, or from `folder`."""
    record, size = run.own.data, run.own.config.image_size
    own = record.source not in loading.SOURCES
    if own and folder is not None:
        raise UsageError(
            "data_dir_for_own_images",
            "{run} was trained on your own images, so --data-dir does not apply; use --data {folder} --part {name}",
            run=run.folder, folder=folder, name=part,
        )  # fmt: skip
    try:
        return recorded(record, size, folder, groups=groups, listener=listener)
    except (OverfitlabError, OSError) as error:
        reason = display_name(str(error))  # it quotes the record
        if not own:
            raise DataError(
                "images_not_where_they_were", "the images of {run} are no longer where they were: {reason}",
                run=run.folder, reason=reason,
            ) from error  # fmt: skip
        if isinstance(error, OverfitlabError) and error.code == "groups_not_there" and groups is None:
            raise DataError(
                "groups_not_where_they_were",
                "the list of groups that {run} was trained with is no longer {place}; give it with --groups FILE",
                run=run.folder, place=display_name(record.groups.source if record.groups else ""),
            ) from error  # fmt: skip
        if is_handed_in_before(record.source):
            raise DataError(
                "arrays_no_longer_kept",
                "the arrays that {run} was trained on are no longer in the cache ({reason}); pass them again in "
                "Python: overfitlab.evaluate(run, {name!r}, data=(x, y))",
                run=run.folder, reason=reason, name=part,
            ) from error  # fmt: skip
        raise DataError(
            "own_images_not_where_they_were",
            "the images of {run} are no longer where they were: {reason}; if they have moved, give the new place "
            "with --data DIR --part {name}",
            run=run.folder, reason=reason, name=part,
        ) from error  # fmt: skip
