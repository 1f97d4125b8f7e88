"""`overfitlab train`."""

import json
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.loading import loading
from overfitlab.cli.mistaken import OptionsAlone, Seed
from overfitlab.cli.settings import (
    bare_option,
    batch_size_option,
    data_dir_option,
    groups_option,
    image_size_option,
    keep_option,
    model_option,
    optimizer_option,
    precision_option,
    schedule_option,
    weights_option,
)
from overfitlab.config import DEVICES, PROTOCOLS


@click.command(
    short_help="Train a network under one method.",
    cls=OptionsAlone,
    epilog="\b\nExamples:\n"
    "  overfitlab train\n"
    "  overfitlab train --method none --data digits --epochs 100 --learning-rate 1e-3\n"
    "  overfitlab train --method batch_norm+dropout:rate=0.3 --seed 1\n"
    "  overfitlab train --like study-cifar10-1a2b3c\n"
    "  overfitlab train --data photos/ --image-size 64 --protocol clean --model resnet20",
)
@click.option(
    "--method",
    metavar="M",
    help="Regularization method, or several joined by +, with hyperparameters after a colon: dropout:rate=0.3; "
    "overfitlab methods lists them.  [default: batch_norm]",
)
@click.option(
    "--like",
    metavar="STUDY",
    help="Train the method that a study recommends, or --method, under its protocol on all its training images.",
)
@click.option(
    "--data",
    metavar="D",
    help="cifar10, cifar100, fashion_mnist, digits, a folder of images (DIR/class/*.jpg, or "
    "DIR/train|val|test/class/...), an .npz file with x and y, or auto: CIFAR-10 where it is here or can be fetched, "
    "else digits.  [default: auto]",
)
@data_dir_option
@image_size_option
@groups_option
@model_option
@bare_option
@weights_option
@click.option(
    "--protocol",
    metavar="P",
    help=f"What is held fixed: {', '.join(PROTOCOLS)}.  [default: notebook]",
)
@click.option(
    "--vary",
    metavar="WORDS",
    help="What the seed determines: some of split,init,order, or nothing.  [default: what the protocol says]",
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="Passes over the training images.  [default: the protocol's; 30 under notebook]",
)
@batch_size_option
@click.option(
    "--learning-rate",
    "--lr",
    type=float,
    metavar="X",
    help="Learning rate at its highest.  [default: the protocol's; 0.0001 under notebook]",
)
@optimizer_option
@schedule_option
@keep_option
@click.option(
    "--training-images",
    type=int,
    metavar="N",
    help="Train on N of the training images at most.  [default: the protocol's; all under notebook]",
)
@click.option(
    "--seed",
    type=Seed(),
    default=0,
    show_default=True,
    metavar="N",
    help="Determines initial weights, batch order and masks, and under clean and quick the split, too.",
)
@precision_option
@click.option(
    "--threads",
    type=int,
    metavar="N",
    help="Number of threads.  [default: one per core that none of your other trainings uses]",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="D",
    help=f"{', '.join(DEVICES)}; on devices other than the CPU plain PyTorch is used, untested.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the run.  [default: one below runs/, named after what is trained]",
)
@as_json
def train(as_json: bool, **options: object) -> None:
    """Train a network under one method, and draw its learning curves.

    It leaves a folder with the history, the curves, the weights, and a record of how they came about. The same
    command resumes an interrupted run where its last finished epoch ended, to the bit.
    """
    with loading():
        from overfitlab.api import training  # imports torch, which --help need not wait for

    stream = sys.stderr if as_json else sys.stdout
    run = training.train(**options, stream=stream)  # type: ignore[arg-type]
    if as_json:
        document = run.document() | {"history": run.history}
        click.echo(json.dumps(document, allow_nan=False))
