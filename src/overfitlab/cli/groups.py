"""Groups of commands, and options that many of them have."""

from typing import Any

import click

from overfitlab.errors import unknown_name
from overfitlab.words.languages import VARIABLE, speak

as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document to standard output, everything else to standard error.",
)


def _language_option() -> click.Option:
    return click.Option(
        ["--lang"],
        metavar="L",
        expose_value=False,
        is_eager=True,  # so that what is wrong with the others is said in it
        callback=lambda _context, _option, code: speak(code),
        help=f"Language: en, or ko (Korean).  [default: ${VARIABLE}, else en]",
    )


class Commands(click.Group):
    """A group that suggests the nearest command, and whose commands all speak the language of `--lang`."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with the option that all of them have."""
        if not isinstance(cmd, click.Group):
            cmd.params.append(_language_option())
        super().add_command(cmd, name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that `args` names."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown_name("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)
