"""Many short lives of the command line: a process that has imported everything, and forks for each command.

`python forks.py` is that process, told what to do on standard input; `Forks` starts and asks it.
"""

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PATIENCE = 300.0  # seconds for one command


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, or minus the signal that ended it; and what it said on each stream."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """What it said on both streams."""
        return self.stdout + self.stderr

    @property
    def killed(self) -> bool:
        """Whether a SIGKILL ended it."""
        return self.code == -signal.SIGKILL


class Forks:
    """Runs `overfitlab ARGUMENTS` in processes that cost no start-up."""

    def __init__(self, folder: Path, environment: Mapping[str, str], server: Sequence[str] = (__file__,)) -> None:
        self._streams = [folder / name for name in ("stdin", "stdout", "stderr")]
        self._server = subprocess.Popen(
            [sys.executable, *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            text=True,
            start_new_session=True,
        )

    def __call__(
        self,
        *arguments: object,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        given: bytes = b"",
        patience: float = PATIENCE,
    ) -> Ended:
        """Run one command in that working folder to its end, with these variables besides those of the server.

        One without a value is taken away; `given` is what it reads on standard input. Raises `TimeoutError` where it
        takes longer than that many seconds.
        """
        self._streams[0].write_bytes(given)
        request = {
            "arguments": list(map(str, arguments)), "folder": str(folder or Path.cwd()),
            "streams": list(map(str, self._streams)), "environment": dict(environment or {}),
        }  # fmt: skip
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        ready, _, _ = select.select([self._server.stdout], [], [], patience)
        if not ready:
            os.killpg(self._server.pid, signal.SIGKILL)
            raise TimeoutError(f"overfitlab {' '.join(request['arguments'])} took more than {patience:.0f} s")
        code = os.waitstatus_to_exitcode(int(self._server.stdout.readline()))
        return Ended(code, *(path.read_text(encoding="utf-8", errors="replace") for path in self._streams[1:]))

    def close(self) -> None:
        """End the server."""
        try:
            self._server.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.communicate()


def serve() -> None:
    """Fork for each command on standard input, until that ends."""
    import torch

    import overfitlab
    from overfitlab.api import reporting  # noqa: F401
    from overfitlab.cli.main import main
    from overfitlab.data.sources import digits
    from overfitlab.report import figures, run_figure
    from overfitlab.results.history import EpochRow
    from overfitlab.runs import execution  # noqa: F401 - imported now, so that no command has to

    torch.set_num_threads(1)  # a process with more threads cannot be forked safely
    for name in overfitlab.__all__:
        getattr(overfitlab, name)
    digits.load()  # what these import while they work
    figures.rendered(run_figure.learning_curves([EpochRow(1, 1, 1, 1, 1, 1)], title=""), "svg")
    gc.freeze()  # what is here already is garbage of no child, which would copy it by looking
    for line in sys.stdin:
        request: dict[str, object] = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request)
            _end(main)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


def _end(main: Callable[[], object]) -> NoReturn:
    """Run the command line and end with its exit code, without taking the interpreter apart.

    That would touch, and so copy, all the memory that is shared with the server: most of the time of a short command.
    """
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:  # as the interpreter shows it
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(request: Mapping[str, object]) -> None:
    streams = request["streams"]
    assert isinstance(streams, Sequence)
    for number, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
        os.dup2(os.open(path, flags, 0o644), number)
    os.chdir(str(request["folder"]))
    arguments, environment = request["arguments"], request["environment"]
    assert isinstance(environment, dict)
    for name, value in environment.items():
        os.environ.update({name: value}) if value else os.environ.pop(name, None)
    assert isinstance(arguments, Sequence)
    sys.argv = ["overfitlab", *map(str, arguments)]


if __name__ == "__main__":
    serve()
