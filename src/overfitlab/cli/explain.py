"""`overfitlab explain`."""

import json
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.loading import loading
from overfitlab.cli.telling import tell
from overfitlab.cli.trained import (
    images_argument,
    interruptible,
    model_option,
    named,
    precision_option,
    run_argument,
    threads_option,
)
from overfitlab.errors import DataError
from overfitlab.words.languages import spoken


@click.command(
    short_help="Show where a run looks in an image.",
    epilog="\b\nExamples:\n"
    "  overfitlab explain 1a2b3c photo.jpg\n"
    "  overfitlab explain runs/mine cat1.png cat2.png --class dog --out dogs.png",
)
@run_argument
@images_argument
@click.option(
    "--class",
    "class_name",
    metavar="NAME",
    help="Show the evidence for this class.  [default: the class that the network predicts]",
)
@click.option(
    "--layer",
    metavar="L",
    help="Layer whose feature maps are weighted.  [default: the last convolution's, before any pooling]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Image file to write, .png or .svg.  [default: explain.png in the run's folder]",
)
@model_option
@precision_option
@threads_option("compute and read files")
@as_json
def explain(run: Path, images: tuple[str, ...], as_json: bool, **options: object) -> None:
    """Show where in an image a trained run finds the evidence for a class (Grad-CAM).

    RUN is a run's folder, or its name or the beginning of its id below runs/. An IMAGE is a file, a folder (all images
    below it), or - for names on standard input. Twelve images fill a sheet; more fill several, explain-1.png and so
    on. A file that cannot be read is named on standard error, and the exit code is then 1. --json gives the maps as
    numbers.
    """
    with loading():
        from overfitlab.api.explaining import explain_and_write  # imports torch, which --help need not wait for

    output, say = sys.stderr if as_json else sys.stdout, spoken()
    with interruptible():
        document, unreadable = explain_and_write(
            run,
            named(images),
            output=output,
            errors=sys.stderr,
            **options,  # type: ignore[arg-type]
        )
    if as_json:
        click.echo(json.dumps(document, allow_nan=False))
    for sheet in document["sheets"]:
        tell(say("Wrote {file}", file=sheet), err=as_json)
    if unreadable:
        raise DataError(
            "some_not_explained", "{unreadable:,} of {images:,} images could not be read",
            unreadable=unreadable, images=unreadable + len(document["images"]),
        )  # fmt: skip
