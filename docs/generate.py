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
    group = click.Context(cli, info_name="overfitlab", terminal_width=WIDTH, **SETTINGS)
    pages = {"overfitlab": cli.get_help(group)}
    for name, command in cli.commands.items():
        context = click.Context(command, info_name=name, parent=group, terminal_width=WIDTH, **SETTINGS)
        pages[f"overfitlab {name}"] = command.get_help(context)
    for title, text in pages.items():
        parts += [f"## `{title}`", "", "```text", text, "```", ""]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
