"""The entry point: commands, and what a user sees when something goes wrong."""

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from overfitlab._version import __version__
from overfitlab.cli.compare import compare
from overfitlab.cli.data import data
from overfitlab.cli.diagnose import diagnose
from overfitlab.cli.doctor import doctor
from overfitlab.cli.evaluate import evaluate
from overfitlab.cli.explain import explain
from overfitlab.cli.groups import Commands
from overfitlab.cli.judge import judge
from overfitlab.cli.listing import list_all, show
from overfitlab.cli.methods import methods
from overfitlab.cli.mistaken import in_our_words
from overfitlab.cli.predict import predict
from overfitlab.cli.report import report
from overfitlab.cli.telling import tell
from overfitlab.cli.train import train
from overfitlab.cli.ui import ui
from overfitlab.display import display_name
from overfitlab.errors import CancelledError, OutOfMemoryError, OverfitlabError, is_want_of_memory
from overfitlab.files import refusal
from overfitlab.words.languages import spoken

SIGNALLED = 128  # plus the number of the signal, as shells count


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  overfitlab train --method batch_norm+dropout --data digits",
)
@click.version_option(__version__, prog_name="overfitlab")
def cli() -> None:
    """What does each regularization method do to overfitting on your images?"""


for command in (
    train,
    compare,
    judge,
    diagnose,
    report,
    list_all,
    show,
    methods,
    evaluate,
    predict,
    explain,
    data,
    doctor,
    ui,
):
    cli.add_command(command)


def main() -> NoReturn:
    """Run the command line; every error becomes one line on standard error and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):  # a name that is no text must not end a finished training in an error
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name="overfitlab", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _fail(in_our_words(error, sys.argv[1:]), error.exit_code)
    except OverfitlabError as error:
        _fail(error, error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:  # click makes the one of the other
        _stop(error.__cause__ if isinstance(error, click.Abort) else error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        sys.exit(1)
    except (MemoryError, OSError) as error:
        _fail(_explained(error), 1)
    except Exception as error:
        if os.environ.get("OVERFITLAB_DEBUG"):
            raise
        _fail(_explained(error), 1)


def _explained(error: Exception) -> OverfitlabError:
    """Return what to say of what nobody foresaw: nobody should have to read a traceback to report a bug of ours."""
    if is_want_of_memory(error):
        return OutOfMemoryError(
            "out_of_memory", "not enough memory; try a smaller --batch-size or --image-size, or close other programs"
        )
    if isinstance(error, OSError):
        return OverfitlabError(
            "system_refuses_for_now", "{reason}, then run the same command to continue", reason=refusal(error)
        )
    return OverfitlabError(
        "internal_error", "internal error, {type}: {reason}; OVERFITLAB_DEBUG=1 shows where",
        type=type(error).__name__, reason=str(error),
    )  # fmt: skip


def _stop(interruption: BaseException | None) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):  # it ends already
        signal.signal(number, signal.SIG_IGN)
    sent = signal.SIGTERM if isinstance(interruption, Terminated) else signal.SIGINT
    _fail(_how_to_go_on(interruption), SIGNALLED + sent)


def _how_to_go_on(interruption: BaseException | None) -> str | CancelledError:
    """Return what to say of an interruption: what was interrupted may know, and be interrupted once more at that."""
    while interruption is not None:
        said = getattr(interruption, "__notes__", [])
        if said:
            return str(said[0])
        interruption = interruption.__context__
    return CancelledError("stopped", "stopped; run the same command to continue after the last finished epoch")


def _fail(why: str | OverfitlabError, code: int) -> NoReturn:
    say = spoken()
    message = say.error(why) if isinstance(why, OverfitlabError) else say(why)
    tell(f"overfitlab: {display_name(' '.join(message.split()))}", err=True)
    sys.exit(code)


class Terminated(KeyboardInterrupt):
    """SIGTERM; everything that cleans up after Ctrl-C does so after this too."""


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated
