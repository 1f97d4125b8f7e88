"""`overfitlab methods`."""

import json
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.loading import loading
from overfitlab.cli.telling import tell
from overfitlab.errors import UsageError
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import spoken


@click.command(
    short_help="List the methods, or explain one.",
    epilog="\b\nExamples:\n"
    "  overfitlab methods\n"
    "  overfitlab methods dropout:rate=0.5\n"
    "  overfitlab methods augment+mixup --figure mixup.png",
)
@click.argument("name", required=False, metavar="[NAME]")
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the figure of what NAME does, .png or .svg.",
)
@as_json
def methods(name: str | None, figure: Path | None, as_json: bool) -> None:
    """List the regularization methods, or print the card of one.

    NAME is a method, with hyperparameters after a colon where they differ from the defaults, or several joined by +.
    The card says what it does, its equation and source, when it helps and hurts, what it costs, and shows
    it at work.
    """
    if name is None and figure is not None:
        raise UsageError(
            "figure_of_no_method", "--figure draws one method; name it: overfitlab methods dropout --figure dropout.png"
        )
    with loading():
        from overfitlab.api import describing  # imports torch, which --help need not wait for
    from overfitlab.terminal.method_card import show_cards, show_methods

    say = spoken()
    if name is None:
        cards, problems = describing.all_cards(ENGLISH if as_json else say)
        if as_json:
            entries = [card.as_dict() for card in cards] + [
                {"name": name, "problem": problem} for name, problem in problems.items()
            ]
            click.echo(json.dumps({"methods": entries}, allow_nan=False))
        else:
            show_methods(sys.stdout, cards, problems, say)
        return
    description = describing.describe_method(name)
    written = describing.write_figure(description, figure) if figure is not None else None
    if as_json:
        document = description.as_dict() | ({"figure": str(written)} if written else {})
        click.echo(json.dumps(document, allow_nan=False))
    else:
        show_cards(sys.stdout, description.cards_in(say), description.exhibits_in(say), say)
    if written:
        tell(say("Wrote {file}", file=written), err=as_json)
