"""`overfitlab ui`."""

import importlib.util
from pathlib import Path

import click

from overfitlab.errors import OverfitlabError, UsageError

NEEDED = ("starlette", "uvicorn")
LARGEST_PORT = 65535


@click.command(
    short_help="Watch and run studies in a browser.",
    epilog="\b\nExamples:\n  overfitlab ui\n  overfitlab ui --port 8321 --no-browser\n  overfitlab ui --data photos/",
)
@click.option("--port", type=int, default=0, metavar="N", help="Port on this machine.  [default: any that is free]")
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.  [default: --browser]")
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default="runs",
    show_default=True,
    metavar="DIR",
    help="Folder of the studies and runs.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="D",
    help="A folder of images or an .npz file that studies may be started on; can be repeated.",
)
def ui(port: int, browser: bool, runs: Path, data: tuple[str, ...]) -> None:
    """Watch studies in a browser: curves as they grow, verdicts, runs; start, stop and resume them.

    The page is for this machine only, and for those who have the address that is printed. Studies run in processes of
    their own: they continue when the page is closed, and when this ends. From elsewhere: ssh -L PORT:127.0.0.1:PORT
    MACHINE.
    """
    if not 0 <= port <= LARGEST_PORT:
        raise UsageError("no_port", "--port must be from 0 to {most}, not {port}", most=LARGEST_PORT, port=port)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise OverfitlabError(
            "ui_not_installed",
            "the page needs {packages}: pip install 'overfitlab[ui]'",
            packages=" and ".join(missing),
        )
    if runs.exists() and not runs.is_dir():
        raise UsageError("runs_is_a_file", "{folder} is a file, not a folder; choose another --runs", folder=runs)
    for each in data:
        if not Path(each).expanduser().exists():
            raise UsageError("no_such_data", "there is no folder or file {name}; check --data", name=each)
    from overfitlab.ui.server import serve

    serve(runs, port, data, browser=browser)
