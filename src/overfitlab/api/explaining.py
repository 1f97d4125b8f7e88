"""`overfitlab.explain`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from overfitlab.api.explanations import ON_A_SHEET, Explanations
from overfitlab.api.kinds import check_kinds
from overfitlab.api.predicting import complaint
from overfitlab.api.runs import Run, find_run
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.events import Event, Listener, listening
from overfitlab.files import LONGEST_NAME, cut, replacing, user_path
from overfitlab.inference.explanation import Explainer, Explanation
from overfitlab.inference.followed import followed
from overfitlab.inference.handed_in import Given, taken
from overfitlab.inference.pictures import FULL, Unreadable, expand
from overfitlab.inference.trained import load_trained
from overfitlab.inference.writable import refuse_unwritable
from overfitlab.models.handed import Model
from overfitlab.reasons import reason
from overfitlab.report.figures import rendered
from overfitlab.terminal.explained import explanation_line
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import spoken

ENDINGS = (".png", ".svg")


def explain(
    run: Run | str | Path,
    images: Given,
    *,
    class_name: str | None = None,
    layer: str | None = None,
    precision: str = "float32",
    threads: int | None = None,
    model: Model | None = None,
    listener: Listener | Callable[[Event], object] | None = None,
) -> Explanations:
    """Return where the network finds the evidence for a class in each image, by Grad-CAM (arXiv:1610.02391).

    Args:
        run: a run, its folder, or its name or id below `runs/`.
        images: as for `predict`.
        class_name: the class whose evidence is looked for; None for the one that the network predicts.
        layer: whose feature maps are weighed; None for the last convolution's, before any pooling.
        precision: of the computation: `"float32"`, `"float64"`, `"bfloat16"` or `"auto"`.
        threads: of the computation, and for reading files; None for one a core.
        model: the user's own network, for a run that was trained with one and read from its folder; see
            `load_trained`.
        listener: is told how far it is (`overfitlab.Listener`, or a function that takes an event), and can end it from
            another thread: `listener.cancel()`, which raises `CancelledError`.

    Raises `UsageError` for a class or layer that the network does not have, and for what is no image, and
    `OverfitlabError` where the run is unfinished or damaged.
    """
    check_kinds(locals())
    trained = load_trained(
        run if isinstance(run, Run) else find_run(run), precision=precision, threads=threads, model=model
    )
    explainer = Explainer(trained, class_name, layer)
    given = taken(trained, images)
    brightest = trained.brightest if len(given) and not given.has_files else FULL
    found = Explanations([], explainer.layer, trained.class_names, [], brightest)
    for outcome in followed(explainer.of_everything(given), len(given), reason("explaining"), listening(listener)):
        (found.unreadable if isinstance(outcome, Unreadable) else found.images).append(outcome)  # type: ignore[arg-type]
    return found


def explain_and_write(
    run: str | Path,
    images: Sequence[str | Path],
    *,
    class_name: str | None = None,
    layer: str | None = None,
    out: str | Path | None = None,
    precision: str = "float32",
    threads: int | None = None,
    model: str | None = None,
    output: TextIO,
    errors: TextIO,
) -> tuple[dict[str, Any], int]:
    """Explain as `explain` does, a sheet of twelve images at a time, and write the sheets.

    `out` is the file of the sheet, `.png` or `.svg`; None for `explain.png` in the run's folder. More than twelve
    images fill several sheets, `explain-1.png` and so on. A line for each image goes to `output`, files that cannot be
    read and maps without anything in them are named in `errors`.

    Returns maps, probabilities and the names of the sheets as JSON values, and the number of files that could not be
    read. Raises what `explain` raises, and `OverfitlabError` where a sheet cannot be written.
    """
    found_run, say = find_run(run), spoken()
    place = found_run.folder / "explain.png" if out is None else user_path(out)
    if place.suffix.lower() not in ENDINGS:
        raise UsageError(
            "sheet_of_another_ending", "{path}: sheets are written as .png or .svg; name such a file with --out",
            path=place,
        )  # fmt: skip
    if place.is_dir():
        raise UsageError("out_is_a_folder", "{path} is a folder; name a file with --out", path=place)
    refuse_unwritable(place.parent, make=False)
    trained = load_trained(found_run, precision=precision, threads=threads, model=model)
    explainer = Explainer(trained, class_name, layer)
    paths = expand(images)
    if not paths:
        raise UsageError(
            "no_images_named", "no images were named; name files or folders, or - to read names from standard input"
        )
    empty = Explanations([], explainer.layer, trained.class_names, [])
    document = {"run": found_run.record.id, "run_folder": str(found_run.folder)} | empty.as_dict() | {"sheets": []}
    page: list[Explanation] = []

    def finish_page() -> None:
        if not page:
            return
        sheet = replace(empty, images=list(page))
        number = len(document["sheets"]) + 1
        path = place if len(paths) <= ON_A_SHEET else _sheet(place, number)
        try:
            with replacing(path) as stream:
                stream.write(rendered(sheet.figure(), path.suffix.lower().removeprefix(".")))
        except OSError as error:
            raise OverfitlabError(
                "file_cannot_be_written", "cannot write {path} ({reason}); choose another --out",
                path=path, reason=error.strerror or error,
            ) from error  # fmt: skip
        document["sheets"].append(str(path))
        document["images"] += sheet.as_dict()["images"]
        page.clear()

    for outcome in explainer.of_files(paths):
        if isinstance(outcome, Unreadable):
            print(complaint(outcome), file=errors, flush=True)
            document["unreadable"].append({"file": outcome.file, "reason": ENGLISH.reason(outcome.reason)})
            continue
        print(explanation_line(outcome, trained.class_names, say), file=output, flush=True)
        if outcome.nothing_found:
            print(complaint(Unreadable(outcome.file, reason("map_is_zero"))), file=errors, flush=True)
        page.append(outcome)
        if len(page) == ON_A_SHEET:
            finish_page()
    finish_page()
    return document, len(document["unreadable"])


def _sheet(place: Path, number: int) -> Path:
    """Return the path of one sheet of several: `explain-1.png`, of a name that is no longer than a system takes."""
    ending = f"-{number}{place.suffix}"
    most = max(LONGEST_NAME, len(os.fsencode(place.name))) - len(os.fsencode(ending))
    return place.with_name(cut(place.stem, most) + ending)
