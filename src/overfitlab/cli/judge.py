"""`overfitlab judge`."""

import json
import shlex
import sys
from pathlib import Path

import click

from overfitlab.cli.groups import as_json
from overfitlab.cli.optional_number import UntilDecidedCommand
from overfitlab.cli.telling import tell
from overfitlab.config import UNTIL
from overfitlab.errors import OverfitlabError
from overfitlab.files import refusal
from overfitlab.words.languages import spoken

REPORT = "judged"  # the folder of the report unless one is named


@click.command(
    cls=UntilDecidedCommand,
    short_help="Judge runs trained elsewhere.",
    epilog="\b\nExamples:\n"
    "  overfitlab judge results.csv\n"
    "  overfitlab judge logs/ --baseline plain --when best --images 10000\n"
    "  overfitlab judge none=runs/plain dropout=runs/with-dropout --metric f1\n"
    "  overfitlab judge sweep.csv --column method=arch --column seed=rs --contrast wide:deep\n"
    "  overfitlab judge results.csv --gate 'dropout helps accuracy' --ledger attempts.jsonl",
)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--baseline", metavar="B", help="What every method is compared with.  [default: none or baseline]")
@click.option("--contrast", "contrasts", multiple=True, metavar="A:B", help="Also compare A with B; can be repeated.")
@click.option(
    "--metric",
    metavar="NAME",
    help="What is judged: accuracy, balanced_accuracy, f1, loss, or a column; NAME:higher or NAME:lower says which "
    "way is better.  [default: accuracy of test, else of validation images]",
)
@click.option(
    "--when",
    metavar="W",
    help="The epoch that is used: end, or best (on validation images if the log has them).  [default: end]",
)
@click.option(
    "--images",
    metavar="N[,V]",
    help="Number of images that the metric was measured on, and of validation images for the gap.  [default: inferred "
    "from the numbers]",
)
@click.option(
    "--until-decided",
    metavar="[T]",
    help=f"Runs are read again as seeds arrive, up to T, or none for no maximum.  [T: {UNTIL} unless given]",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME",
    help="What a column is: method, seed, epoch, images, seconds, or train (a training metric measured in evaluation "
    "mode, after the epoch) and validation.",
)
@click.option("--equivalence", metavar="A,G", help="Differences in metric and gap too small to matter.")
@click.option(
    "--alpha", type=float, default=0.05, show_default=True, metavar="X", help="Significance level of the tests."
)
@click.option(
    "--gate",
    metavar="CLAIM",
    help="A check: 'A helps|harms|equivalent|not-worse accuracy|gap [than B]'. Exit code 0 shown, 3 not shown, 4 the "
    "opposite shown.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --gate: count every attempt at the same question, and make the level stricter with each.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=f"Folder of the report.  [default: {REPORT}; with --gate no report unless it is given]",
)
@click.option("--report/--no-report", default=True, help="Write the report.  [default: --report]")
@as_json
def judge(
    sources: tuple[str, ...], gate: str | None, ledger: Path | None, out: Path | None, report: bool, as_json: bool,
    **options: object,
) -> int:  # fmt: skip
    """Judge runs that were trained elsewhere: which method helps, and how sure that is.

    SOURCE is a table (CSV, TSV, JSON lines, Parquet; one row per run, or per epoch), a log (Keras, Lightning, fastai,
    Hugging Face, TensorBoard, W&B's export, a store of MLflow or Trackio), or a folder of logs, METHOD/SEED/log;
    METHOD=PATH names the method. Runs with the same seed are compared in pairs, others as two groups.
    """
    from overfitlab.api.gating import gate_of, judged_at_gate  # imports NumPy and more, which --help need not wait for
    from overfitlab.api.judging import judge as judge_data
    from overfitlab.report.gate_text import gate_line
    from overfitlab.words.columns import screen_width

    say, stream = spoken(), sys.stderr if as_json else sys.stdout
    options = {name: value for name, value in options.items() if value not in (None, ())}
    command = shlex.join(["overfitlab", *sys.argv[1:]])
    if gate is None:
        gate_of(None, ledger)
        judgment, passed = judge_data([*sources], command=command, **options), None  # type: ignore[arg-type]
        click.echo(judgment.text(screen_width(stream)), file=stream)
    else:
        judgment, passed = judged_at_gate([*sources], gate, ledger, command=command, **options)
    page = None
    if out is not None or (report and gate is None):
        try:
            page = judgment.report(out or Path(REPORT), say.code)
        except OSError as error:
            raise OverfitlabError(
                "report_not_written", "no report was written: {reason}, or choose another --out", reason=refusal(error)
            ) from error
        tell("\n" + say("Report: {page} (open it in a browser)", page=page), err=as_json)
    if passed is not None:
        tell(gate_line(passed, say), err=as_json)
    if as_json:
        values = judgment.document() | {"page": None if page is None else str(page)}
        click.echo(json.dumps(values | ({} if passed is None else {"gate": passed.document()}), allow_nan=False))
    return 0 if passed is None else passed.exit_code
