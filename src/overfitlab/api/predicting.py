"""`overfitlab.predict`."""

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from overfitlab.api.kinds import check_kinds
from overfitlab.api.runs import Run, find_run
from overfitlab.display import display_name
from overfitlab.errors import DataError, OverfitlabError, UsageError, unknown_name
from overfitlab.events import Event, Listener, TaskNoted, listening
from overfitlab.files import in_utf8, replacing, user_path
from overfitlab.inference.followed import followed
from overfitlab.inference.handed_in import Given, taken
from overfitlab.inference.pictures import Unreadable, expand
from overfitlab.inference.prediction import Predictions, collected, of_everything, stream
from overfitlab.inference.trained import Trained, load_trained
from overfitlab.models.handed import Model
from overfitlab.reasons import reason
from overfitlab.report.prediction_table import Csv, Format, Json, Table
from overfitlab.terminal.screen import screen_on
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import spoken

FORMATS = ("table", "csv", "json")


def predict(
    run: Run | str | Path,
    images: Given,
    *,
    precision: str = "float32",
    threads: int | None = None,
    model: Model | None = None,
    listener: Listener | Callable[[Event], object] | None = None,
) -> Predictions:
    """Return the class probabilities of images.

    Args:
        run: a run, its folder, or its name or id below `runs/`.
        images: a file, a folder (with all images below it), an image of Pillow, an array [H, W, C] or [N, H, W, C], or
            a tensor [C, H, W] or [N, C, H, W]; or a list of such. All are resized and standardized as in training; give
            values as they were there, or from 0 (black) to 1 (white).
        precision: of the computation: `"float32"`, `"float64"`, `"bfloat16"` or `"auto"`.
        threads: of the computation, and for reading files; None for one a core.
        model: the user's own network, for a run that was trained with one and read from its folder; see
            `load_trained`.
        listener: is told how far it is (`overfitlab.Listener`, or a function that takes an event), and can end it from
            another thread: `listener.cancel()`, which raises `CancelledError`.

    Files that cannot be read are listed in the result, with the reason. Raises `UsageError` for what is no image, and
    `OverfitlabError` where the run is unfinished or damaged.
    """
    check_kinds(locals())
    trained = load_trained(
        run if isinstance(run, Run) else find_run(run), precision=precision, threads=threads, model=model
    )
    given = taken(trained, images)
    outcomes = of_everything(trained, given)
    return collected(trained, followed(outcomes, len(given), reason("predicting"), listening(listener)))


def predict_and_write(
    run: str | Path,
    images: Sequence[str | Path],
    *,
    kind: str | None = None,
    top: int = 3,
    out: str | Path | None = None,
    precision: str = "float32",
    threads: int | None = None,
    model: str | None = None,
    output: TextIO,
    errors: TextIO,
) -> None:
    """Predict as `predict` does, and write each prediction as soon as it is there.

    Args:
        run: a folder, or a name or an id below `runs/`.
        images: files and folders.
        kind: of `FORMATS`; None for that of the ending of `out`, else a table.
        top: how many classes to name for an image, the most probable first.
        out: a file that takes the output when all of it is there; None for `output`.
        precision: of the computation.
        threads: of the computation, and for reading files.
        model: where the user's own network is written, for a run that was trained with one; see `load_trained`.
        output: where the predictions go: for csv and json in UTF-8, whatever the encoding of the stream.
        errors: where files that cannot be read are named, and progress is shown if it is a terminal.

    Raises `DataError` at the end where a file could not be read; the others are written then. Raises `UsageError` for
    an unknown format or a `top` below 1.
    """
    place = None if out is None else user_path(out)
    if kind is None:
        ending = "" if place is None else place.suffix.lower().removeprefix(".")
        kind = ending if ending in FORMATS else "table"
    if kind not in FORMATS:
        raise unknown_name("format", kind, FORMATS)
    if top < 1:
        raise UsageError("top_below_one", "--top must be at least 1, not {top}", top=top)
    trained = load_trained(find_run(run), precision=precision, threads=threads, model=model)
    paths = expand(images)
    if not paths:
        raise UsageError(
            "no_images_named", "no images were named; name files or folders, or - to read names from standard input"
        )
    rows_are_progress = place is None and (output.isatty() or not errors.isatty())
    listener = screen_on(None if rows_are_progress else errors, spoken())
    say = functools.partial(print, file=errors, flush=True) if rows_are_progress else _saying(listener)
    encoding = "utf-8" if kind != "table" or place is not None else (output.encoding or "utf-8")
    with _target(place, output) as target:
        unreadable = _write(trained, paths, _format(kind, trained, top, paths), target, encoding, say, listener)
        if unreadable == len(paths):  # raised here, so that a file that is there already stays as it is
            raise DataError(
                "nothing_predicted", "{unreadable:,} of {images:,} images could not be read; nothing was predicted",
                unreadable=unreadable, images=len(paths),
            )  # fmt: skip
    if unreadable:
        raise DataError(
            "some_not_predicted", "{unreadable:,} of {images:,} images could not be read; all others were predicted",
            unreadable=unreadable, images=len(paths),
        )  # fmt: skip


def _saying(listener: Listener) -> Callable[[str], None]:
    """Return what says a line above the listener's bar."""
    return lambda text: listener.on(TaskNoted(reason("words_of_others", text=text)))


def names_in(text: bytes) -> list[str]:
    """Return the names in `text`, one a line, or between zero bytes where there are any (`find -print0`).

    In UTF-8 or the bytes of the file system, or in UTF-16 or UTF-32, as PowerShell writes lists; a byte-order mark is
    no part of the first name. Raises `UsageError` where it is in none of them.
    """
    plain = in_utf8(text)
    if plain is None:
        raise UsageError(
            "list_of_unknown_encoding",
            "the names on standard input are in an unknown encoding; write them in UTF-8, one per line",
        )
    separator = b"\0" if b"\0" in plain else b"\n"
    names = plain.split(separator)
    if separator == b"\n":
        names = [name.removesuffix(b"\r") for name in names]
    return [os.fsdecode(name) for name in names if name]


def complaint(entry: Unreadable) -> str:
    """Return the line that says that a file cannot be read, and why."""
    return f"overfitlab: {display_name(entry.file)}: {display_name(spoken().reason(entry.reason))}"


def _format(kind: str, trained: Trained, top: int, paths: Sequence[Path | Unreadable]) -> Format:
    if kind == "csv":
        return Csv(trained.class_names)
    if kind == "json":
        record = trained.run.record
        about: dict[str, object] = {
            "run": record.id,
            "run_folder": str(trained.run.folder),
            "precision": trained.compute.precision,
        }
        return Json(trained.class_names, top, about)
    return Table(trained.class_names, top, [str(path) for path in paths if isinstance(path, Path)])


@contextlib.contextmanager
def _target(place: Path | None, output: TextIO) -> Iterator[BinaryIO]:
    if place is None:
        output.flush()
        yield output.buffer
        output.flush()
        return
    if place.is_dir():
        raise UsageError("out_is_a_folder", "{path} is a folder; name a file with --out", path=place)
    try:
        with replacing(place) as target:
            yield target
    except OSError as error:
        raise OverfitlabError(
            "file_cannot_be_written", "cannot write {path} ({reason}); choose another --out",
            path=place, reason=error.strerror or error,
        ) from error  # fmt: skip


def _write(
    trained: Trained,
    paths: Sequence[Path | Unreadable],
    chosen: Format,
    target: BinaryIO,
    encoding: str,
    say: Callable[[str], None],
    listener: Listener,
) -> int:
    """Write all predictions, and return for how many paths there are none."""
    unreadable: list[tuple[str, str]] = []

    def write(text: str) -> None:
        target.write(text.encode(encoding, "backslashreplace"))

    outcomes = followed(stream(trained, paths), len(paths), reason("predicting"), listener)
    with contextlib.closing(outcomes):
        first = next(outcomes)  # before anything is written: where nothing can be computed, nothing is begun
        write(chosen.begin())
        for outcome in itertools.chain([first], outcomes):
            if isinstance(outcome, Unreadable):
                target.flush()
                say(complaint(outcome))
                unreadable.append((outcome.file, ENGLISH.reason(outcome.reason)))
            else:
                write(chosen.row(outcome.file, outcome.probabilities.tolist()))
    write(chosen.end(unreadable))
    target.flush()
    return len(unreadable)
