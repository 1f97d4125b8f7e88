"""Options and arguments that the commands for a trained run share."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from overfitlab.config import PRECISIONS
from overfitlab.errors import UsageError
from overfitlab.words.languages import spoken

Command = Callable[..., Any]

run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
images_argument = click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
precision_option = click.option(
    "--precision",
    default="float32",
    show_default=True,
    metavar="P",
    help=f"Precision: {', '.join(PRECISIONS[1:])}, or auto, what a training would use on this machine.",
)


model_option = click.option(
    "--model",
    metavar="M",
    help="File of your own network, for a run that was trained with one: FILE.py or FILE.py:NAME.",
)


def threads_option(what: str) -> Callable[[Command], Command]:
    """Return the option `--threads`; `what` is done in them."""
    return click.option("--threads", type=int, metavar="N", help=f"Threads to {what} with.  [default: one per core]")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let an interruption say that there is nothing to go on with: these commands start anew."""
    try:
        yield
    except KeyboardInterrupt as error:
        say = spoken()
        error.add_note(say("stopped before it was done; run the same command to start again"))
        raise


def named(images: Iterable[str]) -> list[str]:
    """Return the images that were named; `-` stands for the names on standard input, `./-` for the file."""
    from overfitlab.api.predicting import names_in

    names: list[str] = []
    read = False
    for image in images:
        if image != "-":
            names.append(image)
        elif read:
            raise UsageError("standard_input_twice", "- is given twice, but standard input can be read only once")
        else:
            names += names_in(sys.stdin.buffer.read())
            read = True
    return names
