"""Commands of the command line as a person types them, without the start-up of a process for each."""

import atexit
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import warm_workers
from forks import Forks

SERVER = Path(__file__).with_name("typed_server.py")


@functools.cache
def _forks():
    folder = tempfile.TemporaryDirectory(prefix="overfitlab-typed-")
    forks = Forks(Path(folder.name), {}, [str(SERVER), str(warm_workers.server())])
    atexit.register(folder.cleanup)
    atexit.register(forks.close)
    return forks, dict(os.environ)


def overfitlab(*arguments, check=None, given=b"", patience=300, **environment):
    """Run `overfitlab ARGUMENTS` in the test's folder and environment, with these variables besides.

    Returns what `subprocess.run` would. Fails where the exit code is not the one to `check`.
    """
    if sys.platform == "win32":  # there is no fork
        return typed_anew(*arguments, check=check, given=given, **environment)
    run, begun_with = _forks()
    now = os.environ | environment
    changed = {name: now.get(name, "") for name in begun_with | now if now.get(name) != begun_with.get(name)}
    ended = run(*arguments, environment=changed, given=given, patience=patience)
    return _checked(subprocess.CompletedProcess(arguments, ended.code, ended.stdout, ended.stderr), check)


def typed_anew(*arguments, check=None, given=b"", **environment):
    """Run it in a Python of its own, where a warning is an error: the real thing, some seconds slower."""
    command = [sys.executable, "-W", "error", "-m", "overfitlab", *map(os.fsencode, map(str, arguments))]
    done = subprocess.run(
        command, capture_output=True, input=given, check=False, env=os.environ | environment, timeout=300
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return _checked(done, check)


def _checked(done, code):
    assert "Traceback" not in done.stderr, done.stderr
    if code is not None:
        assert done.returncode == code, done.stderr
    return done
