"""An option whose number may be left out."""

import re

import click

from overfitlab.arguments import until_decided
from overfitlab.config import UNTIL

OPTION = "--until-decided"
SEVERAL = re.compile(r"\d+([,;:-]\d*)+")


class UntilDecidedCommand(click.Command):
    """A command that takes `--until-decided`, `--until-decided 20` and `--until-decided none`.

    A word that is neither a number nor `none` is the next argument: `--until-decided dropout` names a method. Several
    numbers are refused.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, with the number that was left out."""
        following = [*args[1:], ""]
        options = args.index("--") if "--" in args else len(args)
        found: list[str] = []
        for place, (word, after) in enumerate(zip(args, following, strict=True)):
            if word == OPTION and place < options and SEVERAL.fullmatch(after):
                until_decided(after)  # which says what it takes
            lacks_number = word == OPTION and place < options and not (after.isdigit() or after.lower() == "none")
            found += [f"{OPTION}={UNTIL}"] if lacks_number else [word]
        return super().parse_args(ctx, found)
