"""`overfitlab report`."""

import json
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.telling import tell
from overfitlab.errors import OverfitlabError
from overfitlab.files import refusal
from overfitlab.words.languages import asked_for, spoken


@click.command(
    short_help="Write the report of a study or a run.",
    epilog="\b\nExamples:\n"
    "  overfitlab report study-digits-1a2b3c\n"
    "  overfitlab report runs/mine --lang ko --out mine-ko\n"
    "  overfitlab report digits-batch_norm-seed0-1a2b3c",
)
@click.argument("named", metavar="STUDY|RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the report.  [default: report in the folder of the study or run]",
)
@as_json
def report(named: str, out: Path | None, as_json: bool) -> None:
    """Write the report of a study or a run: a page to read and pass on, figures, tables, and the numbers.

    STUDY|RUN is a folder, or a name or the beginning of an id below runs/. A study that still trains gives a
    provisional report. It writes report.html and report.md in English, report.ko.html and report.ko.md in Korean, or
    one of them with --lang; figures/; of a study for a paper contrasts.csv, contrasts.tex and methods.txt, and the
    numbers: verdict.json, runs.csv and history.csv.
    """
    # They import NumPy and more, which --help need not wait for.
    from overfitlab.api.listing import study_or_run
    from overfitlab.api.report_folder import languages
    from overfitlab.api.reporting import language_of_pictures

    found, say, asked = study_or_run(named), spoken(), asked_for()
    try:
        page = found.report(out, None if asked is None else asked.code)
    except OSError as error:
        raise OverfitlabError(
            "report_not_written", "no report was written: {reason}, or choose another --out", reason=refusal(error)
        ) from error
    if as_json:
        kind = "run" if (found.folder / "run.json").is_file() else "study"
        click.echo(json.dumps({kind: str(found.folder), "folder": str(page.parent), "page": str(page)}))
        return
    for other in languages(None if asked is None else asked.code):
        if language_of_pictures(other) is not other:
            note = say(
                "Note: figures that need one are in English, as no font for {code} is installed on this machine",
                code=other.code,
            )
            tell(note, err=True)
    others = sorted(entry.name for entry in page.parent.iterdir() if entry != page and not entry.name.startswith("."))
    names = ", ".join(f"{name}/" if (page.parent / name).is_dir() else name for name in others)
    tell(say("Wrote {page} (and {others}); open it in a browser", page=page, others=names))
