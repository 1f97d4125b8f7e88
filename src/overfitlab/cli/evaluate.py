"""`overfitlab evaluate`."""

import json
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.loading import loading
from overfitlab.cli.telling import tell
from overfitlab.cli.trained import interruptible, model_option, precision_option, run_argument, threads_option


@click.command(
    short_help="Measure a trained run on its test images.",
    epilog="\b\nExamples:\n"
    "  overfitlab evaluate runs/cifar10-batch_norm-seed0-1a2b3c\n"
    "  overfitlab evaluate 1a2b3c --part validation\n"
    "  overfitlab evaluate 1a2b3c --data photos/ --json",
)
@run_argument
@click.option(
    "--part",
    metavar="PART",
    help="Which of the run's own images: test, validation or training.  [default: test]",
)
@click.option(
    "--data",
    metavar="D",
    help="Other images instead, all of them: anything that train accepts, with the names of the run's classes.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the data.  [default: where it was when the run was trained]",
)
@click.option(
    "--groups",
    metavar="G",
    help="Where the run's list of groups is now, with --part.  [default: where they were when the run was trained]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for tables and figures.  [default: evaluation/PART in the run's folder]",
)
@model_option
@precision_option
@threads_option("compute")
@as_json
def evaluate(run: Path, as_json: bool, **options: object) -> None:
    """Measure a trained run: accuracy with its interval, every class, mistakes, calibration.

    RUN is a run's folder, or its name or the beginning of its id below runs/. The test images are for judging at the
    end; compare methods and settings with --part validation.
    """
    with loading():
        from overfitlab.api.evaluating import evaluate_and_write  # imports torch, which --help need not wait for

    with interruptible():
        document, text = evaluate_and_write(run, progress=sys.stderr, **options)  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(document, allow_nan=False))
    else:
        tell(text)
