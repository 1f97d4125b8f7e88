"""What a result may depend on besides its configuration: machine and package versions."""

import contextlib
import ctypes
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

STATUS, CLEAR_REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MEMORY = Path("/proc/meminfo")
PACKAGES = ("torch", "numpy", "scikit-learn", "safetensors", "matplotlib")


def environment() -> dict[str, str | int]:
    """Return versions, processor and core count, as plain JSON values."""
    facts: dict[str, str | int] = {
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


def available_memory_mb() -> int | None:
    """Return how much memory new processes can have, in MB (10^6 bytes); None where unknown."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in MEMORY.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return round(int(line.split()[1]) * 1024 / 1e6)
    return None
