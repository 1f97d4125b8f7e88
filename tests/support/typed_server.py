"""`forks.py`, with warm workers for its studies: `python typed_server.py SOCKET`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "reliability"))

import forks
import warm_workers

from overfitlab.report import figures

figures.PAPER_DPI = 80  # a third of the time of a report is that of all the dots, at which no test looks here
SOCKET = Path(sys.argv[1])
warm_workers.install(lambda: SOCKET)
forks.serve()
