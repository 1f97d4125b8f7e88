"""Many short lives of the command line: a process that has imported everything, and forks for each command.

`python forks.py` is that process, told what to do on standard input; `Forks` starts and asks it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, or minus the signal that ended it; and what it said on both streams."""

    code: int
    said: str

    @property
    def killed(self) -> bool:
        """Whether a SIGKILL ended it."""
        return self.code == -signal.SIGKILL


class Forks:
    """Runs `overfitlab ARGUMENTS` in processes that cost no start-up."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._said = folder / "said"
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            text=True,
        )

    def __call__(self, *arguments: object, folder: Path | None = None) -> Ended:
        """Run one command in that working folder to its end."""
        request = {"arguments": list(map(str, arguments)), "folder": str(folder or Path.cwd()), "said": str(self._said)}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        code = os.waitstatus_to_exitcode(int(self._server.stdout.readline()))
        return Ended(code, self._said.read_text(encoding="utf-8", errors="replace"))

    def close(self) -> None:
        """End the server."""
        self._server.communicate(timeout=60)


def _serve() -> None:
    import torch

    import overfitlab
    from overfitlab import execution  # noqa: F401 - imported now, so that no command has to
    from overfitlab.cli.main import main
    from overfitlab.data import digits
    from overfitlab.report import figures
    from overfitlab.store.history import EpochRow
    from overfitlab.study import reporting  # noqa: F401

    torch.set_num_threads(1)  # a process with more threads cannot be forked safely
    for name in overfitlab.__all__:
        getattr(overfitlab, name)
    digits.load()  # what these import while they work
    figures.rendered(figures.learning_curves([EpochRow(1, 1, 1, 1, 1, 1)], title=""), "svg")
    for line in sys.stdin:
        request: dict[str, object] = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request)
            main()
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


def _become(request: Mapping[str, object]) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    said = os.open(str(request["said"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(str(request["folder"]))
    arguments = request["arguments"]
    assert isinstance(arguments, Sequence)
    sys.argv = ["overfitlab", *map(str, arguments)]


if __name__ == "__main__":
    _serve()
