"""`overfitlab compare`."""

import json
import shlex
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.config import CLEAN, PRECISIONS, QUICK


@click.command(
    epilog="\b\nExamples:\n"
    "  overfitlab compare --protocol quick\n"
    "  overfitlab compare none dropout:rate=0.2 dropout:rate=0.5 --data digits --protocol quick\n"
    "  overfitlab compare augment l2 batch_norm+dropout --budget 30m --name mine\n"
    "  overfitlab compare batch_norm dropout --contrast batch_norm:dropout --seeds 6,12 --data photos/"
)
@click.argument("methods", nargs=-1, metavar="[M]...")
@click.option(
    "--data",
    default="auto",
    show_default=True,
    metavar="D",
    help="cifar10, cifar100, fashion_mnist, digits, a folder of images, an .npz file, or auto: CIFAR-10 where it is "
    "here or can be fetched, else digits.",
)
@click.option(
    "--protocol",
    default=CLEAN.name,
    show_default=True,
    metavar="P",
    help=f"Everything that is held fixed: {CLEAN.name}, or {QUICK.name}, which takes minutes.",
)
@click.option(
    "--seeds",
    metavar="N",
    help="How many, or planned looks: 6,12 ends after 6 if all is decided.  [default: enough for a verdict]",
)
@click.option("--first-seed", type=int, default=0, show_default=True, metavar="N", help="Count the seeds from here.")
@click.option(
    "--contrast",
    "contrasts",
    multiple=True,
    metavar="A:B",
    help="Compare A with B as well; may be given again. With hyperparameters: 'dropout:rate=0.5 : dropout'.",
)
@click.option("--baseline", metavar="M", help="What every method is compared with.  [default: none]")
@click.option(
    "--budget",
    metavar="TIME",
    help="Fit the study into 90s, 10m or 2h: gives up training images, then epochs, never seeds.",
)
@click.option(
    "--equivalence",
    metavar="A,G",
    help="Differences that do not matter, in points of accuracy and of gap.  [default: 0.5,1]",
)
@click.option("--jobs", type=int, metavar="N", help="Runs at once.  [default: as many as there are free cores]")
@click.option("--name", metavar="NAME", help="Of the study; it lies in runs/NAME.  [default: after what it compares]")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The study's folder instead.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that holds a published set.  [default: $OVERFITLAB_DATA, then the usual places]",
)
@click.option(
    "--image-size",
    metavar="N",
    help="Resize images to NxN pixels, or HxW; 8 to 224.  [default: 32 for image files, else as they are]",
)
@click.option(
    "--model",
    default="notebook_cnn",
    show_default=True,
    metavar="M",
    help="notebook_cnn, resnet20, resnet32, resnet56, vgg11, vgg16, timm:NAME, or your own: FILE.py:FUNCTION or "
    "MODULE:FUNCTION.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights to begin with: a .safetensors or PyTorch file, or the folder of a run.  [default: fresh ones]",
)
@click.option(
    "--vary",
    metavar="WORDS",
    help="What the seed decides: some of split,init,order, or nothing.  [default: all three]",
)
@click.option("--epochs", type=int, metavar="N", help="Passes over the training images.  [default: the protocol's]")
@click.option("--batch-size", type=int, metavar="N", help="Images a step.  [default: the protocol's; 32]")
@click.option("--learning-rate", "--lr", type=float, metavar="X", help="Of Adam.  [default: the protocol's]")
@click.option("--training-images", type=int, metavar="N", help="Train on N images at most.  [default: the protocol's]")
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    metavar="P",
    help=f"{', '.join(PRECISIONS[1:])}, or auto: bfloat16 where the processor has instructions for it, else float32.",
)
@click.option("--threads", type=int, metavar="N", help="Threads of each run.  [default: 1, more where cores are left]")
@as_json
def compare(methods: tuple[str, ...], as_json: bool, **options: object) -> None:
    """Train methods at paired seeds, and say which helps against overfitting, and how sure that is.

    M is a method, or several joined by +; without any it asks the notebook's question: none, dropout and batch_norm.
    It says what it will do and how long that takes, then trains; Ctrl-C keeps what was trained, and the same command
    goes on.
    """
    from overfitlab.api import comparing  # imports torch, which --help need not wait for

    stream = sys.stderr if as_json else sys.stdout
    command = shlex.join(["overfitlab", *sys.argv[1:]])
    study = comparing.compare(methods, stream=stream, command=command, **options)  # type: ignore[arg-type]
    if as_json:
        document = {"folder": str(study.folder), "verdict": study.verdict().as_dict(), **study.record}
        click.echo(json.dumps(document, allow_nan=False))
