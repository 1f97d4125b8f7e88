"""Breaks disks, clocks and processes on demand: compiles faults.c, and says what is to go wrong where."""

import errno
import mmap
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COUNT, FAIL_ONE, FAIL_FROM, KILL, TEAR = range(5)
CONTROL = struct.Struct("<iiqqqq1024s1024s256s")  # struct control of faults.c
NUMBER = struct.Struct("<q")
SEEN_AT, FIRED_AT = struct.calcsize("<iiqq"), struct.calcsize("<iiqqq")


@dataclass(frozen=True)
class Operation:
    """What one process did to a file below the root: open, write, fsync, truncate, rename, unlink, mkdir.

    Or `resolve` and `connect`, a name and an address of the network, and `killed-at`, the end of the process.
    """

    process: int
    kind: str
    path: str  # relative to the root; of a rename "OLD -> NEW"


def compiled(folder: Path) -> Path | None:
    """Return the compiled library; None where this system cannot have one (no Linux, no C compiler)."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        return None
    library = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


class Faults:
    """What happens to the operations of all processes that run in `environment` on files below `root`."""

    def __init__(self, library: Path, folder: Path, root: Path) -> None:
        self.root, self._log, path = root, folder / "operations.log", folder / "control"
        path.write_bytes(bytes(CONTROL.size))
        self.environment = {"LD_PRELOAD": str(library), "OVERFITLAB_FAULTS": str(path)}
        with path.open("r+b") as stream:
            self._memory = mmap.mmap(stream.fileno(), CONTROL.size)
        self.arm(COUNT)

    def arm(self, mode: int, nth: int = 0, *, error: int = errno.ENOSPC, clock_jump: int = 0, match: str = "") -> None:
        """Let `mode` happen to the nth operation from now on (with FAIL_FROM to all from there).

        With `match` only those count whose "KIND PATH" has that text in it. Every other look at the clock is off by
        `clock_jump` seconds.
        """
        self._log.unlink(missing_ok=True)
        root, log = os.fsencode(os.path.realpath(self.root)), os.fsencode(self._log)
        self._memory[:] = CONTROL.pack(mode, error, nth, clock_jump, 0, 0, root, log, match.encode())

    def disarm(self) -> None:
        """Let everything go well from now on; what was seen stays."""
        self._memory[:4] = struct.pack("<i", COUNT)

    @property
    def seen(self) -> int:
        """The number of operations so far."""
        count: int = NUMBER.unpack_from(self._memory, SEEN_AT)[0]
        return count

    @property
    def fired(self) -> int:
        """How many of them were made to fail, or ended in a kill."""
        count: int = NUMBER.unpack_from(self._memory, FIRED_AT)[0]
        return count

    def operations(self) -> list[Operation]:
        """Return all of them in order."""
        text = self._log.read_text(encoding="utf-8", errors="surrogateescape") if self._log.exists() else ""
        found = []
        for line in text.splitlines():
            process, kind, path = line.split(" ", 2)
            found.append(Operation(int(process), kind, path))
        return found

    @property
    def killed_at(self) -> str:
        """The operation that became the moment of a SIGKILL, as "KIND PATH"; no text where there was none."""
        return next((each.path for each in self.operations() if each.kind == "killed-at"), "")
