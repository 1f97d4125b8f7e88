"""Sentences of commands, as wide as the terminal that shows them."""

import sys

import click


def tell(text: str, *, err: bool = False) -> None:
    """Print sentences on standard output or standard error: folded at words on a terminal, else as they are."""
    from overfitlab.words.columns import flowing, screen_width  # imports Rich, which --help need not wait for

    click.echo(flowing(text, screen_width(sys.stderr if err else sys.stdout)), err=err)
