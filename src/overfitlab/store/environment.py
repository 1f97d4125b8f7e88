"""What a result may depend on besides its configuration: machine and package versions."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

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
    """Return the most memory that this process has held so far, in MB (10^6 bytes); None where unknown."""
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
