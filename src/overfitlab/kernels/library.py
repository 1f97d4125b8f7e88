"""The compiled kernels: where they are, which instructions they use, and the threads that they run on.

The library is plain C (native/) without a link to PyTorch, so one build serves any version of it. It has the kernels
for several instruction sets and chooses at run time; `OVERFITLAB_KERNELS` names one of them, or `off` for none.
"""

import ctypes
import functools
import importlib.machinery
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from overfitlab.errors import UsageError
from overfitlab.machine import usable_cores
from overfitlab.words.language import ENGLISH, Language

VARIABLE = "OVERFITLAB_KERNELS"
INSTRUCTIONS = {  # best first, as fused.c numbers them; what people call them
    "avx512bf16": "AVX-512 with bfloat16",
    "avx512": "AVX-512",
    "avx2": "AVX2",
    "portable": "any processor",
}
OFF = "off"
POOL = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")  # of OpenMP's run-time library


class Call(ctypes.Structure):
    """One call of the fused kernels: `fused` in native/fused.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "height", "width", "channels")),
        *((name, ctypes.c_int32) for name in ("kind", "groups", "relu", "pool", "bfloat16", "threads", "dropout")),
        ("dropped", ctypes.c_uint32),
        ("scale", ctypes.c_float),
        ("epsilon", ctypes.c_float),
    )


@dataclass(frozen=True)
class Library:
    """The kernels as they are used in this process."""

    functions: ctypes.CDLL
    instructions: str  # a key of INSTRUCTIONS
    pooled: bool  # whether they run on several threads, PyTorch's own; otherwise each call is one thread's work

    def winograd(self, name: str) -> Any:
        """Return that function of native/winograd.h, for these instructions."""
        target = "avx512" if self.instructions == "avx512bf16" else self.instructions
        return getattr(self.functions, f"overfitlab_winograd_{name}_{target}")


_used: Library | None = None  # in this process


def use(name: str) -> bool:
    """Use the kernels for those instructions from now on, or none where `name` is "off"; return whether that is so.

    Where they are not there, because the processor is another one or nothing was compiled, none are used.
    """
    global _used  # noqa: PLW0603 - the kernels are one per process, as PyTorch's threads are
    functions, found = None if name == OFF else loaded(), None
    if functions is not None and name in supported():
        functions.overfitlab_use_instructions(list(INSTRUCTIONS).index(name))
        found = Library(functions, name, pooled=_share_pool(functions))
    _used = found  # at once: another training of this process may be in the middle of a step
    return name == OFF or found is not None


def library() -> Library | None:
    """Return the kernels that are used, None where there are none."""
    return _used


def best() -> str:
    """Return the best instructions that this processor has and there are kernels for: a key of INSTRUCTIONS, or "off".

    It is "off" too where the kernels would run on one thread, for want of a pool to share, and there are more cores.
    `OVERFITLAB_KERNELS` overrides it; raises `UsageError` where what it asks for is not there.
    """
    wanted = os.environ.get(VARIABLE, "").strip().lower()
    if wanted not in ("", OFF, *INSTRUCTIONS):
        raise UsageError(
            "unknown_kernels", "{variable}={wanted}: choose one of {known}",
            variable=VARIABLE, wanted=wanted, known=", ".join((*INSTRUCTIONS, OFF)),
        )  # fmt: skip
    there = supported()
    if not wanted and there and usable_cores() > 1 and not shares_pool():
        return OFF  # on one thread each, the kernels would lose to PyTorch on all of them
    if wanted in INSTRUCTIONS and not there:
        raise UsageError(
            "kernels_not_compiled", "{variable}={wanted}: no kernels were compiled; leave the variable out",
            variable=VARIABLE, wanted=wanted,
        )  # fmt: skip
    if wanted in INSTRUCTIONS and wanted not in there:
        raise UsageError(
            "processor_without_instructions",
            "{variable}={wanted}: this processor has no {instructions}; leave the variable out",
            variable=VARIABLE, wanted=wanted, instructions=INSTRUCTIONS[wanted],
        )  # fmt: skip
    return wanted or (there[0] if there else OFF)


def supported() -> list[str]:
    """Return those of INSTRUCTIONS that this processor has, best first; none where no kernels were compiled."""
    functions = loaded()
    if functions is None:
        return []
    return [name for number, name in enumerate(INSTRUCTIONS) if functions.overfitlab_has_instructions(number)]


def shares_pool() -> bool:
    """Return whether the kernels can run on several threads, those of PyTorch's own pool."""
    functions = loaded()
    return functions is not None and _share_pool(functions)


@functools.cache
def loaded() -> ctypes.CDLL | None:
    """Return the compiled library; None where it was not built."""
    path = compiled()
    return None if path is None else _declared(ctypes.CDLL(str(path)))


def described(name: str, say: Language = ENGLISH) -> str:
    """Return in words what `best` or a run's record calls the kernels."""
    if name == OFF:
        return say("plain PyTorch")
    return say("kernels for {instructions}", instructions=say(INSTRUCTIONS.get(name, name)))


def compiled() -> Path | None:
    """Return the file of the compiled kernels; None where they were not built, for want of a compiler."""
    here = Path(__file__).parent
    files = (here / f"_native{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((file for file in files if file.is_file()), None)


def _declared(functions: ctypes.CDLL) -> ctypes.CDLL:
    pointer, call = ctypes.c_void_p, ctypes.POINTER(Call)
    functions.overfitlab_has_instructions.argtypes = [ctypes.c_int]
    functions.overfitlab_has_instructions.restype = ctypes.c_int
    functions.overfitlab_use_instructions.argtypes = [ctypes.c_int]
    functions.overfitlab_use_instructions.restype = None
    functions.overfitlab_use_pool.argtypes = [pointer] * 3
    functions.overfitlab_use_pool.restype = None
    functions.overfitlab_scratch.argtypes = [call]
    functions.overfitlab_scratch.restype = ctypes.c_int64
    for function in (functions.overfitlab_forward, functions.overfitlab_backward):
        function.argtypes = [call, *[pointer] * 10]
        function.restype = None
    functions.overfitlab_flush_denormals.argtypes = [ctypes.c_int, ctypes.c_int]
    functions.overfitlab_flush_denormals.restype = ctypes.c_int
    for target in ("avx512", "avx2", "portable"):
        _declare_winograd(functions, f"overfitlab_winograd_{{}}_{target}")
    return functions


def _declare_winograd(functions: ctypes.CDLL, name: str) -> None:
    """Say what the functions of native/winograd.h take: pointers, then the sizes, the threads and scratch memory."""
    pointer, sizes = ctypes.c_void_p, [*[ctypes.c_long] * 5, ctypes.c_int]
    for which, pointers in (("forward", 5), ("input_gradient", 4), ("weight_gradient", 4)):
        function = getattr(functions, name.format(which), None)  # those of other processors are not there
        if function is not None:
            function.argtypes, function.restype = [*[pointer] * pointers, *sizes, pointer], None
    for which in ("scratch", "weight_scratch"):
        function = getattr(functions, name.format(which), None)
        if function is not None:
            function.argtypes, function.restype = sizes, ctypes.c_long


def _share_pool(functions: ctypes.CDLL) -> bool:
    """Let the kernels fork on the pool of threads that PyTorch has loaded: a second one would fight it for the cores.

    Returns whether there is one. On a system whose OpenMP lacks GNU's entry points the kernels run on one thread.
    """
    folder = Path(torch.__file__).parent / "lib"
    # PyTorch itself, through which the libraries that it needs are searched too; then libgomp, LLVM's and Intel's
    for file in (folder / "libtorch_cpu.so", *sorted(folder.glob("lib*omp*.so*"))):
        try:
            loaded = ctypes.CDLL(str(file), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
            entries = [ctypes.cast(getattr(loaded, name), ctypes.c_void_p) for name in POOL]
        except (OSError, AttributeError):  # it is not the one in use, or it has other entry points
            continue
        functions.overfitlab_use_pool(*entries)
        return True
    return False
