"""`overfitlab diagnose`."""

import json

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.telling import tell
from overfitlab.words.languages import spoken


@click.command(
    short_help="Check logs for overfitting.",
    epilog="\b\nExamples:\n"
    "  overfitlab diagnose history.csv\n"
    "  overfitlab diagnose lightning_logs/version_0/metrics.csv --json\n"
    "  overfitlab diagnose runs/seed*/history.csv",
)
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option(
    "--column", "columns", multiple=True, metavar="ROLE=NAME", help="What a column is: method, seed or epoch."
)
@as_json
def diagnose(logs: tuple[str, ...], columns: tuple[str, ...], as_json: bool) -> None:
    """Say from training histories whether a training overfits, since when, and how sure that is.

    LOG is a history with one row per epoch, in any format that judge reads, or a folder of them; several that name no
    methods are taken as seeds of one training. It also says what a log cannot show, and suggests a study that would
    find a remedy.
    """
    from overfitlab.api.diagnosing import diagnose as diagnose_logs  # imports NumPy, which --help need not wait for
    from overfitlab.report.diagnosis_text import diagnosis_text

    found, say = diagnose_logs([*logs], columns=columns), spoken()
    if as_json:
        click.echo(json.dumps(found.document(), allow_nan=False))
        return
    tell("\n\n".join(diagnosis_text(each, say) for each in found.methods))
