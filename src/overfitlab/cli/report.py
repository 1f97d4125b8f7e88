"""`overfitlab report`."""

import json
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.errors import OverfitlabError
from overfitlab.files import refusal


@click.command(
    epilog="\b\nExamples:\n"
    "  overfitlab report study-digits-1a2b3c\n"
    "  overfitlab report runs/mine --lang ko --out mine-ko"
)
@click.argument("study", metavar="STUDY")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the report.  [default: report in the study's folder]",
)
@click.option("--lang", default="en", show_default=True, metavar="L", help="Language: en, or ko (Korean).")
@as_json
def report(study: str, out: Path | None, lang: str, as_json: bool) -> None:
    """Write the report of a study: a page to read and pass on, figures, tables, and every number behind them.

    STUDY is a folder, or a name or the beginning of an id below runs/. A study that still trains gives a provisional
    report. It writes report.html, report.md, verdict.json, runs.csv, history.csv and figures/.
    """
    # They import NumPy and more, which --help need not wait for.
    from overfitlab.api.reporting import language_of_pictures
    from overfitlab.api.studies import find_study
    from overfitlab.words.languages import language_named

    found = find_study(study)
    try:
        page = found.report(out, lang)
    except OSError as error:
        raise OverfitlabError(
            "report_not_written", "no report was written: {reason}, or choose another --out", reason=refusal(error)
        ) from error
    if as_json:
        click.echo(json.dumps({"study": str(found.folder), "folder": str(page.parent), "page": str(page)}))
        return
    if language_of_pictures(language_named(lang)).code != lang:
        click.echo(
            f"Note: figures that need one are in English, as no font for {lang} is installed on this machine", err=True
        )
    click.echo(f"Wrote {page} (and report.md, verdict.json, runs.csv, history.csv, figures/); open it in a browser")
