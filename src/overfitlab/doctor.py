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
from overfitlab.words.language import ENGLISH, Language

OK, NOTE, PROBLEM = LEVELS = ("ok", "note", "problem")
COMPILERS = "apt install gcc; xcode-select --install"
OLDEST_PYTHON = (3, 11)
GB = 10**9
RUNS = Path("runs")  # where runs go by default
ROOM = 1 * GB  # bytes of disk; a run takes some MB, and some 25 while it trains
COMFORT = 2 * GB  # bytes of memory in which the notebook's job fits, real CIFAR-10 included
EXTRAS = {  # module: what it is for, and how to get it
    "timm": ("other networks, by their names in timm", "pip install 'overfitlab[timm]'"),
    "pillow_heif": ("HEIC photos in a folder of images", "pip install 'overfitlab[heif]'"),
    "starlette": ("the page in a browser, overfitlab ui", "pip install 'overfitlab[ui]'"),
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


def examine(say: Language = ENGLISH) -> list[Check]:
    """Look at everything, without touching the network or writing anything, and say what there is to say."""
    return [
        _python(say),
        *_packages(say),
        *_torch(say),
        *_memory(say),
        _disk(say),
        *_data(say),
        _fetching(say),
        *_extras(say),
    ]


def _python(say: Language) -> Check:
    text = f"{platform.python_version()}, overfitlab {__version__}, {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        advice = say("overfitlab needs Python {version} or newer", version=needed)
        return Check("Python", PROBLEM, text, advice)
    return Check("Python", OK, text)


def _packages(say: Language) -> Iterator[Check]:
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
        text = say("{packages} missing", packages=", ".join(missing))
        yield Check(say("packages"), PROBLEM, text, f"pip install {' '.join(missing)}")
    else:
        yield Check(say("packages"), OK, say("all {count} required", count=len(names)))


def _torch(say: Language) -> Iterator[Check]:
    try:
        import torch

        from overfitlab.training import compute
    except (ImportError, OSError) as error:  # a shared library that is missing is an OSError
        reason = str(error).splitlines()[0]
        text = say("cannot be imported ({reason})", reason=reason)
        yield Check("PyTorch", PROBLEM, text, say("install it again: pip install torch"))
        return
    cuda = torch.version.cuda
    build = say("built with CUDA {version}", version=cuda) if cuda else say("built for the CPU")
    yield Check("PyTorch", OK, f"{torch.__version__}, {build}")
    yield _device(torch.cuda.is_available(), torch.backends.mps.is_available(), say)
    found = [name for name, probe in INSTRUCTIONS.items() if getattr(torch.cpu, probe, lambda: False)()]
    instructions = ", ".join(found) or say("none of AMX, AVX-512, AVX2")
    yield Check(say("processor"), OK, f"{processor()}; {instructions}")
    auto = compute.resolve("auto", None)
    text = say(
        "by default {precision}, {threads}; {usable} of {cores} cores usable", precision=auto.precision,
        threads=say.count(auto.threads, "thread"), usable=usable_cores(), cores=os.cpu_count(),
    )  # fmt: skip
    yield Check(say("computation"), OK, text)
    yield _kernels(say)


def _kernels(say: Language) -> Check:
    from overfitlab.kernels import library

    if library.compiled() is None:
        advice = say("install a C compiler ({how}), or a newer one, then reinstall overfitlab", how=COMPILERS)
        text = say("not compiled: plain PyTorch is used, which takes up to twice as long")
        return Check(say("kernels"), NOTE, text, advice)
    best = library.best()
    what = say("plain PyTorch")
    if best != library.OFF:
        what = say("for {instructions}", instructions=say(library.INSTRUCTIONS.get(best, best)))
    if best == library.OFF and library.shares_pool():
        text = say("{what}, because {variable} is set", what=what, variable=library.VARIABLE)
        return Check(say("kernels"), NOTE, text, say("unset {variable}", variable=library.VARIABLE))
    if not library.shares_pool():
        text = say("{what}: PyTorch's pool of threads was not found, so they would run on one thread", what=what)
        return Check(say("kernels"), NOTE, text)
    return Check(say("kernels"), OK, say("{what}, on PyTorch's own threads", what=what))


def _device(cuda: bool, mps: bool, say: Language) -> Check:
    others = [name for name, there in (("CUDA", cuda), ("Apple's MPS", mps)) if there]
    if not others:
        return Check(say("device"), OK, say("the CPU"))
    text = say("the CPU; {names} can be used with train --device, but is untested",
               names=say.listing(others))  # fmt: skip
    return Check(say("device"), NOTE, text)


def _memory(say: Language) -> Iterator[Check]:
    available = machine.available_memory()
    if available is None:
        return
    text = say("{gigabytes:.1f} GB available", gigabytes=available / GB)
    if available < COMFORT:
        advice = say("close other programs, or use --data digits or a smaller --batch-size")
        text += say("; CIFAR-10 takes up to {gigabytes:.0f} GB", gigabytes=COMFORT / GB)
        yield Check(say("memory"), NOTE, text, advice)
    else:
        yield Check(say("memory"), OK, text)


def _disk(say: Language) -> Check:
    folder = RUNS.absolute()
    there = _existing(folder)
    free = shutil.disk_usage(there).free
    text = say("{gigabytes:.1f} GB free for {folder}", gigabytes=free / GB, folder=folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = say("change to a folder that you can write to, or name one with --out")
        return Check(say("runs"), PROBLEM, say("{folder} cannot be written", folder=folder), advice)
    if free < ROOM:
        advice = say("free some space; a run takes a few MB, and about 25 while it trains")
        return Check(say("runs"), NOTE, text, advice)
    return Check(say("runs"), OK, text)


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _data(say: Language) -> Iterator[Check]:
    try:
        entries = inventory.inventory()
    except OverfitlabError as error:  # $OVERFITLAB_DATA names no folder
        yield Check(say("data"), PROBLEM, say.error(error), say("correct it, or unset it"))
        return
    for entry in entries:
        used = next((found for found in entry.found if found.used), None)
        if entry.to_fetch is None:
            yield Check(entry.name, OK, say("always here"))
        elif used is not None:
            state = say(used.state) if used.state != inventory.UNVERIFIED else say("not verified yet")
            advice = f"overfitlab data verify {entry.name}" if used.state == inventory.UNVERIFIED else ""
            yield Check(entry.name, OK, f"{used.copy.path} ({state})", advice)
        else:
            advice = f"overfitlab data fetch {entry.name} ({entry.to_fetch / 1e6:.0f} MB)"
            yield Check(entry.name, NOTE, say("damaged" if entry.found else "not here"), advice)


def _fetching(say: Language) -> Check:
    folder = cache_folder()
    there = _existing(folder)
    free = shutil.disk_usage(there).free
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = say("make it writable, or fetch data elsewhere: overfitlab data fetch NAME --to DIR")
        return Check(say("cache"), NOTE, say("{folder} cannot be written", folder=folder), advice)
    if offline_is_forced():
        advice = say("unset {variable} to allow it", variable=f"${OFFLINE_VARIABLE}")
        return Check(say("cache"), NOTE, say("{folder}; nothing is fetched", folder=folder), advice)
    mirror = os.environ.get(MIRROR_VARIABLE)
    text = say("{folder}, {gigabytes:.1f} GB free", folder=folder, gigabytes=free / GB)
    return Check(say("cache"), OK, text + (say("; {mirror} is tried first", mirror=mirror) if mirror else ""))


def _extras(say: Language) -> Iterator[Check]:
    for module, (purpose, command) in EXTRAS.items():
        name, what = module.replace("_", "-"), say(purpose)
        if importlib.util.find_spec(module) is not None:
            version = importlib.metadata.version(name)
            yield Check(name, OK, say("{version}, for {purpose}", version=version, purpose=what))
        else:
            yield Check(name, NOTE, say("not installed; it is for {purpose}", purpose=what), command)
