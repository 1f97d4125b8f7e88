"""Who computes on which core, so that trainings side by side do not fight over them.

Two trainings with a thread for every core each are many times slower than one after the other: within a step their
threads wait for each other at every turn (docs/performance.md, "Runs side by side"). So a training claims the cores
that it computes on, and the next one takes those that are left. A claim is a lock on a file: it ends with its process.
"""

import contextlib
import math
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass

import filelock

from overfitlab.files import cache_folder
from overfitlab.store.environment import usable_cores


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
