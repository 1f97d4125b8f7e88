"""Write the pages that are made from the code: docs/commands.md from the help of every command."""

from pathlib import Path

import click

from overfitlab.cli.main import cli

PAGE = Path(__file__).resolve().parent / "commands.md"
WIDTH = 100
SETTINGS = {**cli.context_settings, "max_content_width": WIDTH}


def commands_page() -> str:
    """Return the page, in Markdown."""
    parts = ["# Commands", "", "Made from `--help` by `make docs`.", ""]
    for title, text in pages(cli, "overfitlab").items():
        parts += [f"## `{title}`", "", "```text", text, "```", ""]
    return "\n".join(parts)


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> dict[str, str]:
    """Return the help of a command by its name, and that of all commands below it."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, **SETTINGS)
    found = {context.command_path: command.get_help(context)}
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        found |= pages(below, below.name or "", context)
    return found


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
