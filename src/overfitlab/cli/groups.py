"""Groups of commands, and options that many of them have."""

from typing import Any

import click

from overfitlab.errors import unknown_name

as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document to standard output, everything else to standard error.",
)


class Commands(click.Group):
    """A group that suggests the nearest command."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that `args` names."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown_name("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)
