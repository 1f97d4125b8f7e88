"""`overfitlab compare`."""

import json
import shlex
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.loading import loading
from overfitlab.cli.optional_number import UntilDecidedCommand
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
from overfitlab.cli.telling import tell
from overfitlab.config import CLEAN, METRICS, QUICK, UNTIL
from overfitlab.errors import OverfitlabError
from overfitlab.words.languages import spoken


@click.command(
    short_help="Compare methods at paired seeds.",
    cls=UntilDecidedCommand,
    epilog="\b\nExamples:\n"
    "  overfitlab compare --protocol quick\n"
    "  overfitlab compare none dropout:rate=0.2 dropout:rate=0.5 --data digits --protocol quick\n"
    "  overfitlab compare augment l2 batch_norm+dropout --budget 30m --name mine\n"
    "  overfitlab compare batch_norm dropout --contrast batch_norm:dropout --seeds 6,12 --data photos/\n"
    "  overfitlab compare dropout --until-decided 20",
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
    help=f"What is held fixed: {CLEAN.name}, or {QUICK.name}, which takes minutes.",
)
@click.option(
    "--seeds",
    metavar="N",
    help="Number of seeds, or planned looks: 6,12 ends after 6 if all is decided.  [default: enough for a verdict]",
)
@click.option(
    "--until-decided",
    metavar="[T]",
    help=f"Add seeds until everything is decided, up to T, or none for no maximum.  [T: {UNTIL} unless given]",
)
@click.option("--first-seed", type=int, default=0, show_default=True, metavar="N", help="First seed.")
@click.option(
    "--contrast",
    "contrasts",
    multiple=True,
    metavar="A:B",
    help="Also compare A with B; can be repeated. With hyperparameters: 'dropout:rate=0.5 : dropout'.",
)
@click.option("--baseline", metavar="M", help="What every method is compared with.  [default: none]")
@click.option(
    "--budget",
    metavar="TIME",
    help="Fit the study into 90s, 10m or 2h: reduces training images, then epochs, never seeds.",
)
@click.option(
    "--metric",
    default=METRICS[0],
    show_default=True,
    metavar="NAME",
    help=f"Metric that the verdict is based on: {', '.join(METRICS)}.",
)
@click.option(
    "--equivalence",
    metavar="A,G",
    help="Differences in metric and gap too small to matter.  [default: 0.5,1 points; 0.02,0.04 nats for a loss]",
)
@click.option(
    "--alpha", type=float, default=0.05, show_default=True, metavar="X", help="Significance level of the tests."
)
@click.option("--jobs", type=int, metavar="N", help="Runs trained at once.  [default: number of free cores]")
@click.option(
    "--name", metavar="NAME", help="Name of the study, whose folder is runs/NAME.  [default: from what it compares]"
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the study, instead of runs/NAME."
)
@data_dir_option
@image_size_option
@groups_option
@model_option
@bare_option
@weights_option
@click.option(
    "--vary",
    metavar="WORDS",
    help="What the seed determines: some of split,init,order.  [default: all three]",
)
@click.option("--epochs", type=int, metavar="N", help="Passes over the training images.  [default: the protocol's]")
@batch_size_option
@click.option(
    "--learning-rate",
    "--lr",
    type=float,
    metavar="X",
    help="Learning rate at its highest.  [default: the protocol's]",
)
@optimizer_option
@schedule_option
@keep_option
@click.option("--training-images", type=int, metavar="N", help="Train on N images at most.  [default: the protocol's]")
@precision_option
@click.option("--threads", type=int, metavar="N", help="Threads of each run.  [default: 1, more where cores are left]")
@click.option("--give-up", is_flag=True, help="Give a verdict without the failed runs, which are not tried again.")
@click.option(
    "--report/--no-report",
    default=True,
    help="Whether to write the report, too.  [default: --report]",
)
@click.option("--full", is_flag=True, help="Show every table at the end, not only the answer.")
@as_json
def compare(methods: tuple[str, ...], as_json: bool, report: bool, **options: object) -> None:
    """Train methods at paired seeds, and say which ones help against overfitting and how sure that is.

    M is a method, or several joined by +. Without any, the notebook's question is asked: none, dropout and batch_norm.
    The baseline alone measures how much it varies from seed to seed.
    The plan and its time come first, then the training, then the answer. Ctrl-C keeps what was trained; the same
    command resumes.
    """
    with loading():
        from overfitlab.api import comparing  # imports torch, which --help need not wait for
    from overfitlab.api.reporting import is_current
    from overfitlab.records.study_folder import REPORT

    stream, say = sys.stderr if as_json else sys.stdout, spoken()
    command = shlex.join(["overfitlab", *sys.argv[1:]])
    given = {name: value for name, value in options.items() if value is not None}
    study = comparing.compare(methods, stream=stream, command=command, **given)  # type: ignore[arg-type]
    if report and not is_current(study, study.folder / REPORT, say.code):
        page = study.report(language=say.code)
        tell(say("Report: {page} (open it in a browser)", page=page), err=as_json)
    if as_json:
        click.echo(json.dumps(study.document(), allow_nan=False))
    failed = sum(not failure.given_up for failure in study.record.failures.values())
    if failed:
        raise OverfitlabError(
            "runs_failed",
            "{failed} of its runs failed (overfitlab show says why), so there is no verdict yet; run the same "
            "command to try them again, or add --give-up for a verdict without them",
            failed=failed,
        )
