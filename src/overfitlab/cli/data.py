"""`overfitlab data`: list, fetch, verify."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from overfitlab.cli.groups import Commands, as_json
from overfitlab.errors import DataError
from overfitlab.words.languages import spoken

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to search first.  [default: $OVERFITLAB_DATA, then the usual places]",
)


@click.group(
    cls=Commands,
    short_help="List, fetch and verify data sets.",
    epilog="\b\nExamples:\n  overfitlab data list\n  overfitlab data fetch cifar10\n  overfitlab data verify",
)
def data() -> None:
    """List which data sets are on this machine, fetch others, and verify them."""


@data.command("list", epilog="Example:  overfitlab data list --json")
@data_dir_option
@as_json
def list_(data_dir: Path | None, as_json: bool) -> None:
    """List the data sets and where their copies are.

    It does not read the data: whether a copy is as published comes from its last verification.
    """
    from overfitlab.data.catalog import inventory
    from overfitlab.files import cache_folder, user_path

    entries = inventory.inventory(user_path(data_dir) if data_dir else None)
    if as_json:
        document = {"cache": str(cache_folder()), "data_sets": [entry.as_dict() for entry in entries]}
        click.echo(json.dumps(document, allow_nan=False))
        return
    from overfitlab.terminal.listing import show_inventory

    show_inventory(sys.stdout, entries, spoken())


@data.command(
    epilog="\b\nExamples:\n  overfitlab data fetch cifar10\n  overfitlab data fetch fashion_mnist --to /srv/datasets"
)
@click.argument("name")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to save it in.  [default: the cache, where every training finds it]",
)
@as_json
def fetch(name: str, folder: Path | None, as_json: bool) -> None:
    """Fetch and verify the data set NAME.

    NAME is cifar10, cifar100 or fashion_mnist. The same command resumes a transfer that was interrupted; what is here
    already is not fetched again.
    """
    from overfitlab.data.catalog import inventory
    from overfitlab.files import user_path
    from overfitlab.terminal.listing import show_found
    from overfitlab.terminal.screen import screen_on

    stream, say = sys.stderr if as_json else sys.stdout, spoken()
    with _interruption(say("stopped; run the same command to start again")):
        found = inventory.fetch(name, user_path(folder) if folder else None, listener=screen_on(stream, say))
    if as_json:
        click.echo(json.dumps({"name": name, **found.as_dict()}, allow_nan=False))
    else:
        show_found(sys.stdout, found, say)


@data.command(
    epilog="\b\nExamples:\n  overfitlab data verify\n  overfitlab data verify cifar10 --data-dir /srv/datasets"
)
@click.argument("name", required=False)
@data_dir_option
@as_json
def verify(name: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Compare the checksums of every copy of the data set NAME, or of all.

    Archives and members are read as a whole. The exit code is 1 where a copy is damaged.
    """
    from overfitlab.data.catalog import inventory
    from overfitlab.files import user_path
    from overfitlab.terminal.listing import show_verified
    from overfitlab.terminal.screen import screen_on

    stream, say = sys.stderr if as_json else sys.stdout, spoken()
    with _interruption(say("stopped; run the same command to verify from the beginning")):
        found = inventory.verify(name, user_path(data_dir) if data_dir else None, listener=screen_on(stream, say))
    if as_json:
        copies = [{"name": one.copy.published.name, **one.as_dict()} for one in found]
        click.echo(json.dumps({"copies": copies}, allow_nan=False))
    else:
        show_verified(sys.stdout, found, say)
    problems = [one.problem for one in found if one.problem is not None]
    if len(problems) > 1:
        raise DataError(
            "copies_damaged", "{reason} ({more} more, see above)", reason=problems[0], more=len(problems) - 1
        )
    if problems:
        raise problems[0]


@contextlib.contextmanager
def _interruption(advice: str) -> Iterator[None]:
    """Say how to go on after Ctrl-C, where nothing further inside says so."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.add_note(advice)
        raise
