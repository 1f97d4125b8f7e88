"""What this machine has for training, what it lacks, and what to do about each thing that it lacks."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from overfitlab import machine
from overfitlab._version import __version__
from overfitlab.data.catalog import inventory
from overfitlab.data.catalog.download import OFFLINE_VARIABLE, offline_is_forced
from overfitlab.data.catalog.library import MIRROR_VARIABLE
from overfitlab.errors import OverfitlabError
from overfitlab.files import cache_folder
from overfitlab.machine import processor, usable_cores

OK, NOTE, PROBLEM = LEVELS = ("ok", "note", "problem")
COMPILERS = "apt install gcc; xcode-select --install"
OLDEST_PYTHON = (3, 11)
GB = 10**9
RUNS = Path("runs")  # where runs go by default
ROOM = 1 * GB  # bytes of disk; a run takes some MB, and some 25 while it trains
COMFORT = 2 * GB  # bytes of memory in which the notebook's job fits, real CIFAR-10 included
EXTRAS = {  # module: what it is for, and how to get it
    "timm": ("networks other than the notebook's, by their name in timm", "pip install 'overfitlab[timm]'"),
    "pillow_heif": ("photos in HEIC format in a folder of images", "pip install 'overfitlab[heif]'"),
}
INSTRUCTIONS = {  # how PyTorch finds out; some of these functions are young
    "AMX": "_is_amx_tile_supported",
    "AVX-512-bf16": "_is_avx512_bf16_supported",
    "AVX-512": "_is_avx512_supported",
    "AVX2": "_is_avx2_supported",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: str  # OK, NOTE (training works all the same) or PROBLEM (it does not)
    text: str
    advice: str = ""  # what to do about it

    def as_dict(self) -> dict[str, str]:
        """Return it as plain JSON values."""
        return asdict(self)


def examine() -> list[Check]:
    """Look at everything, without touching the network or writing anything."""
    return [
        _python(),
        *_packages(),
        *_torch(),
        *_memory(),
        _disk(),
        *_data(),
        _fetching(),
        *_extras(),
    ]


def _python() -> Check:
    text = f"{platform.python_version()}, overfitlab {__version__}, {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        return Check("Python", PROBLEM, text, f"overfitlab needs Python {needed} or newer")
    return Check("Python", OK, text)


def _packages() -> Iterator[Check]:
    try:
        required = importlib.metadata.requires("overfitlab") or []
    except importlib.metadata.PackageNotFoundError:  # run from its source without being installed
        return
    names = [re.split(r"[^\w.-]", line)[0] for line in required if "extra ==" not in line]
    missing = []
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Check("packages", PROBLEM, f"{', '.join(missing)} missing", f"pip install {' '.join(missing)}")
    else:
        yield Check("packages", OK, f"all {len(names)} that it needs")


def _torch() -> Iterator[Check]:
    try:
        import torch

        from overfitlab.training import compute
    except (ImportError, OSError) as error:  # a shared library that is missing is an OSError
        reason = str(error).splitlines()[0]
        yield Check("PyTorch", PROBLEM, f"cannot be imported ({reason})", "install it again: pip install torch")
        return
    build = f"built with CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU"
    yield Check("PyTorch", OK, f"{torch.__version__}, {build}")
    yield _device(torch.cuda.is_available(), torch.backends.mps.is_available())
    found = [name for name, probe in INSTRUCTIONS.items() if getattr(torch.cpu, probe, lambda: False)()]
    yield Check("processor", OK, f"{processor()}; {', '.join(found) or 'none of AMX, AVX-512, AVX2'}")
    auto = compute.resolve("auto", None)
    threads = f"{auto.threads} thread{'s' if auto.threads > 1 else ''}"
    cores = f"{usable_cores()} of {os.cpu_count()} cores usable"
    yield Check("computation", OK, f"by default {auto.precision}, {threads}; {cores}")
    yield _kernels()


def _kernels() -> Check:
    from overfitlab.kernels import library

    if library.compiled() is None:
        advice = f"install a C compiler ({COMPILERS}), or a newer one, and then overfitlab again"
        return Check("kernels", NOTE, "not compiled: plain PyTorch computes, which takes up to twice as long", advice)
    best = library.best()
    text = library.described(best).removeprefix("kernels ")
    if best == library.OFF and library.shares_pool():
        return Check("kernels", NOTE, f"{text}, because {library.VARIABLE} is set", f"unset {library.VARIABLE}")
    if not library.shares_pool():
        return Check(
            "kernels", NOTE, f"{text}: PyTorch's pool of threads was not found, so they would run on one thread"
        )
    return Check("kernels", OK, f"{text}, on PyTorch's own threads")


def _device(cuda: bool, mps: bool) -> Check:
    others = [name for name, there in (("CUDA", cuda), ("Apple's MPS", mps)) if there]
    if not others:
        return Check("device", OK, "the CPU")
    names = " and ".join(others)
    return Check("device", NOTE, f"the CPU; {names} would be there for train --device, but nothing was tested with it")


def _memory() -> Iterator[Check]:
    available = machine.available_memory()
    if available is None:
        return
    text = f"{available / GB:.1f} GB available"
    if available < COMFORT:
        advice = "close other programs, or use --data digits or a smaller --batch-size"
        yield Check("memory", NOTE, f"{text}; CIFAR-10 takes up to {COMFORT / GB:.0f} GB", advice)
    else:
        yield Check("memory", OK, text)


def _disk() -> Check:
    folder = RUNS.absolute()
    there = _existing(folder)
    free = shutil.disk_usage(there).free
    text = f"{free / GB:.1f} GB free for {folder}"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = "change into a folder of yours, or name one with --out"
        return Check("runs", PROBLEM, f"{folder} cannot be written", advice)
    if free < ROOM:
        return Check("runs", NOTE, text, "free some space; a run takes a few MB, and some 25 while it trains")
    return Check("runs", OK, text)


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _data() -> Iterator[Check]:
    try:
        entries = inventory.inventory()
    except OverfitlabError as error:  # $OVERFITLAB_DATA names no folder
        yield Check("data", PROBLEM, str(error), "correct it, or unset it")
        return
    for entry in entries:
        used = next((found for found in entry.found if found.used), None)
        if entry.to_fetch is None:
            yield Check(entry.name, OK, "always here")
        elif used is not None:
            state = used.state if used.state != inventory.UNVERIFIED else "not verified yet"
            advice = f"overfitlab data verify {entry.name}" if used.state == inventory.UNVERIFIED else ""
            yield Check(entry.name, OK, f"{used.copy.path} ({state})", advice)
        else:
            advice = f"overfitlab data fetch {entry.name} ({entry.to_fetch / 1e6:.0f} MB)"
            yield Check(entry.name, NOTE, "damaged" if entry.found else "not here", advice)


def _fetching() -> Check:
    folder = cache_folder()
    there = _existing(folder)
    free = shutil.disk_usage(there).free
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = "make it writable, or fetch data elsewhere: overfitlab data fetch NAME --to DIR"
        return Check("cache", NOTE, f"{folder} cannot be written", advice)
    if offline_is_forced():
        return Check("cache", NOTE, f"{folder}; nothing is fetched", f"unset ${OFFLINE_VARIABLE} to allow it")
    mirror = os.environ.get(MIRROR_VARIABLE)
    return Check("cache", OK, f"{folder}, {free / GB:.1f} GB free" + (f"; {mirror} is asked first" if mirror else ""))


def _extras() -> Iterator[Check]:
    for module, (purpose, command) in EXTRAS.items():
        name = module.replace("_", "-")
        if importlib.util.find_spec(module) is not None:
            yield Check(name, OK, f"{importlib.metadata.version(name)}, for {purpose}")
        else:
            yield Check(name, NOTE, f"not installed; it is for {purpose}", command)
