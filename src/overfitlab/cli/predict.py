"""`overfitlab predict`."""

import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.loading import loading
from overfitlab.cli.trained import (
    images_argument,
    interruptible,
    model_option,
    named,
    precision_option,
    run_argument,
    threads_option,
)
from overfitlab.errors import UsageError


@click.command(
    short_help="Classify images with a trained run.",
    epilog="\b\nExamples:\n"
    "  overfitlab predict 1a2b3c photo.jpg\n"
    "  overfitlab predict runs/mine photos/ --out predictions.csv\n"
    "  find photos -name '*.png' -print0 | overfitlab predict runs/mine - --json",
)
@run_argument
@images_argument
@click.option(
    "--top", type=int, default=3, show_default=True, metavar="K", help="Number of classes shown for each image."
)
@click.option(
    "--format",
    "kind",
    metavar="F",
    help="table, csv or json.  [default: by the ending of --out, else table]",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file instead.")
@model_option
@precision_option
@threads_option("compute and read files")
@as_json
def predict(run: Path, images: tuple[str, ...], as_json: bool, kind: str | None, **options: object) -> None:
    """Predict the classes of images with a trained run, with probabilities.

    RUN is a run's folder, or its name or the beginning of its id below runs/. An IMAGE is a file, a folder (all images
    below it), or - for names on standard input, one per line or separated by zero bytes. Images are resized and
    standardized as in training. A file that cannot be read is named on standard error, the others are still
    predicted, and the exit code is then 1. Write -- before names that begin with a dash.

    CSV has the columns file, class, probability, and the probability of every class.
    """
    if as_json and kind not in (None, "json"):
        raise UsageError(
            "json_beside_another_format", "--json and --format {format} contradict each other; use only one of them",
            format=kind,
        )  # fmt: skip
    with loading():
        from overfitlab.api.predicting import predict_and_write  # imports torch, which --help need not wait for

    kind = "json" if as_json else kind
    with interruptible():
        predict_and_write(run, named(images), kind=kind, output=sys.stdout, errors=sys.stderr, **options)  # type: ignore[arg-type]
