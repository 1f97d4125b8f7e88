"""The machine: who computes on which core, how much memory there is, and what a result may depend on besides.

Two trainings with a thread for every core each are many times slower than one after the other: within a step their
threads wait for each other at every turn (docs/performance.md, "Runs side by side"). So a training claims the cores
that it computes on, and the next one takes those that are left. A claim is a lock on a file: it ends with its process.
"""

import contextlib
import ctypes
import math
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import filelock

from overfitlab.files import cache_folder

STATUS, CLEAR_REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MEMORY = Path("/proc/meminfo")
GROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")  # where a container has its limits
LIMITS = {  # of version 2 and 1 of control groups: limit, what is used, and what of that are files
    "": ("max", "current", "inactive_file"),
    "memory": ("limit_in_bytes", "usage_in_bytes", "total_inactive_file"),
}
Facts = dict[str, str | int | None]  # of machine and packages
PACKAGES = ("torch", "numpy", "scikit-learn", "safetensors", "matplotlib")


def environment() -> Facts:
    """Return versions, processor and core count, as plain JSON values."""
    facts: Facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": usable_cores(),
    }
    return facts | {package: version(package) for package in PACKAGES}


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_memory_mb() -> int | None:
    """Return the most memory that this process has held, in MB (10^6 bytes), since `forget_peak_memory`, or ever.

    None where unknown.
    """
    if STATUS.exists():
        for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):  # getrusage would count the process that started this one as well
                return round(int(line.split()[1]) * 1024 / 1e6)
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def forget_peak_memory() -> None:
    """Let `peak_memory_mb` begin anew, where the system can: memory that was freed is given back first.

    Elsewhere the peak of a process that does several trainings is that of the largest one so far.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc
    with contextlib.suppress(OSError):
        CLEAR_REFERENCES.write_text("5", encoding="ascii")  # man 5 proc: resets the peak


def available_memory() -> int | None:
    """Return how many bytes of memory new work can have, by the system and by a container's limit; None where unknown.

    What files take that a container has read counts as available: the system gives it back when it is wanted.
    """
    known = [_system_memory()]
    with contextlib.suppress(OSError):
        for line in OWN_GROUPS.read_text(encoding="ascii", errors="replace").splitlines():
            _, kinds, place = line.split(":", 2)
            if kinds in LIMITS:
                group = Path(place.lstrip("/"))  # which is bounded by all those that it lies in
                known += [_group_memory(GROUPS / kinds / each, *LIMITS[kinds]) for each in (group, *group.parents)]
    found = [each for each in known if each is not None]
    return max(0, min(found)) if found else None


def available_memory_mb() -> int | None:
    """Return `available_memory` in MB (10^6 bytes)."""
    available = available_memory()
    return None if available is None else round(available / 1e6)


def _system_memory() -> int | None:
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in MEMORY.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, ValueError, OSError):  # macOS has no such name, Windows no such function
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _group_memory(group: Path, most: str, now: str, of_files: str) -> int | None:
    """Return what is left of a group's limit, given the names of its numbers; None where it has none."""
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        limit, used = (int((group / f"memory.{name}").read_text(encoding="ascii")) for name in (most, now))
        facts = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return limit - used + int(facts.get(of_files, 0))
    return None


@dataclass(frozen=True)
class Claim:
    """The cores that a training has claimed."""

    cores: int  # how many
    usable: int  # of how many that this process may use
    taken: int = 0  # of those, how many it would have claimed if others did not hold them

    @property
    def threads(self) -> int:
        """How many threads to compute with."""
        return max(1, self.cores)


@dataclass(frozen=True)
class Plan:
    """How to do several trainings on this machine: so many at once, each with so many threads."""

    jobs: int
    threads: int


def plan(runs: int, cores: int | None = None) -> Plan:
    """Return how to do `runs` trainings on `cores` (those that this process may use): never more threads than cores.

    A thread for each run, as many runs as cores, does the most steps in a second: within a run nobody waits for
    another thread. Where there are fewer runs than cores they share them. Raises `ValueError` for less than one.
    """
    cores = usable_cores() if cores is None else cores
    if runs < 1 or cores < 1:
        raise ValueError(f"a plan needs one run and one core at least, not {runs} and {cores}")
    rounds = math.ceil(runs / cores)
    jobs = math.ceil(runs / rounds)
    return Plan(jobs, max(1, cores // jobs))


@contextlib.contextmanager
def claimed(most: int | None = None) -> Iterator[Claim]:
    """Claim the cores that no other training of this user holds, `most` at most, until the block ends.

    Where claims cannot be written, nobody is known to hold any.
    """
    usable = _usable()
    wanted = len(usable) if most is None else min(most, len(usable))
    with contextlib.ExitStack() as held:
        found = taken = 0
        for core in usable:
            if found == wanted:
                break
            if _claim(core, held):
                found += 1
            else:
                taken += 1
        yield Claim(found, len(usable), taken)


def _usable() -> list[int]:
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return sorted(os.sched_getaffinity(0))
    return list(range(usable_cores()))


def _claim(core: int, held: contextlib.ExitStack) -> bool:
    folder = cache_folder() / "cores" / platform.node()  # a home folder can be that of many machines
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # not shared within a process: two trainings in one are two
        lock = filelock.FileLock(folder / f"{core}.lock", timeout=0, is_singleton=False, thread_local=False)
        held.enter_context(lock)
    except filelock.Timeout:
        return False
    except (OSError, NotImplementedError):  # a cache that cannot be written to, or a filesystem without locks
        return True
    return True
