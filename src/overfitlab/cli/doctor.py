"""`overfitlab doctor`."""

import json
import sys

import click

from overfitlab.cli.groups import as_json
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import spoken


@click.command(short_help="Check what this machine has and lacks.", epilog="Example:  overfitlab doctor")
@as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what this machine has for training, what it lacks, and what to do about that.

    It looks at Python, PyTorch, processor, memory, disks and data, and does not use the network. The exit code is 1 if
    something prevents training.
    """
    from overfitlab import doctor as room

    say = ENGLISH if as_json else spoken()
    checks = room.examine(say)
    problems = sum(check.level == room.PROBLEM for check in checks)
    if as_json:
        document = {"problems": problems, "checks": [check.as_dict() for check in checks]}
        click.echo(json.dumps(document, allow_nan=False))
    else:
        from overfitlab.terminal.listing import show_checks

        show_checks(sys.stdout, checks, say)
    ctx.exit(1 if problems else 0)
