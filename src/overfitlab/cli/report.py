"""`overfitlab report`."""

import json
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.errors import OverfitlabError
from overfitlab.files import refusal
from overfitlab.words.languages import spoken


@click.command(
    short_help="Write the report of a study.",
    epilog="\b\nExamples:\n"
    "  overfitlab report study-digits-1a2b3c\n"
    "  overfitlab report runs/mine --lang ko --out mine-ko",
)
@click.argument("study", metavar="STUDY")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the report.  [default: report in the study's folder]",
)
@as_json
def report(study: str, out: Path | None, as_json: bool) -> None:
    """Write the report of a study: a page to read and pass on, figures, tables, and every number behind them.

    STUDY is a folder, or a name or the beginning of an id below runs/. A study that still trains gives a provisional
    report. It writes report.html, report.md, figures/, for a paper contrasts.csv, contrasts.tex and methods.txt, and
    the numbers: verdict.json, runs.csv and history.csv.
    """
    # They import NumPy and more, which --help need not wait for.
    from overfitlab.api.reporting import language_of_pictures
    from overfitlab.api.studies import find_study

    found, say = find_study(study), spoken()
    try:
        page = found.report(out, say.code)
    except OSError as error:
        raise OverfitlabError(
            "report_not_written", "no report was written: {reason}, or choose another --out", reason=refusal(error)
        ) from error
    if as_json:
        click.echo(json.dumps({"study": str(found.folder), "folder": str(page.parent), "page": str(page)}))
        return
    if language_of_pictures(say) is not say:
        note = say(
            "Note: figures that need one are in English, as no font for {code} is installed on this machine",
            code=say.code,
        )
        click.echo(note, err=True)
    others = "report.md, contrasts.csv, contrasts.tex, methods.txt, verdict.json, runs.csv, history.csv, figures/"
    click.echo(say("Wrote {page} (and {others}); open it in a browser", page=page, others=others))
