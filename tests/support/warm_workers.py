"""Workers of studies that cost no start-up: a process that has imported everything, and forks for each of them.

`python warm_workers.py SOCKET` is that process. A worker does what it always does, on pipes of its own; it only did not
import PyTorch first, which takes longer than all that a small study trains. `install` puts it in place of the start of
a new Python, but where variables were set that a new Python would read.
"""

import atexit
import functools
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from overfitlab.study.execute import local

READ_AT_START = ("PYTHON", "LD_", "MALLOC_", "GLIBC_")  # variables that only a new Python heeds
BEGUN_WITH = {name: value for name, value in os.environ.items() if name.startswith(READ_AT_START)}
cold = local.begun  # the real thing


class Warm:
    """A worker, with what `local` asks of a `subprocess.Popen`."""

    def __init__(self, connection, stdin, stdout):
        self.stdin, self.stdout = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb")
        self._connection, self._lock, self.returncode = connection, threading.Lock(), None
        self.pid = self._answer()

    def _answer(self):
        said = b""
        while not said.endswith(b"\n"):
            said += self._connection.recv(1)
        return int(said)

    def wait(self, timeout=None):
        with self._lock:
            if self.returncode is None:
                self._connection.settimeout(timeout)
                try:
                    self.returncode = os.waitstatus_to_exitcode(self._answer())
                except TimeoutError:
                    raise subprocess.TimeoutExpired("worker", timeout) from None
                self._connection.close()
        return self.returncode

    def kill(self):
        if self.returncode is None:
            os.kill(self.pid, 9)


@functools.cache
def server(environment=()):
    """Start the process that forks, with these variables besides; return its socket, there when it is ready."""
    folder = tempfile.TemporaryDirectory(prefix="overfitlab-warm-")
    path = Path(folder.name) / "socket"
    process = subprocess.Popen(
        [sys.executable, __file__, str(path)], stdin=subprocess.PIPE, env=os.environ | dict(environment)
    )
    atexit.register(folder.cleanup)
    atexit.register(process.communicate)  # it ends when its input does
    return path


def install(socket_of=server):
    """Let the studies of this process have warm workers, of the server at the socket that `socket_of` returns."""

    def begun(environment, log):
        if {name: value for name, value in environment.items() if name.startswith(READ_AT_START)} != BEGUN_WITH:
            return cold(environment, log)
        return _asked(socket_of(), environment, log)

    local.begun = begun


def _asked(path, environment, log):
    while not path.exists():
        time.sleep(0.05)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    request = json.dumps({"environment": dict(environment), "folder": str(Path.cwd())}).encode()
    socket.send_fds(connection, [len(request).to_bytes(4, "big")], [theirs_in, theirs_out, log.fileno()])
    connection.sendall(request)
    os.close(theirs_in)
    os.close(theirs_out)
    return Warm(connection, ours_in, ours_out)


def _serve(path):
    import torch

    from overfitlab.data.sources import digits
    from overfitlab.study.execute import probe, worker

    probe.PROBE_SECONDS = 0.2  # the plans of tests may be wrong about time
    torch.set_num_threads(1)  # a process with more threads cannot be forked safely
    digits.load()  # what it imports while it works
    gc.freeze()  # what is here already is garbage of no child, which would copy it by looking
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ended needs nobody to wait for it
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{path}.new")
        listening.listen(64)
        Path(f"{path}.new").rename(path)
        while sys.stdin not in select.select([sys.stdin, listening], [], [])[0]:
            connection, _ = listening.accept()
            with connection:
                length, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
                if os.fork() == 0:
                    _keep(connection, int.from_bytes(length, "big"), descriptors, worker.main)
            for descriptor in descriptors:
                os.close(descriptor)


def _keep(connection, length, descriptors, main):
    """Have a worker, wait for it, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = json.loads(connection.makefile("rb").read(length))
    pid = os.fork()
    if pid == 0:
        connection.close()
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["worker"]
        try:
            main()
        except SystemExit as ended:
            os._exit(int(ended.code or 0))
        except BaseException:  # as the interpreter shows it
            traceback.print_exc()
            os._exit(1)
    os.closerange(0, 3)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    connection.sendall(f"{status}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
