"""`overfitlab list` and `overfitlab show`."""

import json
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.telling import tell
from overfitlab.display import display_name
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import spoken


@click.command(
    "list",
    short_help="List studies and runs.",
    epilog="\b\nExamples:\n  overfitlab list\n  overfitlab list --runs elsewhere --json",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default="runs",
    show_default=True,
    metavar="DIR",
    help="Folder that they are in.",
)
@as_json
def list_all(runs: Path, as_json: bool) -> None:
    """List the studies and runs below runs/."""
    from overfitlab.api import listing  # imports NumPy, which --help need not wait for
    from overfitlab.report.study_text import listed_text
    from overfitlab.words.columns import screen_width

    say = ENGLISH if as_json else spoken()
    found = listing.listed(runs, say)
    if as_json:
        click.echo(json.dumps(listing.as_documents(found)))
    elif found:
        rows = [
            [display_name(cell) for cell in (each.name, say(each.kind), say(each.status), each.what, each.outcome)]
            for each in found
        ]
        click.echo(
            listed_text([say("name"), "", say("status"), say("what"), say("outcome")], rows, screen_width(sys.stdout))
        )
    else:
        tell(
            say(
                "There is nothing in {folder} yet. overfitlab train and overfitlab compare create runs and studies "
                "there.",
                folder=runs,
            )
        )


@click.command(
    short_help="Show the answer of a study, or a run.",
    epilog="\b\nExamples:\n  overfitlab show study-digits-1a2b3c\n  overfitlab show 1a2b3c --json",
)
@click.argument("named", metavar="STUDY|RUN")
@click.option("--full", is_flag=True, help="Show every table of a study, not only its answer.")
@as_json
def show(named: str, full: bool, as_json: bool) -> None:
    """Show a study or a run: its state, its numbers, and what they say.

    STUDY|RUN is a folder, or a name or the beginning of an id below runs/. A study that still trains can be shown too.
    """
    from overfitlab.api import listing  # imports NumPy, which --help need not wait for
    from overfitlab.words.columns import screen_width

    document, text = listing.show(named, spoken(), full=full, width=screen_width(sys.stdout))
    click.echo(json.dumps(document, allow_nan=False) if as_json else _shown(text))


def _shown(text: str) -> str:
    """Return a text of several lines as a terminal may have it: names in folders of strangers can hold anything."""
    return "\n".join(display_name(line) for line in text.split("\n"))
